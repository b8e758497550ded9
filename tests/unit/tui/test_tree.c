/* SPDX-License-Identifier: MIT */
#include "tui/tree.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tui/tree_fixture.h"

static void test_sites_are_sorted_by_the_chosen_column(void **state)
{
	static const struct {
		enum column_id column;
		const char *rows, *reversed;
	} cases[] = {
		{ COLUMN_LIVE, "render put", "put render" },
		{ COLUMN_GROWTH, "put render", "render put" },
		{ COLUMN_BLOCKS, "render put", "put render" },
		{ COLUMN_AGE, "render put", "put render" },
	};
	struct fixture *fixture = *state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		fixture->tree.sort = cases[i].column;
		fixture->tree.is_reversed = false;
		rebuild(fixture);
		assert_rows(fixture, cases[i].rows);
		fixture->tree.is_reversed = true;
		rebuild(fixture);
		assert_rows(fixture, cases[i].reversed);
	}
}

static void test_site_shows_the_figures_of_the_snapshot(void **state)
{
	struct fixture *fixture = *state;
	fixture->snapshot->sites[0].figures.live_bytes.error = 77;
	rebuild(fixture);
	assert_true(fixture->tree.rows[0].figures.live_bytes.error == 77);
}

static void test_unfolding_shows_merged_callers_out_to_the_root(void **state)
{
	struct fixture *fixture = *state;
	unfold_selected(fixture);
	assert_rows(fixture, "render dispatch warm_up put");
	tree_select(&fixture->tree, 1);
	unfold_selected(fixture);
	assert_rows(fixture, "render dispatch run warm_up put");
	fold_selected(fixture);
	assert_rows(fixture, "render dispatch warm_up put");
}

static void test_lone_callers_unfold_together(void **state)
{
	struct fixture *fixture = *state;
	tree_select(&fixture->tree, 1);
	unfold_selected(fixture);
	assert_rows(fixture, "render put render dispatch run");
	for (size_t i = 2; i < 5; i++) {
		assert_true(fixture->tree.rows[i].is_lone);
		assert_int_equal(fixture->tree.rows[i].indent, 1);
		assert_true(fixture->tree.rows[i].figures.live_bytes.value == 250);
	}
}

static void test_figures_of_a_caller_are_the_sum_of_its_stacks(void **state)
{
	static const struct synthetic_stack shared[] = {
		{ { &put, &render, &dispatch, &run }, 100, 3, 10, 6, 1, 7, false },
		{ { &put, &render, &dispatch }, 200, 4, 20, 8, 2, 9, false },
		{ { &put, &warm_up }, 50, 1, 5, 1, 4, 11, false },
	};
	struct fixture *fixture = *state;
	show(fixture, shared, ARRAY_LEN(shared));
	unfold_selected(fixture);
	assert_rows(fixture, "put render warm_up");

	const struct figures *sum = &fixture->tree.rows[1].figures;
	assert_true(sum->live_bytes.value == 300);
	assert_true(fabs(sum->live_bytes.error - 5) < 1e-9);
	assert_true(fabs(sum->live_bytes.low - 295) < 1e-9);
	assert_true(fabs(sum->live_bytes.high - 305) < 1e-9);
	assert_true(sum->growth_bytes_per_second.value == 30);
	assert_true(fabs(sum->growth_bytes_per_second.error - 10) < 1e-9);
	assert_true(sum->live_blocks == 3);
	assert_true(sum->oldest_seconds == 9);
	assert_int_equal(sum->live_samples, 2);
}

static void test_caller_of_only_some_stacks_is_not_lone(void **state)
{
	static const struct synthetic_stack partly[] = {
		{ { &put }, 100, 3, 10, 6, 1, 7, false },
		{ { &put, &render }, 200, 4, 20, 8, 2, 9, false },
	};
	struct fixture *fixture = *state;
	show(fixture, partly, ARRAY_LEN(partly));
	unfold_selected(fixture);
	assert_rows(fixture, "put render");
	assert_false(fixture->tree.rows[1].is_lone);
	assert_true(fixture->tree.rows[1].figures.live_bytes.value == 200);
}

static void test_recursion_unfolds_level_by_level(void **state)
{
	static const struct synthetic_stack recursive[] = {
		{ { &put, &put, &put, &run }, 100, 0, 0, 0, 1, 1, false },
		{ { &put, &run }, 50, 0, 0, 0, 1, 1, false },
	};
	struct fixture *fixture = *state;
	show(fixture, recursive, ARRAY_LEN(recursive));
	tree_toggle_all(&fixture->tree);
	rebuild(fixture);
	assert_rows(fixture, "put put put run run");
}

static void test_what_is_not_known_of_a_stack_is_said(void **state)
{
	static const struct synthetic_stack partial[] = {
		{ { &put }, 100, 0, 0, 0, 1, 1, true },
		{ { NULL }, 50, 0, 0, 0, 1, 1, false },
	};
	struct fixture *fixture = *state;
	show(fixture, partial, ARRAY_LEN(partial));
	tree_toggle_all(&fixture->tree);
	rebuild(fixture);
	assert_rows(fixture, "put [outer frames not read] [unknown]");
}

static void test_selection_follows_its_item_over_a_sort(void **state)
{
	struct fixture *fixture = *state;
	tree_select(&fixture->tree, 1);
	assert_string_equal(selected(fixture), "put");
	fixture->tree.sort = COLUMN_GROWTH;
	rebuild(fixture);
	assert_int_equal(fixture->tree.selected, 0);
	assert_string_equal(selected(fixture), "put");
}

static void test_selection_follows_its_item_over_a_refresh(void **state)
{
	/* The same frames at other addresses, and another order. */
	static const struct frame same_put = { "put", "cache.py", 11 };
	static const struct frame same_run = { "run", "threading.py", 975 };
	static const struct frame newcomer = { "newcomer", "new.py", 1 };
	static const struct synthetic_stack later[] = {
		{ { &newcomer }, 9000, 0, 0, 0, 1, 1, false },
		{ { &render, &dispatch, &run }, 5000, 0, 0, 0, 1, 1, false },
		{ { &same_put, &render, &dispatch, &same_run }, 7000, 0, 0, 0, 1, 1, false },
	};
	struct fixture *fixture = *state;
	tree_select(&fixture->tree, 1);
	unfold_selected(fixture);
	tree_select(&fixture->tree, 4);
	assert_string_equal(selected(fixture), "run");

	show(fixture, later, ARRAY_LEN(later));
	assert_rows(fixture, "newcomer put render dispatch run render");
	assert_int_equal(fixture->tree.selected, 4);
}

static void test_selection_falls_back_to_the_callee(void **state)
{
	struct fixture *fixture = *state;
	tree_select(&fixture->tree, 1);
	unfold_selected(fixture);
	tree_select(&fixture->tree, 4);
	tree_toggle_all(&fixture->tree);
	tree_toggle_all(&fixture->tree);
	rebuild(fixture);
	assert_rows(fixture, "render put");
	assert_string_equal(selected(fixture), "put");

	show(fixture, stacks, 2);
	assert_string_equal(selected(fixture), "render");
	show(fixture, NULL, 0);
	assert_int_equal(fixture->tree.row_count, 0);
	assert_int_equal(fixture->tree.selected, 0);
}

static void test_first_row_stays_selected_until_one_moves(void **state)
{
	struct fixture *fixture = *state;
	fixture->tree.sort = COLUMN_GROWTH;
	rebuild(fixture);
	assert_string_equal(selected(fixture), "put");
	tree_select(&fixture->tree, 1);
	tree_select(&fixture->tree, 0);
	fixture->tree.sort = COLUMN_LIVE;
	rebuild(fixture);
	assert_string_equal(selected(fixture), "render");
}

static void test_folds_outlive_the_absence_of_their_row(void **state)
{
	struct fixture *fixture = *state;
	unfold_selected(fixture);
	show(fixture, stacks + 2, 1);
	assert_rows(fixture, "put");
	show(fixture, stacks, ARRAY_LEN(stacks));
	assert_rows(fixture, "render dispatch warm_up put");
}

static void test_folding_a_folded_caller_selects_its_callee(void **state)
{
	struct fixture *fixture = *state;
	unfold_selected(fixture);
	tree_select(&fixture->tree, 2);
	fold_selected(fixture);
	assert_rows(fixture, "render dispatch warm_up put");
	assert_string_equal(selected(fixture), "render");
}

static void test_everything_unfolds_and_folds_at_once(void **state)
{
	struct fixture *fixture = *state;
	tree_toggle_all(&fixture->tree);
	rebuild(fixture);
	assert_rows(fixture, "render dispatch run warm_up run put render dispatch run");
	tree_toggle_all(&fixture->tree);
	rebuild(fixture);
	assert_rows(fixture, "render put");
}

static void test_figures_that_are_no_numbers_leave_the_order_whole(void **state)
{
	const struct synthetic_stack hostile[] = {
		{ { &render }, NAN, NAN, NAN, NAN, NAN, NAN, false },
		{ { &put }, 5, 1, INFINITY, 1, -INFINITY, 1, false },
		{ { &dispatch }, 7, INFINITY, 1, NAN, 1, INFINITY, false },
	};
	struct fixture *fixture = *state;
	show(fixture, hostile, ARRAY_LEN(hostile));
	assert_rows(fixture, "dispatch put render");
}

static void test_rows_are_bounded(void **state)
{
	enum { STACKS = 24, DEPTH = 1024 };
	static struct frame frames[STACKS];
	static const struct frame *path[STACKS][DEPTH];
	static struct snapshot_stack deep[STACKS];
	struct fixture *fixture = *state;
	struct snapshot snapshot = { .stacks = deep, .stack_count = STACKS };
	struct error err;

	for (int i = 0; i < STACKS; i++) {
		frames[i] = (struct frame){ "f", "f.py", i + 1 };
		for (size_t depth = 0; depth < DEPTH; depth++)
			path[i][depth] = &frames[i];
		deep[i] = (struct snapshot_stack){ .frames = path[i], .frame_count = DEPTH };
	}
	tree_toggle_all(&fixture->tree);
	assert_true(tree_show(&fixture->tree, &snapshot, &err));
	assert_int_equal(fixture->tree.row_count, TREE_ROWS_MAX);
	assert_true(fixture->tree.is_cut);

	tree_toggle_all(&fixture->tree);
	assert_true(tree_rebuild(&fixture->tree, &err));
	assert_int_equal(fixture->tree.row_count, STACKS);
	assert_false(fixture->tree.is_cut);
}

static void test_empty_tree_takes_every_call(void **state)
{
	(void)state;
	struct error err;
	OWNED(tree_deinit) struct tree tree;
	tree_init(&tree);
	tree_select(&tree, 3);
	tree_unfold(&tree);
	tree_fold(&tree);
	tree_toggle_all(&tree);
	tree_open_hot_path(&tree);
	assert_false(tree_find(&tree, "x", 1));
	assert_false(tree_find(&tree, "x", -1));
	assert_false(tree_reveal(&tree, "x"));
	assert_true(tree_rebuild(&tree, &err));
	assert_int_equal(tree.row_count, 0);
	assert_int_equal(tree.selected, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(test_sites_are_sorted_by_the_chosen_column),
		TREE_TEST(test_site_shows_the_figures_of_the_snapshot),
		TREE_TEST(test_unfolding_shows_merged_callers_out_to_the_root),
		TREE_TEST(test_lone_callers_unfold_together),
		TREE_TEST(test_figures_of_a_caller_are_the_sum_of_its_stacks),
		TREE_TEST(test_caller_of_only_some_stacks_is_not_lone),
		TREE_TEST(test_recursion_unfolds_level_by_level),
		TREE_TEST(test_what_is_not_known_of_a_stack_is_said),
		TREE_TEST(test_selection_follows_its_item_over_a_sort),
		TREE_TEST(test_selection_follows_its_item_over_a_refresh),
		TREE_TEST(test_selection_falls_back_to_the_callee),
		TREE_TEST(test_first_row_stays_selected_until_one_moves),
		TREE_TEST(test_folds_outlive_the_absence_of_their_row),
		TREE_TEST(test_folding_a_folded_caller_selects_its_callee),
		TREE_TEST(test_everything_unfolds_and_folds_at_once),
		TREE_TEST(test_figures_that_are_no_numbers_leave_the_order_whole),
		TREE_TEST(test_rows_are_bounded),
		cmocka_unit_test(test_empty_tree_takes_every_call),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
