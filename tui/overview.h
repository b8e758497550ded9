/* SPDX-License-Identifier: MIT */
#ifndef TUI_OVERVIEW_H
#define TUI_OVERVIEW_H

/**
 * @file
 * The lines above the table: what is known of the target as a whole.
 */

#include "tui/state.h"

/** The lines there are, most important first: who, how much, how it was measured. */
enum overview_line {
	OVERVIEW_TARGET,
	OVERVIEW_MEMORY,
	OVERVIEW_SAMPLING,
	OVERVIEW_LINE_COUNT,
};

/** Draw one of them onto `row`. What does not fit whole is left out, least important first. */
void overview_draw(const struct state *state, struct cells *cells, enum overview_line line,
		   int row);

#endif
