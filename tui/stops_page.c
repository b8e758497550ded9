/* SPDX-License-Identifier: MIT */
#include "tui/stops_page.h"

#include <stdio.h>
#include <sys/param.h>

#include "base/glyphs.h"
#include "base/text.h"
#include "tui/histogram.h"
#include "tui/spark.h"

enum {
	MARGIN = 1,
	LABEL_COLUMNS = 16,
	FIGURE_COLUMNS = 14,
	COURSE_COLUMNS = 48,
	BAR_COLUMNS = 60,
	ONE_LINE_MIN_SCREEN = 72,
};

/* One figure, and what there is to draw of it. */
static int draw_line(struct cells *cells, int row, const char *label, const char *figure,
		     const char *drawing)
{
	int column = MARGIN + LABEL_COLUMNS;
	cells_text(cells, row, MARGIN, LABEL_COLUMNS - 1, STYLE_DIM, label);
	cells_text(cells, row, column, cells->width, STYLE_NORMAL, figure);
	if (glyphs_columns(figure) < FIGURE_COLUMNS)
		cells_text(cells, row, column + FIGURE_COLUMNS, cells->width, STYLE_ACCENT,
			   drawing);
	return row + 1;
}

static size_t drawing_columns(const struct cells *cells)
{
	int room = cells->width - 2 * MARGIN - LABEL_COLUMNS - FIGURE_COLUMNS;
	return (size_t)MAX(0, MIN(room, COURSE_COLUMNS));
}

static int draw_course(struct cells *cells, int row, const char *label, const char *figure,
		       const struct series *series)
{
	char course[SPARK_SIZE(COURSE_COLUMNS)];
	spark_print(series->value, series->len, drawing_columns(cells), course, sizeof(course));
	return draw_line(cells, row, label, figure, course);
}

/* How much of what may be used is used; a fixed T has no budget. */
static int draw_budget(struct cells *cells, int row, double share, double budget)
{
	char figure[COLUMN_TEXT_SIZE];
	char bar[SPARK_SIZE(COURSE_COLUMNS)];
	if (!(budget > 0))
		return draw_line(cells, row, "budget", "none, T is fixed", "");
	snprintf(figure, sizeof(figure), "%.0f%% of %g%%", 100 * share / budget, 100 * budget);
	spark_print_bar(share / budget, drawing_columns(cells), bar, sizeof(bar));
	return draw_line(cells, row, "of the budget", figure, bar);
}

static int draw_costs(const struct state *state, struct cells *cells, int row)
{
	const struct snapshot_capture *capture = &state->tree.snapshot->capture;
	const struct chronicle *chronicle = &state->chronicle;
	double share = capture->seconds > 0 ? capture->stopped_seconds / capture->seconds : 0;
	char figure[COLUMN_TEXT_SIZE];
	snprintf(figure, sizeof(figure), "%.3f%%", 100 * share);
	row = draw_course(cells, row, "time stopped", figure, &chronicle->stopped_share);
	if (!time_axis_is_open(&state->axis))
		row = draw_budget(cells, row, share, capture->budget);
	snprintf(figure, sizeof(figure), "%.1f", capture->stops_per_second);
	row = draw_course(cells, row, "stops a second", figure, &chronicle->stops_per_second);
	text_bytes((double)capture->sample_bytes, figure, sizeof(figure));
	row = draw_course(cells, row, "T", figure, &chronicle->sample_bytes);
	text_count((double)capture->samples, figure, sizeof(figure));
	row = draw_line(cells, row, "samples", figure, "");
	text_count((double)capture->dropped, figure, sizeof(figure));
	return draw_line(cells, row, "lost", figure, "");
}

/* Half of all stops, nearly all, the longest: in one line where there is room. */
static int draw_quantiles(struct cells *cells, int row, const struct snapshot_capture *capture)
{
	char text[3][COLUMN_TEXT_SIZE];
	snprintf(text[0], sizeof(text[0]), "%.3f ms", 1e3 * capture->median_stop_seconds);
	snprintf(text[1], sizeof(text[1]), "%.3f ms", 1e3 * capture->p99_stop_seconds);
	snprintf(text[2], sizeof(text[2]), "%.3f ms", 1e3 * capture->longest_stop_seconds);
	if (cells->width >= ONE_LINE_MIN_SCREEN) {
		char line[5 * COLUMN_TEXT_SIZE];
		snprintf(line, sizeof(line), "half under %s, 99%% under %s, the longest %s",
			 text[0], text[1], text[2]);
		cells_text(cells, row, MARGIN, cells->width, STYLE_NORMAL, line);
		return row + 1;
	}
	row = draw_line(cells, row, "half are under", text[0], "");
	row = draw_line(cells, row, "99% are under", text[1], "");
	return draw_line(cells, row, "the longest", text[2], "");
}

static void print_limit(double seconds, char ret[HISTOGRAM_LABEL_SIZE / 2])
{
	if (seconds < 1e-3)
		snprintf(ret, HISTOGRAM_LABEL_SIZE / 2, "%.0f us", 1e6 * seconds);
	else
		snprintf(ret, HISTOGRAM_LABEL_SIZE / 2, "%.0f ms", 1e3 * seconds);
}

static int draw_times(struct cells *cells, int row, const struct snapshot_capture *capture)
{
	char labels[STOP_CLASSES][HISTOGRAM_LABEL_SIZE];
	for (size_t i = 0; i < STOP_CLASSES; i++) {
		char limit[HISTOGRAM_LABEL_SIZE / 2];
		bool is_last = i + 1 == STOP_CLASSES;
		print_limit(stop_class_seconds[is_last ? i : i + 1], limit);
		snprintf(labels[i], sizeof(labels[i]), "%s %s", is_last ? ">" : "<", limit);
	}
	return histogram_draw(cells, row, MARGIN, BAR_COLUMNS, capture->stop_counts, STOP_CLASSES,
			      labels);
}

int stops_page_draw(const struct state *state, struct cells *cells, int row)
{
	if (!state->tree.snapshot)
		return row;
	const struct snapshot_capture *capture = &state->tree.snapshot->capture;
	char longest[COLUMN_TEXT_SIZE];
	cells_text(cells, row++, MARGIN, cells->width, STYLE_BOLD, "What the target pays");
	row = draw_costs(state, cells, row);
	if (time_axis_is_open(&state->axis)) {
		snprintf(longest, sizeof(longest), "%.3f ms", 1e3 * capture->longest_stop_seconds);
		return draw_line(cells, row, "longest stop", longest, "");
	}
	cells_text(cells, ++row, MARGIN, cells->width, STYLE_BOLD, "How long a stop takes");
	row = draw_quantiles(cells, row + 1, capture);
	return draw_times(cells, row, capture);
}
