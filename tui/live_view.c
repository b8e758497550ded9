/* SPDX-License-Identifier: MIT */
#include "tui/live_view.h"

#include <limits.h>
#include <stdio.h>
#include <sys/param.h>

#include "base/text.h"
#include "tui/bar.h"
#include "tui/overview.h"
#include "tui/pages.h"
#include "tui/table.h"
#include "tui/time_axis.h"

enum {
	MARGIN = 1,
	NOTICE_MIN_COLUMNS = 24,
	NOTICE_GAP = 3,
	BAR_MIN_HEIGHT = 5,
	AXIS_MIN_HEIGHT = 8
};

/* Which rows of the screen hold what; -1 where there is no room for it. */
struct layout {
	int overview_count;
	int notice; /* may take the place of the last overview line; else tabs stand there too */
	int header;
	int table;
	int table_len;
	int axis;
	int bar;
};

static struct layout layout_of(const struct state *state, int height)
{
	static const struct {
		int min_height, overview_count, notice;
	} heads[] = { { 16, 3, 3 }, { 8, 3, 2 }, { INT_MIN, 1, -1 } };

	size_t i = 0;
	while (height < heads[i].min_height)
		i++;
	struct layout layout = { .overview_count = heads[i].overview_count,
				 .notice = heads[i].notice,
				 .bar = height >= BAR_MIN_HEIGHT ? height - 1 : -1 };
	layout.header = MAX(layout.overview_count, layout.notice + 1);
	layout.table = layout.header + 1;
	bool has_axis = time_axis_is_long(&state->axis) && height >= AXIS_MIN_HEIGHT;
	layout.axis = has_axis ? layout.bar - 1 : -1;
	layout.table_len = MAX(0, height - layout.table - (layout.bar >= 0) - has_axis);
	return layout;
}

/* Keep the selected row on the screen. */
static void fit_table(struct state *state, size_t len)
{
	const struct tree *tree = &state->tree;
	state->page_len = len;
	if (state->top > tree->selected)
		state->top = tree->selected;
	if (state->top + len <= tree->selected)
		state->top = tree->selected - len + 1;
	if (state->top + len > tree->row_count)
		state->top = tree->row_count > len ? tree->row_count - len : 0;
}

static void fit(struct state *state, int width, int height)
{
	struct layout layout = layout_of(state, height);
	const struct page *page = &pages[state->page];
	if (page->has_table) {
		fit_table(state, (size_t)MAX(1, layout.table_len));
		return;
	}
	struct cells nowhere = { .width = width };
	int len = page->draw(state, &nowhere, 0);
	state_fit_text(state, (size_t)MAX(0, len), (size_t)MAX(1, layout.table_len));
}

static void scroll_table(struct state *state, enum motion motion)
{
	struct tree *tree = &state->tree;
	size_t len = state->page_len;
	size_t last = tree->row_count > len ? tree->row_count - len : 0;
	state->top = motion_apply(motion, state->top, len, last);
	if (tree->selected < state->top)
		tree_select(tree, state->top);
	else if (tree->selected >= state->top + len)
		tree_select(tree, state->top + len - 1);
}

static void move(struct state *state, enum motion motion)
{
	struct tree *tree = &state->tree;
	if (!pages[state->page].has_table)
		state_move_text(state, motion);
	else if (motion == MOTION_WHEEL_UP || motion == MOTION_WHEEL_DOWN)
		scroll_table(state, motion);
	else if (tree->row_count)
		tree_select(tree, motion_apply(motion, tree->selected, state->page_len,
					       tree->row_count - 1));
}

/* What to say where there are no rows to show. */
static void draw_nothing(const struct state *state, struct cells *cells, int row)
{
	const struct tree *tree = &state->tree;
	const struct snapshot *snapshot = tree->snapshot;
	const char *first = "Waiting for the first samples.";
	const char *second = "They come as soon as Python allocates.";
	if (snapshot && snapshot->stack_count && tree_is_filtered(tree)) {
		first = "Nothing that lives is like that.";
		second = "Undo it with \\ a m or i, as the line above says.";
	} else if (time_axis_is_open(&state->axis)) {
		first = "Nothing was live at this instant.";
		second = "Walk on with , and . or to an end with ( and )";
	} else if (snapshot && snapshot->capture.samples) {
		first = "All that was sampled is freed again.";
		second = "Slow leaks need more samples to show.";
	} else if (snapshot && snapshot->target.has_exited) {
		first = "The target exited before any sample.";
		second = "";
	}
	cells_text(cells, row, TABLE_MARKER_COLUMNS, cells->width, STYLE_BOLD, first);
	cells_text(cells, row + 1, TABLE_MARKER_COLUMNS, cells->width, STYLE_DIM, second);
}

static void draw_table(const struct state *state, const struct layout *layout, struct cells *cells)
{
	const struct tree *tree = &state->tree;
	table_draw_head(state, cells, layout->header);
	for (size_t i = 0; i < (size_t)layout->table_len && state->top + i < tree->row_count; i++)
		table_draw_row(state, state->top + i, cells, layout->table + (int)i);
	if (!tree->row_count && layout->table_len >= 2)
		draw_nothing(state, cells, layout->table + (layout->table_len > 4));
}

static void draw_text(const struct state *state, const struct layout *layout, struct cells *cells)
{
	struct cells body = { .width = cells->width,
			      .height = layout->table_len,
			      .cell = cells->cell + (ptrdiff_t)layout->table * cells->width };
	if (layout->table_len > 0)
		pages[state->page].draw(state, &body, -(int)state->scroll.top);
}

/* Say which part of the live memory is shown: "12 MiB shown: \text older than 1m". */
static void describe_filter(const struct tree *tree, char *ret, size_t size)
{
	char shown[COLUMN_TEXT_SIZE];
	char age[COLUMN_TEXT_SIZE];
	text_bytes(tree->shown_bytes, shown, sizeof(shown));
	text_duration(age_class_seconds[tree->min_age_class], age, sizeof(age));
	snprintf(ret, size, "%s shown:%s%s%s%s%s%s%s", shown, *tree->filter ? " \\" : "",
		 tree->filter, *tree->thread ? " thread " : "", tree->thread,
		 tree->min_age_class ? " older than " : "", tree->min_age_class ? age : "",
		 tree->hides_imports ? " no imports" : "");
}

static const char *notice(const struct state *state, char *ret, size_t size)
{
	const struct tree *tree = &state->tree;
	if (*state->message)
		return state->message;
	if (tree->snapshot && tree->snapshot->target.has_exited && !time_axis_is_open(&state->axis))
		return "target has exited: its last figures";
	if (tree->is_cut)
		return "more than 20,000 rows: fold some";
	if (!tree->snapshot || !tree_is_filtered(tree))
		return NULL;
	describe_filter(tree, ret, size);
	return ret;
}

/* How many columns the tabs may take beside a notice, which is NULL if there is none. */
static int tabs_room(const struct layout *layout, int width, const char *text)
{
	bool is_own_line = layout->notice >= layout->overview_count;
	if (!is_own_line || (text && width < WIDE_SCREEN))
		return 0;
	return width - MARGIN - (text ? NOTICE_GAP + NOTICE_MIN_COLUMNS : 0);
}

/* The tabs, and the notice behind them; over them if there is no room for both. */
static void draw_notice(const struct state *state, const struct layout *layout, struct cells *cells,
			const char *text)
{
	int used = pages_draw_tabs(state, cells, layout->notice, MARGIN,
				   tabs_room(layout, cells->width, text));
	int column = MARGIN + (used ? used + NOTICE_GAP : 0);
	if (text)
		cells_text(cells, layout->notice, column, cells->width, STYLE_WARM, text);
}

static void draw_overview(const struct state *state, const struct layout *layout,
			  struct cells *cells)
{
	char buffer[2 * LOG_TEXT_SIZE];
	const char *text = notice(state, buffer, sizeof(buffer));
	for (int i = 0; i < layout->overview_count; i++)
		if (!text || i != layout->notice)
			overview_draw(state, cells, (enum overview_line)i, i);
	if (layout->notice >= 0)
		draw_notice(state, layout, cells, text);
}

static void render(const struct state *state, struct cells *cells)
{
	struct layout layout = layout_of(state, cells->height);
	draw_overview(state, &layout, cells);
	if (pages[state->page].has_table)
		draw_table(state, &layout, cells);
	else
		draw_text(state, &layout, cells);
	if (layout.axis >= 0)
		time_axis_draw(&state->axis, cells, layout.axis);
	if (layout.bar >= 0)
		bar_draw(state, cells, layout.bar);
}

static struct hit find_row(const struct state *state, const struct layout *layout,
			   struct place place)
{
	size_t index = state->top + (size_t)(place.row - layout->table);
	if (place.row >= layout->table + layout->table_len || index >= state->tree.row_count)
		return (struct hit){ HIT_NOTHING, 0 };
	bool is_marker =
		place.column < TABLE_MARKER_COLUMNS && table_has_marker(&state->tree.rows[index]);
	return (struct hit){ is_marker ? HIT_FOLD : HIT_ROW, index };
}

struct hit live_view_find(const struct state *state, struct place place)
{
	char buffer[2 * LOG_TEXT_SIZE];
	struct layout layout = layout_of(state, state->height);
	enum page_id page;
	enum column_id column;
	if (layout.notice >= 0 && place.row == layout.notice &&
	    pages_find_tab(place.column - MARGIN,
			   tabs_room(&layout, state->width, notice(state, buffer, sizeof(buffer))),
			   &page))
		return (struct hit){ HIT_PAGE, page };
	if (layout.axis >= 0 && place.row == layout.axis)
		return (struct hit){ HIT_TIME,
				     time_axis_find(&state->axis, state->width, place.column) };
	if (!pages[state->page].has_table)
		return (struct hit){ HIT_NOTHING, 0 };
	if (place.row == layout.header &&
	    table_find_column(&state->tree, state->width, place.column, &column))
		return (struct hit){ HIT_COLUMN, column };
	if (place.row >= layout.table)
		return find_row(state, &layout, place);
	return (struct hit){ HIT_NOTHING, 0 };
}

const struct view live_view = { .fit = fit, .render = render, .move = move };
