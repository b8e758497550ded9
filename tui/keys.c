/* SPDX-License-Identifier: MIT */
#include "tui/keys.h"

#include "tui/help_view.h"
#include "tui/live_view.h"

static enum reaction move(struct state *state, int motion)
{
	state->view->move(state, (enum motion)motion);
	return REACTION_REDRAW;
}

static enum reaction toggle_row(struct state *state, int unused)
{
	(void)unused;
	const struct tree *tree = &state->tree;
	if (tree->row_count && tree->rows[tree->selected].is_open)
		tree_fold(&state->tree);
	else
		tree_unfold(&state->tree);
	return REACTION_REBUILD;
}

static enum reaction unfold(struct state *state, int unused)
{
	(void)unused;
	tree_unfold(&state->tree);
	return REACTION_REBUILD;
}

static enum reaction fold(struct state *state, int unused)
{
	(void)unused;
	tree_fold(&state->tree);
	return REACTION_REBUILD;
}

static enum reaction toggle_all(struct state *state, int unused)
{
	(void)unused;
	tree_toggle_all(&state->tree);
	return REACTION_REBUILD;
}

static enum reaction sort_by(struct state *state, int column)
{
	state->tree.sort = (enum column_id)column;
	state->tree.is_reversed = false;
	return REACTION_REBUILD;
}

static enum reaction sort_next(struct state *state, int step)
{
	return sort_by(state, ((int)state->tree.sort + step + COLUMN_COUNT) % COLUMN_COUNT);
}

static enum reaction reverse(struct state *state, int unused)
{
	(void)unused;
	state->tree.is_reversed = !state->tree.is_reversed;
	return REACTION_REBUILD;
}

static enum reaction pause_or_go_on(struct state *state, int unused)
{
	(void)unused;
	state->is_paused = !state->is_paused;
	return REACTION_REDRAW;
}

static enum reaction show_help(struct state *state, int unused)
{
	(void)unused;
	state->view = &help_view;
	state->help_top = 0;
	return REACTION_REDRAW;
}

static enum reaction quit(struct state *state, int unused)
{
	(void)state;
	(void)unused;
	return REACTION_QUIT;
}

const struct key keys[] = {
	{ { '?', KEY_CODE_F1 }, "? F1", "?:help", "this page", show_help, 0 },
	{ { 'q', KEY_CODE_F10, KEY_CODE_CTRL_C },
	  "q F10",
	  "q:quit",
	  "detach; the target runs on",
	  quit,
	  0 },
	{ { KEY_CODE_UP, 'k' }, "Up k", NULL, "one row up", move, MOTION_UP },
	{ { KEY_CODE_DOWN, 'j' }, "Down j", NULL, "one row down", move, MOTION_DOWN },
	{ { KEY_CODE_PAGE_UP }, "PgUp", NULL, "one page up", move, MOTION_PAGE_UP },
	{ { KEY_CODE_PAGE_DOWN }, "PgDn", NULL, "one page down", move, MOTION_PAGE_DOWN },
	{ { KEY_CODE_HOME, 'g' }, "Home g", NULL, "first row", move, MOTION_HOME },
	{ { KEY_CODE_END, 'G' }, "End G", NULL, "last row", move, MOTION_END },
	{ { KEY_CODE_ENTER }, "Enter", "Enter:callers", "show or hide callers", toggle_row, 0 },
	{ { KEY_CODE_RIGHT, '+' }, "Right +", NULL, "show callers of this row", unfold, 0 },
	{ { KEY_CODE_LEFT, '-' }, "Left -", NULL, "hide them, or to the callee", fold, 0 },
	{ { '*' }, "*", NULL, "show or hide all callers", toggle_all, 0 },
	{ { '1' }, "1", "1-4:sort", "sort by live bytes", sort_by, COLUMN_LIVE },
	{ { '2' }, "2", NULL, "sort by growth", sort_by, COLUMN_GROWTH },
	{ { '3' }, "3", NULL, "sort by blocks", sort_by, COLUMN_BLOCKS },
	{ { '4' }, "4", NULL, "sort by age", sort_by, COLUMN_AGE },
	{ { '<' }, "<", NULL, "sort by previous column", sort_next, -1 },
	{ { '>' }, ">", NULL, "sort by next column", sort_next, 1 },
	{ { 'I' }, "I", NULL, "reverse the order", reverse, 0 },
	{ { ' ' }, "Space", "Space:pause", "hold the picture, or go on", pause_or_go_on, 0 },
};

const size_t keys_len = ARRAY_LEN(keys);

static const struct key *find_key(int code)
{
	for (const struct key *key = keys; key < keys + keys_len; key++)
		for (size_t i = 0; i < KEY_CODES_MAX && key->codes[i]; i++)
			if (key->codes[i] == code)
				return key;
	return NULL;
}

enum reaction keys_press(struct state *state, int code)
{
	if (code == KEY_CODE_RESIZE)
		return REACTION_REDRAW;

	const struct key *key = find_key(code);
	if (state->view != &live_view && (!key || key->action != move)) {
		state->view = &live_view;
		return REACTION_REDRAW;
	}
	return key ? key->action(state, key->argument) : REACTION_NONE;
}
