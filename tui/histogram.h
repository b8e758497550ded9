/* SPDX-License-Identifier: MIT */
#ifndef TUI_HISTOGRAM_H
#define TUI_HISTOGRAM_H

/**
 * @file
 * How much of something is in which class, as a label, a share and a bar for each.
 */

#include "tui/cells.h"

enum { HISTOGRAM_LABEL_SIZE = 32, HISTOGRAM_LABEL_COLUMNS = 9 };

/** Draw the classes from the first that holds anything to the last, a line each, from `row` on,
 *  which may lie outside the cells; nothing if none does. The bar of all together would be
 *  `bar_columns` long. Returns the row after it. */
int histogram_draw(struct cells *cells, int row, int column, int bar_columns, const float *value,
		   size_t len, char label[][HISTOGRAM_LABEL_SIZE]);

#endif
