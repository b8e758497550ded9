/* SPDX-License-Identifier: MIT */
#ifndef TUI_STATE_H
#define TUI_STATE_H

/**
 * @file
 * What a person sees, and where in it they are. A view turns the state into a picture and nothing
 * else; keys change the state.
 */

#include "tui/cells.h"
#include "tui/tree.h"

/** A movement over a list. */
enum motion {
	MOTION_UP,
	MOTION_DOWN,
	MOTION_PAGE_UP,
	MOTION_PAGE_DOWN,
	MOTION_HOME,
	MOTION_END,
};

struct state;

/** One kind of picture. */
struct view {
	/** Scroll so that what matters shows on a screen of this size; before each render(). */
	void (*fit)(struct state *state, int width, int height);
	/** Draw onto cleared cells of the size given to fit(). Changes nothing. */
	void (*render)(const struct state *state, struct cells *cells);
	void (*move)(struct state *state, enum motion motion);
};

struct state {
	const struct view *view;
	struct tree tree; /* and with it the snapshot shown */
	bool is_paused;
	size_t top;	  /* first row of the table on the screen */
	size_t help_top;  /* first line of the help page on the screen */
	size_t help_last; /* the last line that may be first */
	size_t page_len;  /* rows or lines that the screen has room for; at least 1 */
};

/** Start with the live view of nothing. */
void state_init(struct state *state);
void state_deinit(struct state *state);

/** Draw the current view onto the cells, which are cleared first. */
void state_draw(struct state *state, struct cells *cells);

/** Where a motion leads from `position`, on a list whose last element is `last`. */
size_t motion_apply(enum motion motion, size_t position, size_t page_len, size_t last);

#endif
