/* SPDX-License-Identifier: MIT */
#ifndef TUI_SCREEN_H
#define TUI_SCREEN_H

/**
 * @file
 * The terminal: cells onto it, keys from it. The only module that knows ncurses. There is one
 * screen per process; it is used by the thread that opened it.
 */

#include "tui/cells.h"

/** Take over the terminal on stdin and stdout: without colours if NO_COLOR is set, with ASCII alone
 *  if the locale asks for another encoding than UTF-8.
 *  Errors: ERROR_INTERNAL if it cannot be used. */
MUST_CHECK bool screen_open(struct error *err);

/** Give it back as it was. Does nothing if there is none open. */
void screen_close(void);

/** The size now, bounded to what cells can reasonably hold. */
void screen_size(int *width_ret, int *height_ret);

/** Show the cells, which have the size of the screen; only what changed is sent. */
void screen_show(const struct cells *cells);

/** Take the next key that was pressed: a character or an enum key_code; KEY_CODE_NONE if there is
 *  none waiting. For a click, `click_ret` gets its place. Never blocks longer than it takes to tell
 *  Escape from a function key. */
int screen_key(struct place *click_ret);

/** Give the terminal back at once; async-signal-safe. */
void screen_restore(void);

#endif
