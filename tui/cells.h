/* SPDX-License-Identifier: MIT */
#ifndef TUI_CELLS_H
#define TUI_CELLS_H

/**
 * @file
 * A picture in memory: a grid of cells with a style each. Knows no terminal, so that a screen can
 * be tested as text. This is the barrier for foreign text: whatever is drawn is made printable
 * here.
 */

#include "base/error.h"

/** What a piece of text means; the screen decides what that looks like. */
enum style {
	STYLE_NORMAL,
	STYLE_DIM,	/* present, but not what one looks for */
	STYLE_BOLD,	/* what one looks for */
	STYLE_ACCENT,	/* where one is: titles, the sorted column, keys */
	STYLE_WARM,	/* what deserves attention: sure growth, losses */
	STYLE_HOT,	/* what deserves it first */
	STYLE_HEAT_LOW, /* much of something, where there are colours enough to say so */
	STYLE_HEAT_MIDDLE,
	STYLE_HEAT_HIGH,
	STYLE_COUNT,
};

/** From so many columns on a screen has room for words and wide gaps. */
enum { WIDE_SCREEN = 60 };

/** The most bytes of one character with its combining marks. */
enum { CELL_TEXT_SIZE = 24 };

struct cell {
	char text[CELL_TEXT_SIZE]; /* printable UTF-8; "" in the right half of a wide character */
	unsigned char style;	   /* enum style */
	unsigned char columns;	   /* 1 or 2; 0 in the right half of a wide character */
	bool is_selected;
};

struct cells {
	int width;
	int height;
	struct cell *cell; /* height rows of width */
};

/** A cell, counted from the upper left corner. */
struct place {
	int row;
	int column;
};

/** Make a blank grid; negative sizes count as 0. Errors: ERROR_NO_MEMORY. */
MUST_CHECK bool cells_init(struct cells *cells, int width, int height, struct error *err);
void cells_deinit(struct cells *cells);

void cells_clear(struct cells *cells);

/** The cell at row and column, or NULL outside the grid. */
const struct cell *cells_at(const struct cells *cells, int row, int column);

/** Draw text from row and column on, over at most `columns` columns; what leaves the grid is cut,
 * and so is a wide character that does not fit whole. Returns the columns drawn. */
int cells_text(struct cells *cells, int row, int column, int columns, enum style style,
	       const char *text);

/** As cells_text(), aligned to the right end of `columns` columns. */
void cells_text_right(struct cells *cells, int row, int column, int columns, enum style style,
		      const char *text);

/** Mark a whole row as the selected one. */
void cells_select_row(struct cells *cells, int row);

/** The picture as text, a line per row without trailing blanks. The caller frees it; NULL without
 *  memory. */
char *cells_dump(const struct cells *cells);

/** The styles as text, a letter per cell: d b a w h, x y z for heat, a blank for normal, capital
 * where selected (and then N for normal). The caller frees it; NULL without memory. */
char *cells_dump_styles(const struct cells *cells);

#endif
