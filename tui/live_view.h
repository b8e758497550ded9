/* SPDX-License-Identifier: MIT */
#ifndef TUI_LIVE_VIEW_H
#define TUI_LIVE_VIEW_H

/**
 * @file
 * The live view: what is known of the target as a whole, the table of sites and their callers, and
 * the bar of keys.
 */

#include "tui/state.h"

extern const struct view live_view;

#endif
