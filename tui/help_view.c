/* SPDX-License-Identifier: MIT */
#include "tui/help_view.h"

#include "tui/keys.h"

enum { MARGIN = 1, LABEL_COLUMNS = 11, SECOND_COLUMN = 40, TWO_COLUMNS_MIN_SCREEN = 76 };

static const char *const notes[] = {
	"All figures count from the attach on.", "± is half of a 95% interval.",
	"Under a site stand its callers;",	 "in the tree, whom a line called.",
	"With Shift the mouse marks text.",
};

/* Of a capture: what is not known there. */
static const char *const notes_of_past[] = {
	"A capture tells no ages of blocks: AGE is",
	"since when a row has had live bytes.",
};

static void draw_line(struct cells *cells, int row, int column, const char *label, const char *text)
{
	cells_text(cells, row, column, LABEL_COLUMNS - 1, STYLE_ACCENT, label);
	cells_text(cells, row, column + LABEL_COLUMNS, cells->width, STYLE_NORMAL, text);
}

/* In two columns where the screen is wide enough. */
static int draw_keys(const struct state *state, struct cells *cells, int row)
{
	int parts = cells->width >= TWO_COLUMNS_MIN_SCREEN ? 2 : 1;
	int count = 0;
	for (size_t i = 0; i < keys_len; i++)
		count += keys_is_known(state, &keys[i]);
	int part_len = (count + parts - 1) / parts;
	int place = 0;
	for (size_t i = 0; i < keys_len; i++) {
		if (!keys_is_known(state, &keys[i]))
			continue;
		draw_line(cells, row + place % part_len, MARGIN + place / part_len * SECOND_COLUMN,
			  keys[i].label, keys[i].help);
		place++;
	}
	return row + part_len;
}

/* Draw the page from `row` on, which may lie above the screen. Returns the row after it. */
static int draw_page(const struct state *state, struct cells *cells, int row)
{
	cells_text(cells, row++, MARGIN, cells->width, STYLE_BOLD, "filtrace keys");
	row = draw_keys(state, cells, row + 1) + 1;
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		if (!columns[i].needs_ages || !state->tree.is_ageless)
			draw_line(cells, row++, MARGIN, columns[i].title, columns[i].help);
	for (size_t i = 0; i < ARRAY_LEN(notes); i++)
		cells_text(cells, row++, MARGIN, cells->width, STYLE_DIM, notes[i]);
	for (size_t i = 0; state->tree.is_ageless && i < ARRAY_LEN(notes_of_past); i++)
		cells_text(cells, row++, MARGIN, cells->width, STYLE_DIM, notes_of_past[i]);
	return row;
}

static void fit(struct state *state, int width, int height)
{
	struct cells nowhere = { .width = width };
	state_fit_text(state, (size_t)draw_page(state, &nowhere, 0),
		       height > 1 ? (size_t)height - 1 : 1);
}

static void render(const struct state *state, struct cells *cells)
{
	int bar = cells->height - 1;
	struct cells above_bar = { .width = cells->width, .height = bar, .cell = cells->cell };
	draw_page(state, &above_bar, -(int)state->scroll.top);
	cells_text(cells, bar, MARGIN, cells->width, STYLE_DIM,
		   state->scroll.last ? "Up Down:scroll  any other key:back" : "any key:back");
}

const struct view help_view = { .fit = fit, .render = render, .move = state_move_text };
