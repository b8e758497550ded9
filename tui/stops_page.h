/* SPDX-License-Identifier: MIT */
#ifndef TUI_STOPS_PAGE_H
#define TUI_STOPS_PAGE_H

/**
 * @file
 * The page about what the target pays: how often and how long its threads stand still.
 */

#include "tui/state.h"

/** Draw it from `row` on, which may lie above the cells. Returns the row after it. */
int stops_page_draw(const struct state *state, struct cells *cells, int row);

#endif
