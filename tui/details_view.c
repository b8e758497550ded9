/* SPDX-License-Identifier: MIT */
#include "tui/details_view.h"

#include <stdio.h>
#include <sys/param.h>

#include "base/elide.h"
#include "base/text.h"
#include "tui/histogram.h"
#include "tui/spark.h"

enum {
	MARGIN = 1,
	CHART_LINES = 5,
	CHART_COLUMNS_MAX = 64,
	CLASS_BAR_COLUMNS = 18,
	SECOND_COLUMN = 40,
	FRAMES_MAX = 200,
};

/* A page that is drawn line by line; lines above the cells are drawn nowhere. */
struct page_writer {
	struct cells *cells;
	int row;
};

static void write_line(struct page_writer *page, int column, enum style style, const char *text)
{
	cells_text(page->cells, page->row++, column, page->cells->width, style, text);
}

static void write_title(struct page_writer *page, const char *text)
{
	page->row++;
	write_line(page, MARGIN, STYLE_ACCENT, text);
}

static void write_figures(struct page_writer *page, const struct tree *tree,
			  const struct tree_row *row)
{
	const struct figures *figures = &row->figures;
	char text[2 * COLUMN_TEXT_SIZE + 64];
	char figure[3][COLUMN_TEXT_SIZE];
	bool is_growing = columns_is_sure_growth(&figures->growth_bytes_per_second);

	columns[COLUMN_LIVE].print(row, figure[0]);
	columns_print_error(&figures->live_bytes, figure[1]);
	columns[COLUMN_SHARE].print(row, figure[2]);
	snprintf(text, sizeof(text), "live    %s %s, %s of all", figure[0], figure[1], figure[2]);
	write_line(page, MARGIN, STYLE_NORMAL, text);

	columns[COLUMN_GROWTH].print(row, figure[0]);
	columns_print_error(&figures->growth_bytes_per_second, figure[1]);
	snprintf(text, sizeof(text), "growth  %s/min %s%s", figure[0], figure[1],
		 is_growing ? "" : ", not sure");
	write_line(page, MARGIN, is_growing ? STYLE_WARM : STYLE_NORMAL, text);

	columns[COLUMN_BLOCKS].print(row, figure[0]);
	snprintf(text, sizeof(text), "blocks  %s", figure[0]);
	if (figures->live_samples)
		snprintf(text, sizeof(text), "blocks  %s, on %zu samples", figure[0],
			 figures->live_samples);
	write_line(page, MARGIN, STYLE_NORMAL, text);

	columns[COLUMN_AGE].print(row, figure[0]);
	columns[COLUMN_MEDIAN].print(row, figure[1]);
	if (tree->is_ageless)
		snprintf(text, sizeof(text), "age     %s at most", figure[0]);
	else
		snprintf(text, sizeof(text), "age     oldest %s, median %s", figure[0], figure[1]);
	write_line(page, MARGIN, STYLE_NORMAL, text);
	if (!tree->baseline)
		return;
	columns[COLUMN_CHANGE].print(row, figure[0]);
	snprintf(text, sizeof(text), "change  %s since the baseline", figure[0]);
	write_line(page, MARGIN, STYLE_NORMAL, text);
}

/* Where the row's largest stack comes from. The innermost call is first, being what one looks for.
 */
static void write_traceback(struct page_writer *page, const struct state *state,
			    const struct snapshot_stack *stack)
{
	char text[1200];
	char live[COLUMN_TEXT_SIZE];
	text_bytes(stack->figures.live_bytes.value, live, sizeof(live));
	snprintf(text, sizeof(text), "Traceback, innermost first: %s of thread %s", live,
		 stack->thread ? stack->thread : "?");
	write_title(page, text);
	size_t count = MIN(stack->frame_count, (size_t)FRAMES_MAX);
	for (size_t i = 0; i < count; i++) {
		const struct frame *frame = stack->frames[i];
		const char *line = details_line(&state->details, frame);
		elide_frame(frame, page->cells->width - MARGIN - 1, text, sizeof(text));
		write_line(page, MARGIN + 1, i == 0 ? STYLE_BOLD : STYLE_NORMAL, text);
		if (line)
			write_line(page, MARGIN + 5, STYLE_DIM, line);
	}
	if (count < stack->frame_count)
		write_line(page, MARGIN + 1, STYLE_DIM, "[more frames outside]");
	else if (stack->is_truncated)
		write_line(page, MARGIN + 1, STYLE_DIM, "[outer frames not read]");
}

/* What the course of a row spans: the whole trace, or what is known of it. */
static const char *chart_span(const struct state *state, double *seconds_ret)
{
	const struct time_axis *axis = &state->axis;
	*seconds_ret = state->tree.snapshot->capture.seconds;
	if (!time_axis_is_open(axis))
		return "the attach";
	if (axis->baseline < axis->cursor) {
		*seconds_ret -= axis->timeline->instants[axis->baseline].seconds;
		return "the baseline";
	}
	*seconds_ret -= timeline_begin_seconds(axis->timeline);
	return timeline_origin(axis->timeline) == TIMELINE_ATTACH ? "the attach"
								  : "the file's beginning";
}

static void write_chart(struct page_writer *page, const struct state *state,
			const struct figures *figures)
{
	char text[SPARK_SIZE(CHART_COLUMNS_MAX)];
	char most[COLUMN_TEXT_SIZE];
	char length[COLUMN_TEXT_SIZE];
	double largest = 0, seconds;
	int room = MIN(CHART_COLUMNS_MAX, page->cells->width - 2 * MARGIN);
	if (figures->course_len == 0 || room <= 0)
		return;
	for (size_t i = 0; i < figures->course_len; i++)
		largest = MAX(largest, (double)figures->course_bytes[i]);
	text_bytes(largest, most, sizeof(most));
	const char *begin = chart_span(state, &seconds);
	text_duration(seconds, length, sizeof(length));
	snprintf(text, sizeof(text), "Live bytes in %s since %s, %s at most", length, begin, most);
	write_title(page, text);
	size_t columns_of_each = MAX(1, (size_t)room / figures->course_len);
	for (size_t line = 0; line < CHART_LINES; line++) {
		spark_print_chart(figures->course_bytes, figures->course_len,
				  columns_of_each * figures->course_len, line, CHART_LINES, text,
				  sizeof(text));
		write_line(page, MARGIN, STYLE_ACCENT, text);
	}
}

static int draw_ages(struct cells *cells, int row, int column, const struct figures *figures)
{
	char labels[AGE_CLASSES][HISTOGRAM_LABEL_SIZE];
	for (size_t i = 0; i < AGE_CLASSES; i++) {
		char seconds[HISTOGRAM_LABEL_SIZE / 2];
		bool is_last = i + 1 == AGE_CLASSES;
		text_duration(age_class_seconds[is_last ? i : i + 1], seconds, sizeof(seconds));
		snprintf(labels[i], HISTOGRAM_LABEL_SIZE, "%s %s", is_last ? "over" : "under",
			 seconds);
	}
	cells_text(cells, row, column, cells->width, STYLE_ACCENT, "Ages, by bytes");
	return histogram_draw(cells, row + 1, column, CLASS_BAR_COLUMNS, figures->age_bytes,
			      AGE_CLASSES, labels);
}

static int draw_sizes(struct cells *cells, int row, int column, const struct figures *figures)
{
	char labels[SIZE_CLASSES][HISTOGRAM_LABEL_SIZE];
	for (size_t i = 0; i < SIZE_CLASSES; i++) {
		char bytes[HISTOGRAM_LABEL_SIZE / 2];
		bool is_last = i + 1 == SIZE_CLASSES;
		text_bytes(size_class_bytes[is_last ? i : i + 1] - 1, bytes, sizeof(bytes));
		snprintf(labels[i], HISTOGRAM_LABEL_SIZE, "%s%s", is_last ? "> " : "", bytes);
	}
	cells_text(cells, row, column, cells->width, STYLE_ACCENT, "Block sizes up to, by bytes");
	return histogram_draw(cells, row + 1, column, CLASS_BAR_COLUMNS, figures->size_bytes,
			      SIZE_CLASSES, labels);
}

/* Side by side where there is room. */
static void write_histograms(struct page_writer *page, const struct figures *figures)
{
	struct cells *cells = page->cells;
	if (figures->course_len == 0)
		return;
	int first = page->row + 1;
	int end = draw_ages(cells, first, MARGIN, figures);
	bool is_wide = cells->width >= 2 * SECOND_COLUMN - MARGIN;
	int other = draw_sizes(cells, is_wide ? first : end + 1, is_wide ? SECOND_COLUMN : MARGIN,
			       figures);
	page->row = MAX(end, other);
}

/* Two lines that fit the site: by its place, and by its function, which an edit does not move. */
static void write_suppression(struct page_writer *page, const struct frame *frame)
{
	char text[1200];
	write_title(page, "Lines for a suppressions file: this line, this function");
	snprintf(text, sizeof(text), "leak:^%s:%d$", frame->file, frame->line);
	write_line(page, MARGIN, STYLE_NORMAL, text);
	snprintf(text, sizeof(text), "leak:^%s$", frame->function);
	write_line(page, MARGIN, STYLE_NORMAL, text);
}

static void write_page(struct page_writer *page, const struct state *state)
{
	const struct tree *tree = &state->tree;
	if (tree->row_count == 0) {
		write_line(page, MARGIN, STYLE_DIM, "The row is gone: all of it was freed.");
		return;
	}
	const struct tree_row *row = &tree->rows[tree->selected];
	const struct snapshot_stack *stack = tree_largest_stack(tree, row);
	char text[1200];
	if (row->is_thread)
		snprintf(text, sizeof(text), "thread %s", row->frame.function);
	else if (row->frame.line > 0)
		snprintf(text, sizeof(text), "%s  %s:%d", row->frame.function, row->frame.file,
			 row->frame.line);
	else
		snprintf(text, sizeof(text), "%s  %s", row->frame.function, row->frame.file);
	write_line(page, MARGIN, STYLE_BOLD, text);
	write_figures(page, tree, row);
	if (stack)
		write_traceback(page, state, stack);
	write_chart(page, state, &row->figures);
	if (tree->is_ageless)
		write_title(page, "Ages and sizes of single blocks are not in a capture.");
	else
		write_histograms(page, &row->figures);
	if (stack && stack->frame_count > 0)
		write_suppression(page, stack->frames[0]);
}

static void fit(struct state *state, int width, int height)
{
	struct cells nowhere = { .width = width };
	struct page_writer page = { .cells = &nowhere };
	write_page(&page, state);
	state_fit_text(state, (size_t)page.row, height > 1 ? (size_t)height - 1 : 1);
}

static void render(const struct state *state, struct cells *cells)
{
	int bar = cells->height - 1;
	struct cells above_bar = { .width = cells->width, .height = bar, .cell = cells->cell };
	struct page_writer page = { .cells = &above_bar, .row = -(int)state->scroll.top };
	write_page(&page, state);
	cells_text(cells, bar, MARGIN, cells->width, STYLE_DIM,
		   state->scroll.last ? "Up Down:scroll  any other key:back" : "any key:back");
}

const struct view details_view = { .fit = fit, .render = render, .move = state_move_text };
