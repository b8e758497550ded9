/* SPDX-License-Identifier: MIT */
#include "tui/overview.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/param.h>

#include "base/glyphs.h"
#include "base/text.h"
#include "tui/spark.h"

enum { MARGIN = 1, SEGMENTS_MAX = 7, PROCESS_MIN_COLUMNS = 12, COURSE_COLUMNS = 12 };

/* A piece of a line. */
struct segment {
	int rank; /* who gets room first: 0, then 1... */
	enum style style;
	bool is_part;	 /* of what stands before it: not shown without that */
	bool is_close;	 /* one column behind it */
	int min_columns; /* with less room it is left out */
	int columns;	 /* the room it got; 0: none */
	char text[256];	 /* printable */
};

struct line {
	struct segment segments[SEGMENTS_MAX];
	size_t len;
};

PRINTF_LIKE(4, 5)
static void add(struct line *line, int rank, enum style style, const char *format, ...)
{
	struct segment *segment = &line->segments[line->len++];
	*segment = (struct segment){ .rank = rank, .style = style };

	char raw[sizeof(segment->text)];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(raw, sizeof(raw), format, arguments);
	va_end(arguments);
	text_printable(raw, segment->text, sizeof(segment->text));
	segment->min_columns = glyphs_columns(segment->text);
}

static int gap_of(const struct segment *segment, int gap)
{
	return segment->is_close ? 1 : gap;
}

/* Give room to the segments of one rank. Returns what is left. */
static int share_out_rank(struct line *line, int rank, int room, int gap)
{
	const struct segment *whole = NULL;
	for (struct segment *s = line->segments; s < line->segments + line->len; s++) {
		if (!s->is_part)
			whole = s;
		int needed = s->min_columns + gap_of(s, gap);
		if (s->rank != rank || needed > room || !(whole == s || whole->columns))
			continue;
		s->columns = s->min_columns;
		room -= needed;
	}
	return room;
}

/* Give room to segments by rank, then what is left to the ones that could use more. */
static void share_out(struct line *line, int room, int gap)
{
	room += gap;
	for (int rank = 0; rank < SEGMENTS_MAX; rank++)
		room = share_out_rank(line, rank, room, gap);
	for (struct segment *s = line->segments; s < line->segments + line->len; s++) {
		int more = s->columns ? MIN(room, glyphs_columns(s->text) - s->columns) : 0;
		s->columns += more;
		room -= more;
	}
}

static void draw(struct line *line, struct cells *cells, int row)
{
	int gap = cells->width >= WIDE_SCREEN ? 3 : 2;
	int column = MARGIN;
	share_out(line, cells->width - MARGIN, gap);
	for (const struct segment *s = line->segments; s < line->segments + line->len; s++) {
		char text[sizeof(s->text)];
		if (!s->columns)
			continue;
		if (column > MARGIN)
			column += gap_of(s, gap);
		glyphs_cut(s->text, s->columns, text, sizeof(text));
		cells_text(cells, row, column, s->columns, s->style, text);
		column += s->columns;
	}
}

/* Who it is: the process, with as much of its command as there is room for. */
static void add_process(struct line *line, const struct snapshot_target *target)
{
	char command[200] = "";
	size_t len = 0;
	for (char *const *word = target->command; word && *word && len < sizeof(command); word++)
		len += (size_t)snprintf(command + len, sizeof(command) - len, " %s", *word);

	add(line, 1, STYLE_BOLD, "%d%s", target->pid, command);
	struct segment *process = &line->segments[line->len - 1];
	process->min_columns = MIN(process->min_columns, PROCESS_MIN_COLUMNS);
}

/* Which instant of a capture is shown, and since when changes count. */
static void add_instant(struct line *line, const struct time_axis *axis)
{
	char at[TIME_TEXT_SIZE], end[TIME_TEXT_SIZE], since[TIME_TEXT_SIZE];
	time_axis_print(axis, axis->cursor, at);
	time_axis_print(axis, SIZE_MAX, end);
	add(line, 0, STYLE_BOLD, "at %s of %s", at, end);
	if (axis->baseline == TIMELINE_ATTACH)
		return;
	time_axis_print(axis, axis->baseline, since);
	add(line, 2, STYLE_ACCENT, "since %s", since);
}

static void fill_target(const struct state *state, struct line *line)
{
	const struct snapshot *snapshot = state->tree.snapshot;
	char uptime[COLUMN_TEXT_SIZE];
	unsigned long seconds = (unsigned long)fmax(0, fmin(snapshot->capture.seconds, 1e9));

	add(line, 4, STYLE_ACCENT, "filtrace");
	add_process(line, &snapshot->target);
	if (snapshot->target.python)
		add(line, 3, STYLE_NORMAL, "CPython %s", snapshot->target.python);
	if (snapshot->capture.uptime_seconds > 0)
		add(line, 5, STYLE_NORMAL, "up %s",
		    text_duration(snapshot->capture.uptime_seconds, uptime, sizeof(uptime)));
	if (time_axis_is_open(&state->axis))
		add_instant(line, &state->axis);
	else
		add(line, 2, STYLE_NORMAL, "attached %02lu:%02lu:%02lu", seconds / 3600,
		    seconds / 60 % 60, seconds % 60);
	if (state->is_paused)
		add(line, 0, STYLE_WARM, "PAUSED");
}

/* What was added last is said of what stands before it. */
static void make_part(struct line *line, bool is_close)
{
	line->segments[line->len - 1].is_part = true;
	line->segments[line->len - 1].is_close = is_close;
}

/* The course of what stands before it, where there is room after all words. */
static void add_course(struct line *line, const float *value, size_t len)
{
	char course[SPARK_SIZE(COURSE_COLUMNS)];
	spark_print(value, len, COURSE_COLUMNS, course, sizeof(course));
	if (!*course)
		return;
	add(line, SEGMENTS_MAX - 1, STYLE_ACCENT, "%s", course);
	make_part(line, false);
}

static void add_rss(struct line *line, const struct state *state)
{
	const struct snapshot_capture *capture = &state->tree.snapshot->capture;
	const struct series *course = &state->chronicle.rss_bytes;
	char rss[COLUMN_TEXT_SIZE];
	char growth[COLUMN_TEXT_SIZE];
	char limit[COLUMN_TEXT_SIZE];
	if (!capture->rss_bytes)
		return;
	text_bytes((double)capture->rss_bytes, rss, sizeof(rss));
	columns_print_growth(capture->rss_growth_bytes_per_second, growth);
	text_bytes((double)capture->memory_limit_bytes, limit, sizeof(limit));
	add(line, 2, STYLE_NORMAL, "RSS %s", rss);
	if (capture->memory_limit_bytes) {
		add(line, 4, STYLE_NORMAL, "of %s", limit);
		make_part(line, true);
	}
	add(line, 3, STYLE_NORMAL, "%s/min", growth);
	make_part(line, true);
	add_course(line, course->value, course->len);
}

static void fill_memory(const struct state *state, struct line *line)
{
	const struct snapshot *snapshot = state->tree.snapshot;
	const struct figures *total = &snapshot->total;
	const struct estimate *growth = &total->growth_bytes_per_second;
	char live[COLUMN_TEXT_SIZE];
	char live_error[COLUMN_TEXT_SIZE];
	char slope[COLUMN_TEXT_SIZE];
	char slope_error[COLUMN_TEXT_SIZE];
	text_bytes(total->live_bytes.value, live, sizeof(live));
	text_bytes(total->live_bytes.error, live_error, sizeof(live_error));
	columns_print_growth(growth->value, slope);
	columns_print_error(growth, slope_error);

	add_rss(line, state);
	if (!snapshot->capture.samples)
		return;
	add(line, 0, STYLE_BOLD, "live %s ±%s", live, live_error);
	add(line, 1, columns_is_sure_growth(growth) ? STYLE_WARM : STYLE_DIM, "%s/min %s", slope,
	    slope_error);
	make_part(line, false);
	add_course(line, total->course_bytes, total->course_len);
}

static void fill_sampling(const struct snapshot_capture *capture, struct line *line)
{
	char count[COLUMN_TEXT_SIZE];
	char interval[COLUMN_TEXT_SIZE];
	text_bytes((double)capture->sample_bytes, interval, sizeof(interval));

	add(line, 1, STYLE_DIM, "samples %s",
	    text_count((double)capture->samples, count, sizeof(count)));
	if (capture->sample_bytes > 1)
		add(line, 3, STYLE_DIM, "T %s", interval);
	else
		add(line, 3, STYLE_DIM, "every allocation");
	add(line, 4, STYLE_DIM, "%.0f stops/s", capture->stops_per_second);
	if (capture->seconds > 0)
		add(line, 2, STYLE_DIM, "stopped %.2f%% (longest %.1f ms)",
		    100 * capture->stopped_seconds / capture->seconds,
		    1e3 * capture->longest_stop_seconds);
	if (capture->dropped)
		add(line, 0, STYLE_WARM, "%s lost",
		    text_count((double)capture->dropped, count, sizeof(count)));
}

void overview_draw(const struct state *state, struct cells *cells, enum overview_line which,
		   int row)
{
	const struct snapshot *snapshot = state->tree.snapshot;
	struct line line = { 0 };
	if (!snapshot && which == OVERVIEW_TARGET)
		add(&line, 0, STYLE_ACCENT, "filtrace");
	else if (snapshot && which == OVERVIEW_TARGET)
		fill_target(state, &line);
	else if (snapshot && which == OVERVIEW_MEMORY)
		fill_memory(state, &line);
	else if (snapshot)
		fill_sampling(&snapshot->capture, &line);
	draw(&line, cells, row);
}
