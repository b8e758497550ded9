/* SPDX-License-Identifier: MIT */
#ifndef TUI_PAGES_H
#define TUI_PAGES_H

/**
 * @file
 * The pages that Tab goes through: the one table from which the tabs are drawn.
 */

#include "tui/state.h"

struct page {
	const char *title;
	bool has_table;	       /* its body is the table of rows */
	enum tree_shape shape; /* of those */
	/** What stands on a page without a table: draws it from `row` on, which may lie above the
	 *  cells, and returns the row after it. */
	int (*draw)(const struct state *state, struct cells *cells, int row);
};

extern const struct page pages[PAGE_COUNT];

/** Draw the titles from `column` on, the one shown in another style. Returns the columns drawn; 0
 *  if there is no room. */
int pages_draw_tabs(const struct state *state, struct cells *cells, int row, int column, int room);

/** Tell which page's title stands at a column, counted from the first title on, if they are drawn
 * in so much room. False if none does. */
bool pages_find_tab(int column, int room, enum page_id *ret);

#endif
