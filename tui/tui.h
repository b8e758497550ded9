/* SPDX-License-Identifier: MIT */
#ifndef TUI_TUI_H
#define TUI_TUI_H

/**
 * @file
 * The live view: one event loop on one terminal. Where snapshots come from is the source's
 * business.
 */

#include "base/error.h"
#include "profile/snapshot.h"

struct tui_source {
	void *context;
	/** Do the work that must not wait for a redraw. Called every 100 ms at the latest. */
	bool (*pump)(void *context, struct error *err);
	/** Make a new snapshot, which the view then owns. Called about twice a second. */
	bool (*snapshot)(void *context, struct snapshot **ret, struct error *err);
	/** True once the program was asked to end (a signal): the view then returns. */
	bool (*is_stopping)(void *context);
};

/** Run until `q`, F10, Ctrl-C or is_stopping(). When the target exits the last picture stays and
 *  says so. Restores the terminal on every path. Errors: those of the source; ERROR_INTERNAL if
 *  the terminal cannot be used. */
MUST_CHECK bool tui_run(const struct tui_source *source, struct error *err);

/** Give the terminal back at once; async-signal-safe, for handlers of fatal signals. */
void tui_restore_terminal(void);

#endif
