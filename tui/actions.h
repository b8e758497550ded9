/* SPDX-License-Identifier: MIT */
#ifndef TUI_ACTIONS_H
#define TUI_ACTIONS_H

/**
 * @file
 * What keys do to the state; the table of keys says which and why. Each takes the argument of its
 * key.
 */

#include "tui/state.h"

/** What must happen after a key, or'ed. */
enum reaction {
	REACTION_NONE = 0,
	REACTION_REDRAW = 1,
	REACTION_REBUILD = 2, /* tree_rebuild(), then redraw */
	REACTION_QUIT = 4,
	REACTION_SEEK = 8, /* show the instant of the time axis */
};

enum reaction action_move(struct state *state, int motion);
enum reaction action_help(struct state *state, int unused);
enum reaction action_quit(struct state *state, int unused);
enum reaction action_pause(struct state *state, int unused);

/** What a click does depends on what is there: a row is selected, and after a second click its
 * details are shown; a fold marker folds; the head of a column sorts by it; a tab shows its page.
 */
enum reaction action_click(struct state *state, int is_double);

/** Go so many pages on, or to a page. */
enum reaction action_step_page(struct state *state, int step);
enum reaction action_toggle_tree(struct state *state, int unused);

enum reaction action_details(struct state *state, int unused);
enum reaction action_unfold(struct state *state, int unused);
enum reaction action_fold(struct state *state, int unused);
enum reaction action_toggle_all(struct state *state, int unused);
enum reaction action_hot_path(struct state *state, int unused);

enum reaction action_sort_by(struct state *state, int column);
enum reaction action_step_sort(struct state *state, int step);
enum reaction action_reverse(struct state *state, int unused);

/** Walk on the time axis of a capture, so many steps: by an instant, a tenth, to an end. */
enum { TIME_LEAP = 1000, TIME_END = 1000000 };
enum reaction action_step_time(struct state *state, int steps);

/** Begin to type what is searched for or filtered by, an enum prompt_purpose. */
enum reaction action_prompt(struct state *state, int purpose);
enum reaction action_find(struct state *state, int step);
/** Take what was typed so far. */
enum reaction action_typed(struct state *state, int code);

enum reaction action_min_age(struct state *state, int unused);
enum reaction action_step_thread(struct state *state, int step);
enum reaction action_all_threads(struct state *state, int unused);
enum reaction action_imports(struct state *state, int unused);
enum reaction action_functions(struct state *state, int unused);
enum reaction action_names(struct state *state, int unused);
enum reaction action_baseline(struct state *state, int is_taken);
enum reaction action_write(struct state *state, int unused);
/** Ask for the name of a file that a report is written to. */
enum reaction action_export(struct state *state, int unused);

#endif
