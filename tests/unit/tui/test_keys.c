/* SPDX-License-Identifier: MIT */
#include "tui/keys.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tui/pressing.h"
#include "tests/unit/tui/synthetic.h"
#include "tui/help_view.h"
#include "tui/live_view.h"
#include "tui/pages.h"

enum { FRAMES = 12, STACKS_MAX = 40, ROUNDS = 20000 };

static uint32_t random_state = 20261123;

static uint32_t random_below(uint32_t limit)
{
	random_state = random_state * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)random_state * limit >> 32);
}

static void fill_stacks(const struct frame frames[FRAMES], struct synthetic_stack *ret,
			size_t count)
{
	for (size_t i = 0; i < count; i++) {
		ret[i] = (struct synthetic_stack){ .live = random_below(1u << 30),
						   .live_error = random_below(1u << 20),
						   .growth = (double)random_below(10000) - 5000,
						   .growth_error = random_below(5000),
						   .blocks = random_below(1000000),
						   .oldest = random_below(1000000),
						   .is_truncated = random_below(8) == 0 };
		size_t depth = random_below(SYNTHETIC_FRAMES_MAX + 1);
		for (size_t frame = 0; frame < depth; frame++)
			ret[i].frames[frame] = &frames[random_below(FRAMES)];
	}
}

/* The snapshot owns the stacks it refers to. */
static struct snapshot *random_snapshot(void)
{
	static const struct frame frames[FRAMES] = {
		{ "a", "a.py", 1 },
		{ "b", "b.py", 1 },
		{ "b", "b.py", 2 },
		{ "c", "c.py", 1 },
		{ "日本", "/日/本.py", 1 },
		{ "\033[2J", "\n", -5 },
		{ "", "", 0 },
		{ "a", "/long/path/to/a.py", 1 },
		{ "d", "d.py", 1 },
		{ "e", "e.py", 9 },
		{ "f", "f.py", 1 },
		{ "g", "g.py", 2147483647 },
	};
	size_t count = random_below(STACKS_MAX + 1);
	struct synthetic_stack *stacks = calloc(STACKS_MAX, sizeof(*stacks));
	assert_non_null(stacks);
	fill_stacks(frames, stacks, count);
	struct snapshot *snapshot = synthetic_make(stacks, count);
	snapshot->target.has_exited = random_below(10) == 0;
	snapshot->storage = stacks;
	return snapshot;
}

static void free_unless(struct snapshot *snapshot, const struct snapshot *needed)
{
	if (!snapshot || snapshot == needed)
		return;
	free(snapshot->storage);
	synthetic_free(snapshot);
}

static int random_key(void)
{
	if (random_below(10) == 0)
		return (int)random_below(0x110010);
	const struct key *key = &keys[random_below((uint32_t)keys_len)];
	int code = key->codes[random_below(KEY_CODES_MAX)];
	return code ? code : key->codes[0];
}

static void assert_consistent(const struct state *state, const struct cells *cells)
{
	const struct tree *tree = &state->tree;
	assert_true(tree->selected < tree->row_count || tree->selected == 0);
	for (size_t i = 0; i < tree->row_count; i++)
		assert_true(tree->rows[i].parent == TREE_NO_ROW || tree->rows[i].parent < i);
	if (state->view == &live_view && pages[state->page].has_table)
		assert_true(state->top <= tree->selected &&
			    tree->selected < state->top + state->page_len);
	for (int row = 0; row < cells->height; row++) {
		int covered = 0;
		for (int column = 0; column < cells->width; column++)
			covered += cells_at(cells, row, column)->columns;
		assert_int_equal(covered, cells->width);
	}
}

static void test_no_order_of_keys_and_snapshots_breaks_the_view(void **unused)
{
	(void)unused;
	struct error err;
	struct state state;
	struct cells cells;
	struct snapshot *snapshot = NULL;
	struct snapshot *baseline = NULL;
	state_init(&state);
	assert_true(cells_init(&cells, 80, 24, &err));

	for (int round = 0; round < ROUNDS; round++) {
		if (random_below(4) == 0) {
			struct snapshot *next = random_snapshot();
			state.tree.is_held = random_below(2);
			assert_true(state_show(&state, next, &err));
			free_unless(snapshot, baseline);
			snapshot = next;
		}
		if (random_below(50) == 0) {
			cells_deinit(&cells);
			assert_true(cells_init(&cells, (int)random_below(130),
					       (int)random_below(40), &err));
		}
		state.pointer = (struct place){ .row = (int)random_below(45) - 2,
						.column = (int)random_below(135) - 2 };
		press_key(&state, random_key());
		if (baseline != state.tree.baseline) {
			free_unless(baseline, snapshot);
			baseline = (struct snapshot *)state.tree.baseline;
		}
		state_draw(&state, &cells);
		assert_consistent(&state, &cells);
	}
	state_deinit(&state);
	cells_deinit(&cells);
	free_unless(baseline, snapshot);
	free_unless(snapshot, NULL);
}

static bool are_known_together(const struct key *a, const struct key *b)
{
	unsigned both = KEY_NEEDS_TARGET | KEY_NEEDS_CAPTURE;
	return ((a->needs | b->needs) & both) != both;
}

static void test_no_code_stands_for_two_keys(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < keys_len; i++)
		for (size_t j = 0; j < i; j++)
			for (size_t a = 0; are_known_together(&keys[i], &keys[j]) &&
					   a < KEY_CODES_MAX && keys[i].codes[a];
			     a++)
				for (size_t b = 0; b < KEY_CODES_MAX && keys[j].codes[b]; b++)
					assert_int_not_equal(keys[i].codes[a], keys[j].codes[b]);
}

static void test_every_key_has_a_reaction(void **unused)
{
	(void)unused;
	struct snapshot nothing = { 0 };
	const struct timeline timeline = { .last = &nothing };
	for (size_t i = 0; i < keys_len; i++) {
		struct state state;
		state_init(&state);
		if (keys[i].needs & KEY_NEEDS_CAPTURE)
			state_open(&state, &timeline);
		assert_int_not_equal(keys_press(&state, keys[i].codes[0]), REACTION_NONE);
		state_deinit(&state);
	}
}

static void test_quit_keys_quit_and_unknown_keys_do_nothing(void **unused)
{
	(void)unused;
	struct state state;
	state_init(&state);
	assert_int_equal(keys_press(&state, 'q'), REACTION_QUIT);
	assert_int_equal(keys_press(&state, KEY_CODE_F10), REACTION_QUIT);
	assert_int_equal(keys_press(&state, KEY_CODE_CTRL_C), REACTION_QUIT);
	assert_int_equal(keys_press(&state, 'z'), REACTION_NONE);
	assert_int_equal(keys_press(&state, 0x10ffff), REACTION_NONE);
	state_deinit(&state);
}

static void test_any_other_key_leaves_the_help_page(void **unused)
{
	(void)unused;
	static const int codes[] = { 'q', 'x', KEY_CODE_ESCAPE, KEY_CODE_ENTER, '?' };
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		struct state state;
		state_init(&state);
		keys_press(&state, '?');
		assert_ptr_equal(state.view, &help_view);
		keys_press(&state, KEY_CODE_DOWN);
		keys_press(&state, KEY_CODE_RESIZE);
		assert_ptr_equal(state.view, &help_view);
		assert_int_equal(keys_press(&state, codes[i]), REACTION_REDRAW);
		assert_ptr_equal(state.view, &live_view);
		state_deinit(&state);
	}
}

static void test_sort_keys_choose_and_walk_the_columns(void **unused)
{
	(void)unused;
	struct state state;
	state_init(&state);
	keys_press(&state, '8');
	assert_int_equal(state.tree.sort, COLUMN_TREND);
	keys_press(&state, '>');
	assert_int_equal(state.tree.sort, COLUMN_LIVE);
	keys_press(&state, '<');
	assert_int_equal(state.tree.sort, COLUMN_TREND);
	keys_press(&state, 'I');
	assert_true(state.tree.is_reversed);
	keys_press(&state, '2');
	assert_int_equal(state.tree.sort, COLUMN_GROWTH);
	assert_false(state.tree.is_reversed);
	state_deinit(&state);
}

static void test_motions_stay_inside_the_list(void **unused)
{
	(void)unused;
	static const struct {
		enum motion motion;
		size_t position, expected;
	} cases[] = {
		{ MOTION_UP, 0, 0 },	       { MOTION_UP, 5, 4 },
		{ MOTION_DOWN, 5, 6 },	       { MOTION_DOWN, 20, 20 },
		{ MOTION_PAGE_UP, 12, 2 },     { MOTION_PAGE_UP, 7, 0 },
		{ MOTION_PAGE_DOWN, 3, 13 },   { MOTION_PAGE_DOWN, 15, 20 },
		{ MOTION_HOME, 9, 0 },	       { MOTION_END, 9, 20 },
		{ MOTION_DOWN, 99, 20 },       { MOTION_WHEEL_UP, 5, 2 },
		{ MOTION_WHEEL_UP, 2, 0 },     { MOTION_WHEEL_DOWN, 5, 8 },
		{ MOTION_WHEEL_DOWN, 19, 20 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(motion_apply(cases[i].motion, cases[i].position, 10, 20),
				 cases[i].expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_order_of_keys_and_snapshots_breaks_the_view),
		cmocka_unit_test(test_no_code_stands_for_two_keys),
		cmocka_unit_test(test_every_key_has_a_reaction),
		cmocka_unit_test(test_quit_keys_quit_and_unknown_keys_do_nothing),
		cmocka_unit_test(test_any_other_key_leaves_the_help_page),
		cmocka_unit_test(test_sort_keys_choose_and_walk_the_columns),
		cmocka_unit_test(test_motions_stay_inside_the_list),
	};
	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
