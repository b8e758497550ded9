/* SPDX-License-Identifier: MIT */
#include "tui/actions.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "tui/details_view.h"
#include "tui/help_view.h"
#include "tui/live_view.h"
#include "tui/pages.h"
#include "tui/tree_path.h"

/* Everywhere. */

enum reaction action_move(struct state *state, int motion)
{
	state->view->move(state, (enum motion)motion);
	return REACTION_REDRAW;
}

enum reaction action_help(struct state *state, int unused)
{
	(void)unused;
	state->view = &help_view;
	state->scroll.top = 0;
	return REACTION_REDRAW;
}

enum reaction action_quit(struct state *state, int unused)
{
	(void)state;
	(void)unused;
	return REACTION_QUIT;
}

enum reaction action_pause(struct state *state, int unused)
{
	(void)unused;
	state->is_paused = !state->is_paused;
	return REACTION_REDRAW;
}

/* Pages. */

static enum reaction show_page(struct state *state, enum page_id page)
{
	state->page = page;
	state->scroll.top = 0;
	if (!pages[page].has_table || state->tree.shape == pages[page].shape)
		return REACTION_REDRAW;
	state->tree.shape = pages[page].shape;
	state->tree.is_following = false;
	state->top = 0;
	return REACTION_REBUILD;
}

enum reaction action_step_page(struct state *state, int step)
{
	return show_page(state, ((int)state->page + step + PAGE_COUNT) % PAGE_COUNT);
}

enum reaction action_toggle_tree(struct state *state, int unused)
{
	(void)unused;
	return show_page(state, state->page == PAGE_TREE ? PAGE_SITES : PAGE_TREE);
}

/* Rows. */

enum reaction action_details(struct state *state, int unused)
{
	(void)unused;
	if (state->tree.row_count == 0) {
		state_say(state, "there is no row to show details of");
		return REACTION_REDRAW;
	}
	state->tree.is_following = true;
	state->details.len = 0;
	details_read(&state->details, &state->tree, state->source);
	state->view = &details_view;
	state->scroll.top = 0;
	return REACTION_REDRAW;
}

static enum reaction keep_order_and_rebuild(struct state *state)
{
	state->tree.is_held = true;
	return REACTION_REBUILD;
}

enum reaction action_unfold(struct state *state, int unused)
{
	(void)unused;
	tree_unfold(&state->tree);
	return keep_order_and_rebuild(state);
}

enum reaction action_fold(struct state *state, int unused)
{
	(void)unused;
	tree_fold(&state->tree);
	return keep_order_and_rebuild(state);
}

enum reaction action_toggle_all(struct state *state, int unused)
{
	(void)unused;
	tree_toggle_all(&state->tree);
	return keep_order_and_rebuild(state);
}

enum reaction action_hot_path(struct state *state, int unused)
{
	(void)unused;
	tree_open_hot_path(&state->tree);
	return keep_order_and_rebuild(state);
}

/* Order. */

enum reaction action_sort_by(struct state *state, int column)
{
	if (columns[column].needs_baseline && !state->tree.baseline) {
		state_say(state, "press b first: changes are since the baseline");
		return REACTION_REDRAW;
	}
	state->tree.sort = (enum column_id)column;
	state->tree.is_reversed = false;
	return REACTION_REBUILD;
}

enum reaction action_step_sort(struct state *state, int step)
{
	int column = (int)state->tree.sort;
	do
		column = (column + step + COLUMN_COUNT) % COLUMN_COUNT;
	while ((columns[column].needs_baseline && !state->tree.baseline) ||
	       (columns[column].needs_ages && state->tree.is_ageless));
	return action_sort_by(state, column);
}

enum reaction action_reverse(struct state *state, int unused)
{
	(void)unused;
	state->tree.is_reversed = !state->tree.is_reversed;
	return REACTION_REBUILD;
}

/* Time. */

static enum reaction go_to(struct state *state, size_t instant)
{
	state->axis.cursor = instant;
	return REACTION_SEEK;
}

enum reaction action_step_time(struct state *state, int steps)
{
	const struct time_axis *axis = &state->axis;
	size_t last = axis->timeline->instant_count ? axis->timeline->instant_count - 1 : 0;
	size_t by = 1;
	if (last == 0) {
		state_say(state, "this capture holds one instant only");
		return REACTION_REDRAW;
	}
	if (abs(steps) == TIME_LEAP)
		by = last / 10 + 1;
	else if (abs(steps) == TIME_END)
		by = last;
	if (steps < 0)
		return go_to(state, axis->cursor > by ? axis->cursor - by : 0);
	return go_to(state, by < last - axis->cursor ? axis->cursor + by : last);
}

/* The mouse. */

static enum reaction toggle_fold(struct state *state)
{
	struct tree *tree = &state->tree;
	if (tree->rows[tree->selected].is_open)
		tree_fold(tree);
	else
		tree_unfold(tree);
	return keep_order_and_rebuild(state);
}

enum reaction action_click(struct state *state, int is_double)
{
	struct hit hit = live_view_find(state, state->pointer);
	switch (hit.kind) {
	case HIT_ROW:
		tree_select(&state->tree, hit.number);
		return is_double ? action_details(state, 0) : REACTION_REDRAW;
	case HIT_FOLD:
		tree_select(&state->tree, hit.number);
		return toggle_fold(state);
	case HIT_COLUMN:
		if (hit.number == state->tree.sort)
			return action_reverse(state, 0);
		return action_sort_by(state, (int)hit.number);
	case HIT_PAGE:
		return show_page(state, (enum page_id)hit.number);
	case HIT_TIME:
		return go_to(state, hit.number);
	case HIT_NOTHING:
		break;
	}
	return REACTION_REDRAW;
}

/* Search and filter. */

enum reaction action_prompt(struct state *state, int purpose)
{
	struct prompt *prompt = &state->prompt;
	*prompt = (struct prompt){ .purpose = (enum prompt_purpose)purpose,
				   .selected_before = state->tree.selected };
	if (purpose == PROMPT_FILTER)
		memcpy(prompt->before, state->tree.filter, sizeof(prompt->before));
	return REACTION_REDRAW;
}

enum reaction action_find(struct state *state, int step)
{
	if (!*state->search) {
		state_say(state, "press / first, and type what to search for");
		return REACTION_REDRAW;
	}
	if (tree_find(&state->tree, state->search, step))
		return REACTION_REDRAW;
	if (tree_reveal(&state->tree, state->search))
		return keep_order_and_rebuild(state);
	state_say(state, "nothing here holds \"%s\"", state->search);
	return REACTION_REDRAW;
}

static enum reaction search_typed(struct state *state, enum prompt_result result)
{
	struct prompt *prompt = &state->prompt;
	if (result == PROMPT_CANCELLED) {
		tree_select(&state->tree, prompt->selected_before);
		return REACTION_REDRAW;
	}
	if (result == PROMPT_CHANGED) {
		(void)tree_find(&state->tree, prompt->text, 0);
		return REACTION_REDRAW;
	}
	if (*prompt->text)
		memcpy(state->search, prompt->text, sizeof(state->search));
	return action_find(state, *prompt->text ? 0 : 1);
}

static enum reaction filter_typed(struct state *state, enum prompt_result result)
{
	const struct prompt *prompt = &state->prompt;
	memcpy(state->tree.filter, result == PROMPT_CANCELLED ? prompt->before : prompt->text,
	       sizeof(state->tree.filter));
	return REACTION_REBUILD;
}

/* What is shown. */

enum reaction action_min_age(struct state *state, int unused)
{
	(void)unused;
	static const size_t classes[] = { 0, 3, 5, 7, 9 };
	size_t i = 0;
	while (i + 1 < ARRAY_LEN(classes) && classes[i] < state->tree.min_age_class)
		i++;
	state->tree.min_age_class = classes[(i + 1) % ARRAY_LEN(classes)];
	return REACTION_REBUILD;
}

/* Find the name that comes next in the alphabet, or before if `step` is -1, after one of a thread;
 * from the other end on if there is none, or after "". NULL without threads. */
static const char *next_thread(const struct snapshot *snapshot, const char *name, int step)
{
	const char *next = NULL;
	const char *furthest = NULL;
	for (size_t i = 0; snapshot && i < snapshot->stack_count; i++) {
		const char *here = tree_path_thread(&snapshot->stacks[i]).function;
		if (*name && step * strcmp(here, name) > 0 &&
		    (!next || step * strcmp(here, next) < 0))
			next = here;
		if (!furthest || step * strcmp(here, furthest) < 0)
			furthest = here;
	}
	return next ? next : furthest;
}

enum reaction action_step_thread(struct state *state, int step)
{
	struct tree *tree = &state->tree;
	const char *name = next_thread(tree->snapshot, tree->thread, step);
	if (!name) {
		state_say(state, "no thread has been seen yet");
		return REACTION_REDRAW;
	}
	snprintf(tree->thread, sizeof(tree->thread), "%s", name);
	return REACTION_REBUILD;
}

enum reaction action_all_threads(struct state *state, int unused)
{
	(void)unused;
	state->tree.thread[0] = '\0';
	return REACTION_REBUILD;
}

enum reaction action_imports(struct state *state, int unused)
{
	(void)unused;
	state->tree.hides_imports = !state->tree.hides_imports;
	return REACTION_REBUILD;
}

enum reaction action_functions(struct state *state, int unused)
{
	(void)unused;
	state->tree.is_by_function = !state->tree.is_by_function;
	return REACTION_REBUILD;
}

enum reaction action_names(struct state *state, int unused)
{
	(void)unused;
	state->has_short_names = !state->has_short_names;
	return REACTION_REDRAW;
}

/* Baseline and files. */

enum reaction action_baseline(struct state *state, int is_taken)
{
	struct tree *tree = &state->tree;
	tree->baseline = is_taken ? tree->snapshot : NULL;
	state->axis.baseline = is_taken ? state->axis.cursor : TIMELINE_ATTACH;
	if (!tree->baseline && tree->sort == COLUMN_CHANGE)
		tree->sort = COLUMN_LIVE;
	if (tree->baseline) {
		char live[COLUMN_TEXT_SIZE];
		text_bytes(tree->baseline->total.live_bytes.value, live, sizeof(live));
		state_say(state, "baseline: CHANGE counts from %s on", live);
		chronicle_note(&state->chronicle, "baseline taken at %s live", live);
	} else {
		state_say(state, "no baseline");
	}
	return time_axis_is_open(&state->axis) ? REACTION_SEEK : REACTION_REBUILD;
}

enum reaction action_write(struct state *state, int unused)
{
	(void)unused;
	const struct tui_source *source = state->source;
	char name[LOG_TEXT_SIZE / 2];
	struct error err;
	if (!source || !source->write || !state->tree.snapshot) {
		state_say(state, "there is nothing to write yet");
		return REACTION_REDRAW;
	}
	if (source->write(source->context, state->tree.snapshot, name, sizeof(name), &err))
		state_say(state, "written: %s", name);
	else
		state_say(state, "not written: %s", err.context);
	chronicle_note(&state->chronicle, "%s", state->message);
	return REACTION_REDRAW;
}

enum reaction action_export(struct state *state, int unused)
{
	(void)unused;
	if (!state->source || !state->source->export || !state->tree.snapshot) {
		state_say(state, "there is nothing to export yet");
		return REACTION_REDRAW;
	}
	state->prompt = (struct prompt){ .purpose = PROMPT_EXPORT, .text = "filtrace-%p-%t.html" };
	return REACTION_REDRAW;
}

/* Write the report; if the file exists ask first. */
static void export_typed(struct state *state, bool is_forced)
{
	const struct tui_source *source = state->source;
	struct prompt *prompt = &state->prompt;
	char name[PROMPT_TEXT_SIZE];
	struct error err;
	bool is_written = source->export(source->context, state->tree.snapshot, prompt->text,
					 is_forced, name, sizeof(name), &err);
	if (!is_written && err.os_errno == EEXIST && !is_forced) {
		prompt->purpose = PROMPT_OVERWRITE;
		return;
	}
	prompt->purpose = PROMPT_NONE;
	if (is_written)
		state_say(state, "exported: %s", name);
	else
		state_say(state, "not exported: %s", err.context);
	chronicle_note(&state->chronicle, "%s", state->message);
}

/* Typing. */

static enum reaction answer_overwrite(struct state *state, int code)
{
	if (code == 'y') {
		export_typed(state, true);
		return REACTION_REDRAW;
	}
	state->prompt.purpose = PROMPT_NONE;
	state_say(state, "not exported: the file is as it was");
	return REACTION_REDRAW;
}

static enum reaction export_pressed(struct state *state, enum prompt_result result)
{
	if (result == PROMPT_CANCELLED)
		state->prompt.purpose = PROMPT_NONE;
	else if (result == PROMPT_ACCEPTED)
		export_typed(state, false);
	return REACTION_REDRAW;
}

enum reaction action_typed(struct state *state, int code)
{
	struct prompt *prompt = &state->prompt;
	if (prompt->purpose == PROMPT_OVERWRITE)
		return answer_overwrite(state, code);
	enum prompt_result result = prompt_press(prompt, code);
	if (result == PROMPT_IGNORED)
		return REACTION_NONE;
	if (prompt->purpose == PROMPT_EXPORT)
		return export_pressed(state, result);
	enum reaction reaction = prompt->purpose == PROMPT_SEARCH ? search_typed(state, result)
								  : filter_typed(state, result);
	if (result != PROMPT_CHANGED)
		prompt->purpose = PROMPT_NONE;
	return reaction;
}
