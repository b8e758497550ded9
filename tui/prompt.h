/* SPDX-License-Identifier: MIT */
#ifndef TUI_PROMPT_H
#define TUI_PROMPT_H

/**
 * @file
 * One line that is being typed, in place of the bottom bar.
 */

#include <stdbool.h>
#include <stddef.h>

#include "tui/tree.h"

enum prompt_purpose {
	PROMPT_NONE, /* nothing is being typed */
	PROMPT_SEARCH,
	PROMPT_FILTER,
	PROMPT_EXPORT,	  /* the name of a file */
	PROMPT_OVERWRITE, /* whether to replace it: one key answers */
};

enum { PROMPT_TEXT_SIZE = 256 };

struct prompt {
	enum prompt_purpose purpose;
	char text[PROMPT_TEXT_SIZE]; /* UTF-8; as long as what it is for takes */
	char before[TREE_TEXT_SIZE]; /* what was there when typing began */
	size_t selected_before;
};

/** What a key did to the line. */
enum prompt_result {
	PROMPT_IGNORED,
	PROMPT_CHANGED,
	PROMPT_ACCEPTED,
	PROMPT_CANCELLED,
};

/** Type a key: a character is added, Backspace takes one away, Ctrl-U all; Enter and Escape end. */
enum prompt_result prompt_press(struct prompt *prompt, int code);

#endif
