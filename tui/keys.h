/* SPDX-License-Identifier: MIT */
#ifndef TUI_KEYS_H
#define TUI_KEYS_H

/**
 * @file
 * The one table of keys, from which dispatch, the bottom bar and the help page come.
 */

#include <stddef.h>

#include "tui/actions.h"

/** Keys that are no character; characters stand for themselves. */
enum key_code {
	KEY_CODE_NONE = 0,
	KEY_CODE_CTRL_C = 3,
	KEY_CODE_TAB = '\t',
	KEY_CODE_ENTER = '\n',
	KEY_CODE_ESCAPE = 27,
	KEY_CODE_UP = 0x110000, /* beyond the last character */
	KEY_CODE_DOWN,
	KEY_CODE_LEFT,
	KEY_CODE_RIGHT,
	KEY_CODE_PAGE_UP,
	KEY_CODE_PAGE_DOWN,
	KEY_CODE_HOME,
	KEY_CODE_END,
	KEY_CODE_SHIFT_LEFT,
	KEY_CODE_SHIFT_RIGHT,
	KEY_CODE_SHIFT_HOME,
	KEY_CODE_SHIFT_END,
	KEY_CODE_BACKSPACE,
	KEY_CODE_BACK_TAB,
	KEY_CODE_F1,
	KEY_CODE_F10,
	KEY_CODE_CLICK, /* of the mouse, at struct state's pointer; the next one there is a double
			 */
	KEY_CODE_DOUBLE_CLICK,
	KEY_CODE_WHEEL_UP,
	KEY_CODE_WHEEL_DOWN,
	KEY_CODE_UNKNOWN,
	KEY_CODE_RESIZE, /* the terminal has another size now */
};

enum { KEY_CODES_MAX = 3 };

enum key_needs {
	KEY_NEEDS_TABLE = 1,   /* a page that has rows */
	KEY_NEEDS_TARGET = 2,  /* one that lives */
	KEY_NEEDS_CAPTURE = 4, /* and its time axis */
};

struct key {
	int codes[KEY_CODES_MAX]; /* up to the first KEY_CODE_NONE */
	const char *label;	  /* "Up k" */
	const char *bar;	  /* "q:quit" if the bottom bar shows it */
	const char *help;
	enum reaction (*action)(struct state *state, int argument);
	int argument;
	unsigned needs; /* enum key_needs, or'ed: without it the key means nothing */
};

extern const struct key keys[];
extern const size_t keys_len;

/** Tell whether there is such a key where a target, or a capture, is shown. */
bool keys_is_known(const struct state *state, const struct key *key);

/** Do what a key stands for. Unknown ones do nothing. */
enum reaction keys_press(struct state *state, int code);

#endif
