/* SPDX-License-Identifier: MIT */
#ifndef TUI_DETAILS_VIEW_H
#define TUI_DETAILS_VIEW_H

/**
 * @file
 * All that is known of the selected row: where it is called from, with the source, how it grew, how
 * old and how large its blocks are, and how to leave it out of a check.
 */

#include "tui/state.h"

extern const struct view details_view;

#endif
