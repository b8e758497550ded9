/* SPDX-License-Identifier: MIT */
#ifndef TUI_LIVE_VIEW_H
#define TUI_LIVE_VIEW_H

/**
 * @file
 * The live view: what is known of the target as a whole, one of the pages, and the bar of keys; of
 * a capture, its time axis too.
 */

#include "tui/state.h"

extern const struct view live_view;

enum hit_kind {
	HIT_NOTHING,
	HIT_ROW,    /* number: index of the row */
	HIT_FOLD,   /* the same; on its marker */
	HIT_COLUMN, /* number: enum column_id */
	HIT_PAGE,   /* number: enum page_id */
	HIT_TIME,   /* number: of the instant */
};

/** What stands somewhere on the screen. */
struct hit {
	enum hit_kind kind;
	size_t number;
};

/** Tell what stands at a place of the picture that was drawn last. */
struct hit live_view_find(const struct state *state, struct place place);

#endif
