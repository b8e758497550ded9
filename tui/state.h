/* SPDX-License-Identifier: MIT */
#ifndef TUI_STATE_H
#define TUI_STATE_H

/**
 * @file
 * What a person sees, and where in it they are. A view turns the state into a picture and nothing
 * else; keys change the state.
 */

#include "tui/cells.h"
#include "tui/chronicle.h"
#include "tui/details.h"
#include "tui/prompt.h"
#include "tui/source.h"
#include "tui/time_axis.h"
#include "tui/tree.h"

/** A movement over a list. */
enum motion {
	MOTION_UP,
	MOTION_DOWN,
	MOTION_PAGE_UP,
	MOTION_PAGE_DOWN,
	MOTION_HOME,
	MOTION_END,
	MOTION_WHEEL_UP, /* scrolls, and takes the selection along only at the edges */
	MOTION_WHEEL_DOWN,
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

/** The pages of the live view; see pages[] in tui/pages.h. */
enum page_id {
	PAGE_SITES,
	PAGE_TREE,
	PAGE_THREADS,
	PAGE_STOPS,
	PAGE_LOG,
	PAGE_COUNT,
};

/** How far a text is scrolled. */
struct scroll {
	size_t top;  /* first line on the screen */
	size_t last; /* the last line that may be first */
};

struct state {
	const struct view *view;
	const struct tui_source *source; /* NULL: there is none to ask */
	enum page_id page;
	struct tree tree; /* and with it the snapshot shown */
	struct time_axis axis;
	struct chronicle chronicle;
	struct prompt prompt;
	struct details details;
	char search[TREE_TEXT_SIZE]; /* what was searched for last */
	char message[LOG_TEXT_SIZE]; /* the answer to the last key; "": none */
	bool is_paused;
	bool has_short_names; /* files without their directories */
	size_t top;	      /* first row of the table on the screen */
	struct scroll scroll; /* of the help page, the details, the log */
	size_t page_len;      /* rows or lines that the screen has room for; at least 1 */
	int width, height;    /* of what was drawn last */
	struct place pointer; /* where the mouse clicked last */
};

/** Start with the live view of nothing. */
void state_init(struct state *state);
void state_deinit(struct state *state);

/** Walk through a capture instead of watching a target, from its end on. */
void state_open(struct state *state, const struct timeline *timeline);

/** Show a snapshot, which must stay until the next one is shown, and even then as long as it is
 *  state->tree.baseline. On failure all is as it was. Errors: ERROR_NO_MEMORY. */
MUST_CHECK bool state_show(struct state *state, const struct snapshot *snapshot, struct error *err);

/** Say something in answer to a key. */
PRINTF_LIKE(2, 3) void state_say(struct state *state, const char *format, ...);

/** Draw the current view onto the cells, which are cleared first. */
void state_draw(struct state *state, struct cells *cells);

/** Where a motion leads from `position`, on a list whose last element is `last`. */
size_t motion_apply(enum motion motion, size_t position, size_t page_len, size_t last);

/** Scroll a text of so many lines into bounds, on a screen that has room for some of them. */
void state_fit_text(struct state *state, size_t len, size_t page_len);

/** Scroll such a text. */
void state_move_text(struct state *state, enum motion motion);

#endif
