/* SPDX-License-Identifier: MIT */
#include "tui/live_view.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/param.h>

#include "base/elide.h"
#include "base/glyphs.h"
#include "tui/keys.h"
#include "tui/overview.h"

enum { MARKER_COLUMNS = 2, SITE_MIN_COLUMNS = 8, BAR_GAP = 2, BAR_MIN_HEIGHT = 5 };

/* Which rows of the screen hold what; -1 where there is no room for it. */
struct layout {
	int overview_count;
	int notice; /* may take the place of the last overview line */
	int header;
	int table;
	int table_len;
	int bar;
};

static struct layout layout_of(int height)
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
	layout.table_len = MAX(0, height - layout.table - (layout.bar >= 0));
	return layout;
}

static void fit(struct state *state, int width, int height)
{
	(void)width;
	size_t len = (size_t)MAX(1, layout_of(height).table_len);
	const struct tree *tree = &state->tree;

	state->page_len = len;
	if (state->top > tree->selected)
		state->top = tree->selected;
	if (state->top + len <= tree->selected)
		state->top = tree->selected - len + 1;
	if (state->top + len > tree->row_count)
		state->top = tree->row_count > len ? tree->row_count - len : 0;
}

static void move(struct state *state, enum motion motion)
{
	struct tree *tree = &state->tree;
	if (tree->row_count)
		tree_select(tree, motion_apply(motion, tree->selected, state->page_len,
					       tree->row_count - 1));
}

/* Where a column of figures stands on the screen; -1: not shown. */
struct slot {
	int figure;
	int error;
};

/* Place the columns for which the screen is wide enough. Returns where the sites begin. */
static int place_columns(int width, struct slot slots[COLUMN_COUNT])
{
	int gap = width >= WIDE_SCREEN ? 2 : 1;
	int next = MARKER_COLUMNS;
	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		const struct column *column = &columns[i];
		slots[i] = (struct slot){ .figure = -1, .error = -1 };
		if (width < column->min_screen)
			continue;
		slots[i].figure = next;
		next += column->columns;
		if (column->estimate && width >= column->error_min_screen) {
			slots[i].error = next + 1;
			next += 1 + COLUMN_ERROR_COLUMNS;
		}
		next += gap;
	}
	return next;
}

static void draw_header(const struct tree *tree, struct cells *cells, int row)
{
	struct slot slots[COLUMN_COUNT];
	int site = place_columns(cells->width, slots);
	const char *arrow = tree->is_reversed ? "▴" : "▾";
	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		bool is_sorted = tree->sort == i;
		char title[COLUMN_TEXT_SIZE];
		if (slots[i].figure < 0)
			continue;
		snprintf(title, sizeof(title), "%s%s", is_sorted ? arrow : "", columns[i].title);
		cells_text_right(cells, row, slots[i].figure, columns[i].columns,
				 is_sorted ? STYLE_ACCENT : STYLE_DIM, title);
	}
	cells_text(cells, row, site, cells->width, STYLE_DIM, "SITE");
}

static enum style figure_style(enum column_id id, const struct figures *figures)
{
	if (id != COLUMN_GROWTH)
		return STYLE_NORMAL;
	return columns_is_sure_growth(&figures->growth_bytes_per_second) ? STYLE_WARM : STYLE_DIM;
}

static void draw_figures(const struct figures *figures, const struct slot slots[COLUMN_COUNT],
			 struct cells *cells, int row)
{
	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		enum style style = figure_style((enum column_id)i, figures);
		char text[COLUMN_TEXT_SIZE];
		if (slots[i].figure >= 0) {
			columns[i].print(figures, text);
			cells_text_right(cells, row, slots[i].figure, columns[i].columns, style,
					 text);
		}
		if (slots[i].error >= 0) {
			columns_print_error(columns[i].estimate(figures), text);
			cells_text(cells, row, slots[i].error, COLUMN_ERROR_COLUMNS,
				   style == STYLE_WARM ? STYLE_WARM : STYLE_DIM, text);
		}
	}
}

static const char *fold_marker(const struct tree_row *row)
{
	if (!row->has_callers)
		return "";
	if (row->is_open)
		return row->is_lone ? "" : "▾";
	return "▸";
}

static const char *branch_marker(const struct tree *tree, const struct tree_row *row)
{
	/* A lone caller of a caller continues the line above it. */
	if (row->is_lone && tree->rows[row->parent].depth > 0)
		return "";
	return row->is_last ? "└" : "├";
}

/* Draw the branch that leads to a caller. Returns the columns it takes. */
static int draw_branch(const struct tree *tree, const struct tree_row *row, struct cells *cells,
		       int screen_row, int column)
{
	int most = (cells->width - column - SITE_MIN_COLUMNS) / 2;
	int indent = (int)row->indent < most ? (int)row->indent : most;
	if (indent <= 0)
		return 0;
	cells_text(cells, screen_row, column + 2 * (indent - 1), 2, STYLE_DIM,
		   branch_marker(tree, row));
	return 2 * indent;
}

static void draw_row(const struct tree *tree, size_t index, struct cells *cells, int screen_row)
{
	const struct tree_row *row = &tree->rows[index];
	struct slot slots[COLUMN_COUNT];
	int column = place_columns(cells->width, slots);
	char site[1024];

	cells_text(cells, screen_row, 0, MARKER_COLUMNS, STYLE_ACCENT, fold_marker(row));
	if (!row->is_lone)
		draw_figures(&row->figures, slots, cells, screen_row);
	column += draw_branch(tree, row, cells, screen_row, column);
	elide_frame(row->frame, cells->width - column, site, sizeof(site));
	cells_text(cells, screen_row, column, cells->width, STYLE_NORMAL, site);
	if (index == tree->selected)
		cells_select_row(cells, screen_row);
}

/* What to say where there are no rows to show. */
static void draw_nothing(const struct snapshot *snapshot, struct cells *cells, int row)
{
	const char *first = "Waiting for the first samples.";
	const char *second = "They come as soon as Python allocates.";
	if (snapshot && snapshot->capture.samples) {
		first = "All that was sampled is freed again.";
		second = "Slow leaks need more samples to show.";
	} else if (snapshot && snapshot->target.has_exited) {
		first = "The target exited before any sample.";
		second = "";
	}
	cells_text(cells, row, MARKER_COLUMNS, cells->width, STYLE_BOLD, first);
	cells_text(cells, row + 1, MARKER_COLUMNS, cells->width, STYLE_DIM, second);
}

static void draw_table(const struct state *state, const struct layout *layout, struct cells *cells)
{
	const struct tree *tree = &state->tree;
	draw_header(tree, cells, layout->header);
	for (size_t i = 0; i < (size_t)layout->table_len && state->top + i < tree->row_count; i++)
		draw_row(tree, state->top + i, cells, layout->table + (int)i);
	if (!tree->row_count && layout->table_len >= 2)
		draw_nothing(tree->snapshot, cells, layout->table + (layout->table_len > 4));
}

static const char *notice(const struct tree *tree)
{
	if (tree->snapshot && tree->snapshot->target.has_exited)
		return "target has exited: its last figures";
	if (tree->is_cut)
		return "more than 20,000 rows: fold some";
	return NULL;
}

static void draw_overview(const struct state *state, const struct layout *layout,
			  struct cells *cells)
{
	const char *text = notice(&state->tree);
	for (int i = 0; i < layout->overview_count; i++)
		if (!text || i != layout->notice)
			overview_draw(state, cells, (enum overview_line)i, i);
	if (text && layout->notice >= 0)
		cells_text(cells, layout->notice, 1, cells->width, STYLE_WARM, text);
}

/* Draw the keys that fit whole before `end`, each as "key:what". */
static void draw_keys(struct cells *cells, int row, int end)
{
	int column = 1;
	for (const struct key *key = keys; key < keys + keys_len; key++) {
		const char *colon = key->bar ? strchr(key->bar, ':') : NULL;
		if (!colon || column + glyphs_columns(key->bar) > end)
			continue;
		column += cells_text(cells, row, column, (int)(colon - key->bar), STYLE_ACCENT,
				     key->bar);
		column += cells_text(cells, row, column, cells->width, STYLE_DIM, colon);
		column += BAR_GAP;
	}
}

static void draw_bar(const struct tree *tree, struct cells *cells, int row)
{
	char position[48] = "";
	if (tree->row_count)
		snprintf(position, sizeof(position), "%zu/%zu", tree->selected + 1,
			 tree->row_count);
	int position_columns = glyphs_columns(position);
	cells_text_right(cells, row, 0, cells->width, STYLE_DIM, position);
	draw_keys(cells, row, cells->width - position_columns - (position_columns > 0));
}

static void render(const struct state *state, struct cells *cells)
{
	struct layout layout = layout_of(cells->height);
	draw_overview(state, &layout, cells);
	draw_table(state, &layout, cells);
	if (layout.bar >= 0)
		draw_bar(&state->tree, cells, layout.bar);
}

const struct view live_view = { .fit = fit, .render = render, .move = move };
