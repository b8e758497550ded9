/* SPDX-License-Identifier: MIT */
#include "tui/keys.h"

#include "tui/live_view.h"
#include "tui/pages.h"

const struct key keys[] = {
	{ { '?', KEY_CODE_F1 }, "? F1", "?:help", "this page", action_help, 0, 0 },
	{ { 'q', KEY_CODE_F10, KEY_CODE_CTRL_C },
	  "q F10",
	  "q:quit",
	  "detach; the target runs on",
	  action_quit,
	  0,
	  KEY_NEEDS_TARGET },
	{ { 'q', KEY_CODE_F10, KEY_CODE_CTRL_C },
	  "q F10",
	  "q:quit",
	  "leave",
	  action_quit,
	  0,
	  KEY_NEEDS_CAPTURE },
	{ { ',', KEY_CODE_SHIFT_LEFT },
	  ", S-Left",
	  ",.:time",
	  "back in time",
	  action_step_time,
	  -1,
	  KEY_NEEDS_CAPTURE },
	{ { '.', KEY_CODE_SHIFT_RIGHT },
	  ". S-Right",
	  NULL,
	  "on in time",
	  action_step_time,
	  1,
	  KEY_NEEDS_CAPTURE },
	{ { '{' },
	  "{",
	  NULL,
	  "back by a tenth of it",
	  action_step_time,
	  -TIME_LEAP,
	  KEY_NEEDS_CAPTURE },
	{ { '}' },
	  "}",
	  NULL,
	  "on by a tenth of it",
	  action_step_time,
	  TIME_LEAP,
	  KEY_NEEDS_CAPTURE },
	{ { '(', KEY_CODE_SHIFT_HOME },
	  "( S-Home",
	  NULL,
	  "to the beginning",
	  action_step_time,
	  -TIME_END,
	  KEY_NEEDS_CAPTURE },
	{ { ')', KEY_CODE_SHIFT_END },
	  ") S-End",
	  NULL,
	  "to the end",
	  action_step_time,
	  TIME_END,
	  KEY_NEEDS_CAPTURE },
	{ { '/' },
	  "/",
	  "/:search",
	  "search while you type",
	  action_prompt,
	  PROMPT_SEARCH,
	  KEY_NEEDS_TABLE },
	{ { 'b' },
	  "b",
	  "b:baseline",
	  "changes count from now on",
	  action_baseline,
	  true,
	  KEY_NEEDS_TABLE },
	{ { '1' },
	  "1",
	  "1-8:sort",
	  "sort by live bytes",
	  action_sort_by,
	  COLUMN_LIVE,
	  KEY_NEEDS_TABLE },
	{ { KEY_CODE_ENTER },
	  "Enter",
	  "Enter:details",
	  "all about a row",
	  action_details,
	  0,
	  KEY_NEEDS_TABLE },
	{ { ' ' },
	  "Space",
	  "Space:pause",
	  "hold the picture, or go on",
	  action_pause,
	  0,
	  KEY_NEEDS_TARGET },
	{ { KEY_CODE_TAB }, "Tab", "Tab:page", "next page", action_step_page, 1, 0 },
	{ { KEY_CODE_BACK_TAB }, "Shift-Tab", NULL, "previous page", action_step_page, -1, 0 },
	{ { KEY_CODE_UP, 'k' }, "Up k", NULL, "one row up", action_move, MOTION_UP, 0 },
	{ { KEY_CODE_DOWN, 'j' }, "Down j", NULL, "one row down", action_move, MOTION_DOWN, 0 },
	{ { KEY_CODE_PAGE_UP }, "PgUp", NULL, "a page up", action_move, MOTION_PAGE_UP, 0 },
	{ { KEY_CODE_PAGE_DOWN }, "PgDn", NULL, "a page down", action_move, MOTION_PAGE_DOWN, 0 },
	{ { KEY_CODE_HOME, 'g' }, "Home g", NULL, "first row", action_move, MOTION_HOME, 0 },
	{ { KEY_CODE_END, 'G' }, "End G", NULL, "last row", action_move, MOTION_END, 0 },
	{ { KEY_CODE_RIGHT, '+', '=' },
	  "Right +",
	  "+-:fold",
	  "unfold this row",
	  action_unfold,
	  0,
	  KEY_NEEDS_TABLE },
	{ { KEY_CODE_LEFT, '-' },
	  "Left -",
	  NULL,
	  "fold it, or go up",
	  action_fold,
	  0,
	  KEY_NEEDS_TABLE },
	{ { '*' }, "*", NULL, "unfold or fold all", action_toggle_all, 0, KEY_NEEDS_TABLE },
	{ { 'o' },
	  "o",
	  "o:hot path",
	  "unfold where most is kept",
	  action_hot_path,
	  0,
	  KEY_NEEDS_TABLE },
	{ { 't' }, "t", "t:tree", "tree from the thread, sites", action_toggle_tree, 0, 0 },
	{ { 'n' }, "n", NULL, "next that was searched for", action_find, 1, KEY_NEEDS_TABLE },
	{ { 'N' }, "N", NULL, "previous one", action_find, -1, KEY_NEEDS_TABLE },
	{ { '\\' },
	  "\\",
	  "\\:filter",
	  "only stacks through a text",
	  action_prompt,
	  PROMPT_FILTER,
	  KEY_NEEDS_TABLE },
	{ { 'a' },
	  "a",
	  "a:age",
	  "only blocks of a least age",
	  action_min_age,
	  0,
	  KEY_NEEDS_TABLE | KEY_NEEDS_TARGET },
	{ { ']' }, "]", NULL, "only the next thread", action_step_thread, 1, KEY_NEEDS_TABLE },
	{ { '[' }, "[", NULL, "only the thread before", action_step_thread, -1, KEY_NEEDS_TABLE },
	{ { 'm' }, "m", NULL, "all threads again", action_all_threads, 0, KEY_NEEDS_TABLE },
	{ { 'i' }, "i", NULL, "without what imports keep", action_imports, 0, KEY_NEEDS_TABLE },
	{ { 'l' },
	  "l",
	  "l:functions",
	  "rows are lines or functions",
	  action_functions,
	  0,
	  KEY_NEEDS_TABLE },
	{ { 'p' }, "p", NULL, "files with or without path", action_names, 0, KEY_NEEDS_TABLE },
	{ { 'B' }, "B", NULL, "without a baseline", action_baseline, false, KEY_NEEDS_TABLE },
	{ { 'w' }, "w", "w:write", "write a capture file", action_write, 0, KEY_NEEDS_TARGET },
	{ { 'e' }, "e", "e:export", "write a report: html, csv ..", action_export, 0, 0 },
	{ { '2' }, "2", NULL, "sort by growth", action_sort_by, COLUMN_GROWTH, KEY_NEEDS_TABLE },
	{ { '3' }, "3", NULL, "sort by blocks", action_sort_by, COLUMN_BLOCKS, KEY_NEEDS_TABLE },
	{ { '4' }, "4", NULL, "sort by oldest age", action_sort_by, COLUMN_AGE, KEY_NEEDS_TABLE },
	{ { '5' },
	  "5",
	  NULL,
	  "sort by median age",
	  action_sort_by,
	  COLUMN_MEDIAN,
	  KEY_NEEDS_TABLE | KEY_NEEDS_TARGET },
	{ { '6' }, "6", NULL, "sort by change", action_sort_by, COLUMN_CHANGE, KEY_NEEDS_TABLE },
	{ { '7' }, "7", NULL, "sort by share", action_sort_by, COLUMN_SHARE, KEY_NEEDS_TABLE },
	{ { '8' }, "8", NULL, "sort by trend", action_sort_by, COLUMN_TREND, KEY_NEEDS_TABLE },
	{ { '<' }, "<", NULL, "sort by previous column", action_step_sort, -1, KEY_NEEDS_TABLE },
	{ { '>' }, ">", NULL, "sort by next column", action_step_sort, 1, KEY_NEEDS_TABLE },
	{ { 'I' }, "I", NULL, "reverse the order", action_reverse, 0, KEY_NEEDS_TABLE },
	{ { KEY_CODE_CLICK }, "Click", NULL, "row, fold, column, page", action_click, false, 0 },
	{ { KEY_CODE_DOUBLE_CLICK }, "Two clicks", NULL, "all about a row", action_click, true, 0 },
	{ { KEY_CODE_WHEEL_UP }, "Wheel", NULL, "scroll up", action_move, MOTION_WHEEL_UP, 0 },
	{ { KEY_CODE_WHEEL_DOWN },
	  "Wheel",
	  NULL,
	  "scroll down",
	  action_move,
	  MOTION_WHEEL_DOWN,
	  0 },
};

const size_t keys_len = ARRAY_LEN(keys);

bool keys_is_known(const struct state *state, const struct key *key)
{
	unsigned excess = time_axis_is_open(&state->axis) ? KEY_NEEDS_TARGET : KEY_NEEDS_CAPTURE;
	return !(key->needs & excess);
}

static const struct key *find_key(const struct state *state, int code)
{
	for (const struct key *key = keys; key < keys + keys_len; key++)
		for (size_t i = 0; i < KEY_CODES_MAX && key->codes[i]; i++)
			if (key->codes[i] == code && keys_is_known(state, key))
				return key;
	return NULL;
}

enum reaction keys_press(struct state *state, int code)
{
	if (code == KEY_CODE_RESIZE)
		return REACTION_REDRAW;

	state->tree.is_held = false;
	if (state->prompt.purpose != PROMPT_NONE)
		return action_typed(state, code);

	const struct key *key = find_key(state, code);
	bool is_text = state->view != &live_view;
	if (is_text && code == KEY_CODE_DOUBLE_CLICK)
		return REACTION_NONE; /* the first of the two clicks was enough */
	if (is_text && (!key || key->action != action_move)) {
		state->view = &live_view;
		return REACTION_REDRAW;
	}
	if (!key || ((key->needs & KEY_NEEDS_TABLE) && !pages[state->page].has_table))
		return REACTION_NONE;
	state->message[0] = '\0';
	return key->action(state, key->argument);
}
