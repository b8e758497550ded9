/* SPDX-License-Identifier: MIT */
#ifndef TUI_TABLE_H
#define TUI_TABLE_H

/**
 * @file
 * The rows of the tree as a table: its head, the figures, the branches and what the rows are.
 */

#include "tui/state.h"

/** The columns before the figures, where it says whether a row is folded. */
enum { TABLE_MARKER_COLUMNS = 2 };

void table_draw_head(const struct state *state, struct cells *cells, int row);

/** Draw the row with this index onto `screen_row`. */
void table_draw_row(const struct state *state, size_t index, struct cells *cells, int screen_row);

/** Tell which column of figures stands at a column of a screen that is so wide. False if none does.
 */
bool table_find_column(const struct tree *tree, int width, int column, enum column_id *ret);

/** Tell whether the first columns of a row say if it is folded. */
bool table_has_marker(const struct tree_row *row);

#endif
