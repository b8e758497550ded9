/* SPDX-License-Identifier: MIT */
#include "tui/table.h"

#include <stdio.h>
#include <string.h>

#include "base/elide.h"

/* From so many columns on there is room for wide gaps. */
enum { ROOMY_SCREEN = 100, SITE_MIN_COLUMNS = 8 };

/* Where a column of figures stands on the screen; -1: not shown. */
struct slot {
	int figure;
	int error;
};

static bool is_placed(const struct column *column, const struct tree *tree, int width)
{
	if (width < column->min_screen || (column->needs_ages && tree->is_ageless))
		return false;
	if (column->needs_baseline)
		return tree->baseline;
	return !column->makes_way || !tree->baseline || width >= ROOMY_SCREEN;
}

/* Place the columns for which the screen is wide enough. Returns where the sites begin. */
static int place_columns(const struct tree *tree, int width, struct slot slots[COLUMN_COUNT])
{
	int gap = width >= ROOMY_SCREEN ? 2 : 1;
	int next = TABLE_MARKER_COLUMNS;
	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		const struct column *column = &columns[i];
		slots[i] = (struct slot){ .figure = -1, .error = -1 };
		if (!is_placed(column, tree, width))
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

void table_draw_head(const struct state *state, struct cells *cells, int row)
{
	static const char *const titles[] = {
		[TREE_SITES] = "SITE", [TREE_CALLS] = "CALL", [TREE_THREADS] = "THREAD"
	};
	const struct tree *tree = &state->tree;
	struct slot slots[COLUMN_COUNT];
	int site = place_columns(tree, cells->width, slots);
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
	cells_text(cells, row, site, cells->width, STYLE_DIM, titles[tree->shape]);
}

bool table_find_column(const struct tree *tree, int width, int column, enum column_id *ret)
{
	struct slot slots[COLUMN_COUNT];
	place_columns(tree, width, slots);
	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		int end = slots[i].error >= 0 ? slots[i].error + COLUMN_ERROR_COLUMNS
					      : slots[i].figure + columns[i].columns;
		*ret = (enum column_id)i;
		if (slots[i].figure >= 0 && column >= slots[i].figure && column < end)
			return true;
	}
	return false;
}

/* How much of all live memory it is. */
static enum style share_style(double share)
{
	if (share >= 0.5)
		return STYLE_HEAT_HIGH;
	if (share >= 0.2)
		return STYLE_HEAT_MIDDLE;
	return share >= 0.05 ? STYLE_HEAT_LOW : STYLE_NORMAL;
}

static enum style growth_style(const struct tree *tree, const struct estimate *growth)
{
	double total = tree->snapshot->total.growth_bytes_per_second.value;
	if (!columns_is_sure_growth(growth))
		return STYLE_DIM;
	return growth->value >= total / 2 ? STYLE_HOT : STYLE_WARM;
}

static enum style figure_style(const struct tree *tree, enum column_id id,
			       const struct tree_row *row)
{
	switch (id) {
	case COLUMN_LIVE:
	case COLUMN_SHARE:
		return share_style(row->share);
	case COLUMN_GROWTH:
		return growth_style(tree, &row->figures.growth_bytes_per_second);
	case COLUMN_TREND:
		return STYLE_ACCENT;
	case COLUMN_CHANGE:
		return row->change_bytes > 0 ? STYLE_NORMAL : STYLE_DIM;
	default:
		return STYLE_NORMAL;
	}
}

/* An error attracts no attention but together with its figure. */
static enum style error_style(enum style style)
{
	return style == STYLE_WARM || style == STYLE_HOT ? style : STYLE_DIM;
}

static void draw_figures(const struct tree *tree, const struct tree_row *row,
			 const struct slot slots[COLUMN_COUNT], struct cells *cells, int screen_row)
{
	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		enum style style = figure_style(tree, (enum column_id)i, row);
		char text[COLUMN_TEXT_SIZE];
		if (slots[i].figure >= 0) {
			columns[i].print(row, text);
			cells_text_right(cells, screen_row, slots[i].figure, columns[i].columns,
					 style, text);
		}
		if (slots[i].error >= 0) {
			columns_print_error(columns[i].estimate(row), text);
			cells_text(cells, screen_row, slots[i].error, COLUMN_ERROR_COLUMNS,
				   error_style(style), text);
		}
	}
}

static const char *fold_marker(const struct tree_row *row)
{
	if (!row->has_children)
		return "";
	if (row->is_open)
		return row->is_lone ? "" : "▾";
	return "▸";
}

bool table_has_marker(const struct tree_row *row)
{
	return *fold_marker(row);
}

static const char *branch_marker(const struct tree *tree, const struct tree_row *row)
{
	/* A lone row below a lone one continues the line above it. */
	if (row->is_lone && tree->rows[row->parent].depth > 0)
		return "";
	return row->is_last ? "└" : "├";
}

/* Draw the branch that leads to a row. Returns the columns it takes. */
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

static void draw_name(const struct state *state, const struct tree_row *row, struct cells *cells,
		      int screen_row, int column)
{
	char name[1024];
	struct frame frame = row->frame;
	const char *slash = strrchr(frame.file, '/');
	if (state->has_short_names && slash)
		frame.file = slash + 1;
	if (row->is_thread)
		snprintf(name, sizeof(name), "%s", frame.function);
	else
		elide_frame(&frame, cells->width - column, name, sizeof(name));
	cells_text(cells, screen_row, column, cells->width, STYLE_NORMAL, name);
}

void table_draw_row(const struct state *state, size_t index, struct cells *cells, int screen_row)
{
	const struct tree *tree = &state->tree;
	const struct tree_row *row = &tree->rows[index];
	struct slot slots[COLUMN_COUNT];
	int column = place_columns(tree, cells->width, slots);

	cells_text(cells, screen_row, 0, TABLE_MARKER_COLUMNS, STYLE_ACCENT, fold_marker(row));
	if (!row->is_lone)
		draw_figures(tree, row, slots, cells, screen_row);
	column += draw_branch(tree, row, cells, screen_row, column);
	draw_name(state, row, cells, screen_row, column);
	if (index == tree->selected)
		cells_select_row(cells, screen_row);
}
