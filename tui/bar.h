/* SPDX-License-Identifier: MIT */
#ifndef TUI_BAR_H
#define TUI_BAR_H

/**
 * @file
 * The bottom line: the keys, from their one table, or what is being typed.
 */

#include "tui/state.h"

void bar_draw(const struct state *state, struct cells *cells, int row);

#endif
