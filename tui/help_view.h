/* SPDX-License-Identifier: MIT */
#ifndef TUI_HELP_VIEW_H
#define TUI_HELP_VIEW_H

/**
 * @file
 * The help page: the keys, from their one table, and what the figures mean.
 */

#include "tui/state.h"

extern const struct view help_view;

#endif
