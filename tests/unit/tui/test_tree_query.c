/* SPDX-License-Identifier: MIT */
#include "tui/tree.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tui/tree_fixture.h"

/* What can be asked of a tree: other shapes, a part of the stacks, changes, what holds a text. */

static void set_shape(struct fixture *fixture, enum tree_shape shape)
{
	fixture->tree.shape = shape;
	rebuild(fixture);
}

static double shown_live(const struct fixture *fixture)
{
	double live = 0;
	for (size_t i = 0; i < fixture->tree.row_count; i++)
		if (fixture->tree.rows[i].parent == TREE_NO_ROW)
			live += fixture->tree.rows[i].figures.live_bytes.value;
	return live;
}

static void test_calls_unfold_from_the_thread_in_to_the_site(void **state)
{
	struct fixture *fixture = *state;
	set_shape(fixture, TREE_CALLS);
	assert_rows(fixture, "run");
	tree_toggle_all(&fixture->tree);
	rebuild(fixture);
	assert_rows(fixture, "run dispatch render put warm_up render");
	const struct tree_row *rows = fixture->tree.rows;
	assert_true(rows[0].figures.live_bytes.value == 650);
	assert_true(rows[1].figures.live_bytes.value == 550);
	assert_true(rows[2].is_lone);
	assert_true(rows[3].figures.live_bytes.value == 250);
	assert_false(rows[3].has_children);
}

static void test_outer_frames_that_are_missing_stand_on_top_of_calls(void **state)
{
	static const struct synthetic_stack partial[] = {
		{ { &put, &render }, 100, 0, 0, 0, 1, 1, true },
		{ { NULL }, 50, 0, 0, 0, 1, 1, false },
	};
	struct fixture *fixture = *state;
	show(fixture, partial, ARRAY_LEN(partial));
	tree_toggle_all(&fixture->tree);
	set_shape(fixture, TREE_CALLS);
	assert_rows(fixture, "[outer frames not read] render put [unknown]");
}

static void test_threads_unfold_to_their_sites(void **state)
{
	static const struct synthetic_stack of_two[] = {
		{ { &put, &run }, 100, 0, 0, 0, 1, 1, false },
		{ { &render, &run }, 70, 0, 0, 0, 1, 1, false },
		{ { &put, &warm_up }, 50, 0, 0, 0, 1, 1, false },
	};
	struct fixture *fixture = *state;
	show(fixture, of_two, ARRAY_LEN(of_two));
	set_shape(fixture, TREE_THREADS);
	assert_rows(fixture, "worker-1 MainThread");
	assert_true(fixture->tree.rows[0].is_thread);
	unfold_selected(fixture);
	assert_rows(fixture, "worker-1 put render MainThread");
	assert_false(fixture->tree.rows[1].is_thread);
}

static void test_rows_on_top_sum_up_to_the_total_in_every_shape(void **state)
{
	struct fixture *fixture = *state;
	for (int shape = TREE_SITES; shape <= TREE_THREADS; shape++)
		for (int is_by_function = 0; is_by_function < 2; is_by_function++) {
			fixture->tree.is_by_function = is_by_function;
			set_shape(fixture, (enum tree_shape)shape);
			assert_true(shown_live(fixture) == 650);
			assert_true(fixture->tree.shown_bytes == 650);
		}
}

static void test_filter_keeps_stacks_through_a_frame(void **state)
{
	struct fixture *fixture = *state;
	strcpy(fixture->tree.filter, "JOBS.py:40");
	rebuild(fixture);
	assert_rows(fixture, "render");
	assert_true(fixture->tree.rows[0].figures.live_bytes.value == 100);
	assert_true(fixture->tree.shown_bytes == 100);
	assert_true(tree_is_filtered(&fixture->tree));
	strcpy(fixture->tree.filter, "no such frame");
	rebuild(fixture);
	assert_rows(fixture, "");
	fixture->tree.filter[0] = '\0';
	rebuild(fixture);
	assert_rows(fixture, "render put");
	assert_false(tree_is_filtered(&fixture->tree));
}

static void test_only_one_thread_is_shown(void **state)
{
	static const struct synthetic_stack of_two[] = {
		{ { &put, &run }, 100, 0, 0, 0, 1, 1, false },
		{ { &put, &warm_up }, 50, 0, 0, 0, 1, 1, false },
	};
	struct fixture *fixture = *state;
	show(fixture, of_two, ARRAY_LEN(of_two));
	strcpy(fixture->tree.thread, "MainThread");
	rebuild(fixture);
	assert_rows(fixture, "put");
	assert_true(fixture->tree.rows[0].figures.live_bytes.value == 50);
}

static void test_what_imports_keep_can_be_hidden(void **state)
{
	static const struct frame find_spec = { "find", "<frozen importlib._bootstrap>", 7 };
	static const struct synthetic_stack importing[] = {
		{ { &put, &find_spec, &run }, 100, 0, 0, 0, 1, 1, false },
		{ { &put, &run }, 50, 0, 0, 0, 1, 1, false },
	};
	struct fixture *fixture = *state;
	show(fixture, importing, ARRAY_LEN(importing));
	fixture->tree.hides_imports = true;
	rebuild(fixture);
	assert_true(shown_live(fixture) == 50);
}

static void test_minimum_age_counts_old_blocks_only(void **state)
{
	struct fixture *fixture = *state;
	fixture->tree.min_age_class = 4; /* 30 seconds: put's blocks are younger */
	rebuild(fixture);
	assert_rows(fixture, "render");
	assert_true(fixture->tree.rows[0].figures.live_bytes.value == 200);
	assert_true(fixture->tree.rows[0].figures.live_blocks == 25);
	assert_true(fixture->tree.rows[0].figures.live_bytes.error < 5);
	fixture->tree.min_age_class = AGE_CLASSES - 1;
	rebuild(fixture);
	assert_rows(fixture, "");
}

static void test_lines_of_a_function_become_one_row(void **state)
{
	static const struct frame later_line = { "put", "cache.py", 99 };
	static const struct synthetic_stack lines[] = {
		{ { &put, &run }, 100, 0, 0, 0, 1, 1, false },
		{ { &later_line, &run }, 50, 0, 0, 0, 1, 1, false },
	};
	struct fixture *fixture = *state;
	show(fixture, lines, ARRAY_LEN(lines));
	assert_rows(fixture, "put put");
	fixture->tree.is_by_function = true;
	rebuild(fixture);
	assert_rows(fixture, "put");
	assert_true(fixture->tree.rows[0].figures.live_bytes.value == 150);
	assert_int_equal(fixture->tree.rows[0].frame.line, 0);
}

static void test_change_is_since_the_baseline_also_of_what_is_gone(void **state)
{
	static const struct frame same_put = { "put", "cache.py", 11 };
	static const struct synthetic_stack later[] = {
		{ { &same_put, &render, &dispatch, &run }, 290, 5, 50, 5, 5, 20, false },
		{ { &warm_up, &run }, 7, 0, 0, 0, 1, 1, false },
	};
	struct fixture *fixture = *state;
	struct error err;
	struct snapshot *now = synthetic_make(later, ARRAY_LEN(later));
	fixture->tree.baseline = fixture->snapshot;
	assert_true(tree_show(&fixture->tree, now, &err));
	assert_rows(fixture, "put warm_up render");
	const struct tree_row *rows = fixture->tree.rows;
	assert_true(rows[0].change_bytes == 40);
	assert_true(rows[1].change_bytes == 7);
	assert_true(rows[2].change_bytes == -400);
	assert_true(rows[2].figures.live_bytes.value == 0);
	assert_null(tree_largest_stack(&fixture->tree, &rows[2]));
	assert_ptr_equal(tree_largest_stack(&fixture->tree, &rows[0]), &now->stacks[0]);
	assert_true(shown_live(fixture) == 297);

	fixture->tree.sort = COLUMN_CHANGE;
	tree_toggle_all(&fixture->tree);
	rebuild(fixture);
	assert_string_equal(fixture->tree.rows[0].frame.function, "put");
	assert_true(fixture->tree.rows[3].change_bytes == 40);

	fixture->tree.baseline = NULL;
	rebuild(fixture);
	synthetic_free(fixture->snapshot);
	fixture->snapshot = now;
}

static void test_held_rows_stay_in_order_and_new_ones_come_last(void **state)
{
	static const struct frame newcomer = { "newcomer", "new.py", 1 };
	static const struct synthetic_stack later[] = {
		{ { &newcomer }, 9000, 0, 0, 0, 1, 1, false },
		{ { &render, &dispatch, &run }, 10, 0, 0, 0, 1, 1, false },
		{ { &put, &render, &dispatch, &run }, 7000, 0, 0, 0, 1, 1, false },
	};
	struct fixture *fixture = *state;
	assert_rows(fixture, "render put");
	fixture->tree.is_held = true;
	show(fixture, later, ARRAY_LEN(later));
	assert_rows(fixture, "render put newcomer");
	fixture->tree.is_held = false;
	rebuild(fixture);
	assert_rows(fixture, "newcomer put render");
}

static void test_hot_path_opens_where_most_is_kept(void **state)
{
	struct fixture *fixture = *state;
	set_shape(fixture, TREE_CALLS);
	tree_open_hot_path(&fixture->tree);
	rebuild(fixture);
	assert_rows(fixture, "run dispatch render put warm_up");
	tree_toggle_all(&fixture->tree);
	tree_toggle_all(&fixture->tree);
	rebuild(fixture);
	assert_rows(fixture, "run");
}

static void test_search_walks_both_ways_around(void **state)
{
	struct fixture *fixture = *state;
	tree_toggle_all(&fixture->tree);
	rebuild(fixture);
	assert_rows(fixture, "render dispatch run warm_up run put render dispatch run");
	static const struct {
		int step;
		size_t expected;
	} steps[] = { { 0, 1 }, { 0, 1 }, { 1, 7 }, { 1, 1 }, { -1, 7 }, { -1, 1 } };
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		assert_true(tree_find(&fixture->tree, "FLASK.PY:1799", steps[i].step));
		assert_int_equal(fixture->tree.selected, steps[i].expected);
	}
	assert_false(tree_find(&fixture->tree, "no such row", 1));
	assert_false(tree_find(&fixture->tree, "", 1));
	assert_int_equal(fixture->tree.selected, 1);
}

static void test_search_unfolds_to_what_is_hidden(void **state)
{
	struct fixture *fixture = *state;
	assert_false(tree_find(&fixture->tree, "warm_up", 1));
	assert_true(tree_reveal(&fixture->tree, "warm_up"));
	rebuild(fixture);
	assert_rows(fixture, "render dispatch warm_up put");
	assert_string_equal(selected(fixture), "warm_up");
	assert_false(tree_reveal(&fixture->tree, "no such row"));

	set_shape(fixture, TREE_CALLS);
	assert_true(tree_reveal(&fixture->tree, "cache.py"));
	rebuild(fixture);
	assert_string_equal(selected(fixture), "put");
	set_shape(fixture, TREE_THREADS);
	assert_true(tree_reveal(&fixture->tree, "WORKER"));
	rebuild(fixture);
	assert_string_equal(selected(fixture), "worker-1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(test_calls_unfold_from_the_thread_in_to_the_site),
		TREE_TEST(test_outer_frames_that_are_missing_stand_on_top_of_calls),
		TREE_TEST(test_threads_unfold_to_their_sites),
		TREE_TEST(test_rows_on_top_sum_up_to_the_total_in_every_shape),
		TREE_TEST(test_filter_keeps_stacks_through_a_frame),
		TREE_TEST(test_only_one_thread_is_shown),
		TREE_TEST(test_what_imports_keep_can_be_hidden),
		TREE_TEST(test_minimum_age_counts_old_blocks_only),
		TREE_TEST(test_lines_of_a_function_become_one_row),
		TREE_TEST(test_change_is_since_the_baseline_also_of_what_is_gone),
		TREE_TEST(test_held_rows_stay_in_order_and_new_ones_come_last),
		TREE_TEST(test_hot_path_opens_where_most_is_kept),
		TREE_TEST(test_search_walks_both_ways_around),
		TREE_TEST(test_search_unfolds_to_what_is_hidden),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
