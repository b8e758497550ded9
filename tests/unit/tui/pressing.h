/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_TUI_PRESSING_H
#define TESTS_UNIT_TUI_PRESSING_H

/**
 * @file
 * What a person does with a view: press keys, and read. To be included after cmocka.h.
 */

#include <string.h>

#include "tui/keys.h"

/* Press a key as the loop does. What must still be done then is returned: to seek. */
static inline enum reaction press_key(struct state *state, int code)
{
	struct error err;
	enum reaction reaction = keys_press(state, code);
	if (reaction & REACTION_REBUILD)
		assert_true(tree_rebuild(&state->tree, &err));
	return reaction;
}

static inline bool can_be_read(struct state *state, struct cells *cells, const char *text)
{
	state_draw(state, cells);
	OWNED_FREE char *picture = cells_dump(cells);
	return strstr(picture, text);
}

#endif
