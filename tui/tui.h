/* SPDX-License-Identifier: MIT */
#ifndef TUI_TUI_H
#define TUI_TUI_H

/**
 * @file
 * The live view: one event loop on one terminal. Where snapshots come from is the source's
 * business.
 */

#include "tui/source.h"

/** Run until `q`, F10, Ctrl-C or is_stopping(). When the target exits the last picture stays and
 *  says so. Restores the terminal on every path. Errors: those of the source; ERROR_INTERNAL if
 *  the terminal cannot be used. */
MUST_CHECK bool tui_run(const struct tui_source *source, struct error *err);

/** Give the terminal back at once; async-signal-safe, for handlers of fatal signals. */
void tui_restore_terminal(void);

#endif
