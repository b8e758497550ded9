/* SPDX-License-Identifier: MIT */
#include "tui/pages.h"

#include <stdio.h>

#include "base/glyphs.h"
#include "base/text.h"
#include "tui/spark.h"

enum { MARGIN = 1, TAB_GAP = 2, LABEL_COLUMNS = 16, FIGURE_COLUMNS = 14, COURSE_COLUMNS = 48 };

/* One figure with its course. */
static int draw_figure(struct cells *cells, int row, const char *label, const char *figure,
		       const struct series *series)
{
	int column = MARGIN + LABEL_COLUMNS;
	cells_text(cells, row, MARGIN, LABEL_COLUMNS - 1, STYLE_DIM, label);
	cells_text(cells, row, column, cells->width, STYLE_NORMAL, figure);
	column += FIGURE_COLUMNS;
	if (series && glyphs_columns(figure) < FIGURE_COLUMNS && cells->width > column) {
		char course[SPARK_SIZE(COURSE_COLUMNS)];
		int room = cells->width - column - MARGIN;
		spark_print(series->value, series->len,
			    (size_t)(room < COURSE_COLUMNS ? room : COURSE_COLUMNS), course,
			    sizeof(course));
		cells_text(cells, row, column, room, STYLE_ACCENT, course);
	}
	return row + 1;
}

static void print_ms(double seconds, char ret[COLUMN_TEXT_SIZE])
{
	snprintf(ret, COLUMN_TEXT_SIZE, "%.3f ms", 1e3 * seconds);
}

/* How long stops take, shortest first. */
static int draw_stop_times(struct cells *cells, int row, const struct snapshot_capture *capture)
{
	const struct {
		const char *label;
		double seconds;
	} times[] = {
		{ "half are under", capture->median_stop_seconds },
		{ "99% are under", capture->p99_stop_seconds },
		{ "the longest", capture->longest_stop_seconds },
	};
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		char figure[COLUMN_TEXT_SIZE];
		char bar[SPARK_SIZE(COURSE_COLUMNS)];
		int column = MARGIN + LABEL_COLUMNS + FIGURE_COLUMNS;
		int room = cells->width - column - MARGIN;
		print_ms(times[i].seconds, figure);
		draw_figure(cells, row, times[i].label, figure, NULL);
		if (room > 0 && capture->longest_stop_seconds > 0) {
			spark_print_bar(times[i].seconds / capture->longest_stop_seconds,
					(size_t)(room < COURSE_COLUMNS ? room : COURSE_COLUMNS),
					bar, sizeof(bar));
			cells_text(cells, row, column, room, STYLE_ACCENT, bar);
		}
		row++;
	}
	return row;
}

static int draw_sampling(const struct state *state, struct cells *cells, int row)
{
	const struct snapshot_capture *capture = &state->tree.snapshot->capture;
	const struct chronicle *chronicle = &state->chronicle;
	char figure[COLUMN_TEXT_SIZE];
	row = draw_figure(cells, row, "samples",
			  text_count((double)capture->samples, figure, sizeof(figure)), NULL);
	row = draw_figure(cells, row, "lost",
			  text_count((double)capture->dropped, figure, sizeof(figure)), NULL);
	row = draw_figure(cells, row, "T",
			  text_bytes((double)capture->sample_bytes, figure, sizeof(figure)),
			  &chronicle->sample_bytes);
	return draw_figure(cells, row, "RSS",
			   text_bytes((double)capture->rss_bytes, figure, sizeof(figure)),
			   &chronicle->rss_bytes);
}

static int draw_stops(const struct state *state, struct cells *cells, int row)
{
	if (!state->tree.snapshot)
		return row;
	const struct snapshot_capture *capture = &state->tree.snapshot->capture;
	double share = capture->seconds > 0 ? capture->stopped_seconds / capture->seconds : 0;
	char figure[COLUMN_TEXT_SIZE];

	cells_text(cells, row++, MARGIN, cells->width, STYLE_BOLD, "What the target pays");
	snprintf(figure, sizeof(figure), "%.3f%%", 100 * share);
	row = draw_figure(cells, row, "time stopped", figure, NULL);
	snprintf(figure, sizeof(figure), "%.1f", capture->stops_per_second);
	row = draw_figure(cells, row, "stops a second", figure, &state->chronicle.stops_per_second);
	cells_text(cells, ++row, MARGIN, cells->width, STYLE_BOLD, "How long a stop takes");
	row = draw_stop_times(cells, row + 1, capture);
	cells_text(cells, ++row, MARGIN, cells->width, STYLE_BOLD, "What it buys");
	return draw_sampling(state, cells, row + 1);
}

static int draw_log(const struct state *state, struct cells *cells, int row)
{
	size_t len = chronicle_log_len(&state->chronicle);
	if (len == 0)
		cells_text(cells, row++, MARGIN, cells->width, STYLE_DIM, "Nothing happened yet.");
	for (size_t i = 0; i < len; i++) {
		const struct log_line *line = chronicle_log_line(&state->chronicle, i);
		unsigned long seconds = (unsigned long)line->seconds;
		char time[32];
		snprintf(time, sizeof(time), "%02lu:%02lu:%02lu", seconds / 3600, seconds / 60 % 60,
			 seconds % 60);
		int column = MARGIN + cells_text(cells, row, MARGIN, cells->width, STYLE_DIM, time);
		cells_text(cells, row++, column + 2, cells->width, STYLE_NORMAL, line->text);
	}
	return row;
}

const struct page pages[PAGE_COUNT] = {
	[PAGE_SITES] = { .title = "Sites", .has_table = true, .shape = TREE_SITES },
	[PAGE_TREE] = { .title = "Tree", .has_table = true, .shape = TREE_CALLS },
	[PAGE_THREADS] = { .title = "Threads", .has_table = true, .shape = TREE_THREADS },
	[PAGE_STOPS] = { .title = "Stops", .draw = draw_stops },
	[PAGE_LOG] = { .title = "Log", .draw = draw_log },
};

int pages_draw_tabs(const struct state *state, struct cells *cells, int row, int column, int room)
{
	int needed = -TAB_GAP;
	for (size_t i = 0; i < PAGE_COUNT; i++)
		needed += TAB_GAP + glyphs_columns(pages[i].title);
	if (needed > room)
		return 0;
	for (size_t i = 0; i < PAGE_COUNT; i++)
		column += TAB_GAP + cells_text(cells, row, column, cells->width,
					       i == (size_t)state->page ? STYLE_ACCENT : STYLE_DIM,
					       pages[i].title);
	return needed;
}
