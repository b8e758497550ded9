/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_TUI_TREE_FIXTURE_H
#define TESTS_UNIT_TUI_TREE_FIXTURE_H

/**
 * @file
 * A small tree for tests, and what they do with it. To be included after cmocka.h.
 */

#include "tests/unit/tui/synthetic.h"
#include "tui/tree.h"

static const struct frame render = { "render", "views.py", 88 };
static const struct frame put = { "put", "cache.py", 11 };
static const struct frame dispatch = { "dispatch", "flask.py", 1799 };
static const struct frame run = { "run", "threading.py", 975 };
static const struct frame warm_up = { "warm_up", "jobs.py", 40 };

/* render is called by dispatch and warm_up; put by render alone. */
static const struct synthetic_stack stacks[] = {
	{ { &render, &dispatch, &run }, 300, 3, 30, 3, 10, 50, false },
	{ { &render, &warm_up, &run }, 100, 4, 10, 4, 40, 90, false },
	{ { &put, &render, &dispatch, &run }, 250, 5, 50, 5, 5, 20, false },
};

/* A tree and the snapshot it shows. */
struct fixture {
	struct tree tree;
	struct snapshot *snapshot;
};

static inline void show(struct fixture *fixture, const struct synthetic_stack *shown, size_t count)
{
	struct error err;
	struct snapshot *snapshot = synthetic_make(shown, count);
	assert_true(tree_show(&fixture->tree, snapshot, &err));
	if (fixture->snapshot)
		synthetic_free(fixture->snapshot);
	fixture->snapshot = snapshot;
}

static inline void rebuild(struct fixture *fixture)
{
	struct error err;
	assert_true(tree_rebuild(&fixture->tree, &err));
}

static inline int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	tree_init(&fixture->tree);
	show(fixture, stacks, ARRAY_LEN(stacks));
	*state = fixture;
	return 0;
}

static inline int tear_down(void **state)
{
	struct fixture *fixture = *state;
	tree_deinit(&fixture->tree);
	synthetic_free(fixture->snapshot);
	free(fixture);
	return 0;
}

/* The functions of all rows, in order. */
static inline void assert_rows(const struct fixture *fixture, const char *expected)
{
	char rows[1024] = "";
	for (size_t i = 0; i < fixture->tree.row_count; i++) {
		strcat(rows, i ? " " : "");
		strcat(rows, fixture->tree.rows[i].frame.function);
	}
	assert_string_equal(rows, expected);
}

static inline const char *selected(const struct fixture *fixture)
{
	return fixture->tree.rows[fixture->tree.selected].frame.function;
}

static inline void unfold_selected(struct fixture *fixture)
{
	tree_unfold(&fixture->tree);
	rebuild(fixture);
}

static inline void fold_selected(struct fixture *fixture)
{
	tree_fold(&fixture->tree);
	rebuild(fixture);
}

#define TREE_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

#endif
