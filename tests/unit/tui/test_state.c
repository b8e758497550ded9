/* SPDX-License-Identifier: MIT */
#include "tui/state.h"

#include <errno.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/tui/pressing.h"
#include "tests/unit/tui/synthetic.h"
#include "tui/details_view.h"
#include "tui/live_view.h"

static const struct frame put = { "put", "cache.py", 11 };
static const struct frame render = { "render", "views.py", 88 };
static const struct frame run = { "run", "threading.py", 975 };
static const struct frame module = { "<module>", "<string>", 1 };

static const struct synthetic_stack stacks[] = {
	{ { &put, &render, &run }, 300, 3, 30, 3, 10, 50, false },
	{ { &render, &module }, 100, 4, 10, 4, 40, 90, false },
};

/* A view, and the program around it as far as the view can tell. */
struct fixture {
	struct state state;
	struct tui_source source;
	struct snapshot *snapshot;
	int reads;
	bool can_write;
	bool file_exists;
	char exported[PROMPT_TEXT_SIZE]; /* the name that was typed; "": nothing was written */
};

static bool read_line(void *context, const char *file, int line, char *ret, size_t size)
{
	struct fixture *fixture = context;
	fixture->reads++;
	if (*file == '<')
		return false;
	snprintf(ret, size, "source of %s:%d", file, line);
	return true;
}

static bool write_snapshot(void *context, const struct snapshot *snapshot, char *name_ret,
			   size_t size, struct error *err)
{
	struct fixture *fixture = context;
	assert_ptr_equal(snapshot, fixture->snapshot);
	if (!fixture->can_write)
		return error_set(err, ERROR_FILE, "disk is full");
	snprintf(name_ret, size, "a.filtrace");
	return true;
}

static bool export_snapshot(void *context, const struct snapshot *snapshot, const char *file,
			    bool is_forced, char *name_ret, size_t size, struct error *err)
{
	struct fixture *fixture = context;
	assert_ptr_equal(snapshot, fixture->snapshot);
	if (!fixture->can_write)
		return error_set(err, ERROR_FILE, "disk is full");
	if (fixture->file_exists && !is_forced) {
		error_set(err, ERROR_FILE, "it exists");
		err->os_errno = EEXIST;
		return false;
	}
	snprintf(fixture->exported, sizeof(fixture->exported), "%s", file);
	snprintf(name_ret, size, "%s", file);
	return true;
}

static void show(struct fixture *fixture, size_t count)
{
	struct error err;
	struct snapshot *next = synthetic_make(stacks, count);
	assert_true(state_show(&fixture->state, next, &err));
	if (fixture->snapshot)
		synthetic_free(fixture->snapshot);
	fixture->snapshot = next;
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	fixture->source = (struct tui_source){ .context = fixture,
					       .read_line = read_line,
					       .write = write_snapshot,
					       .export = export_snapshot };
	state_init(&fixture->state);
	fixture->state.source = &fixture->source;
	show(fixture, ARRAY_LEN(stacks));
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	state_deinit(&fixture->state);
	synthetic_free(fixture->snapshot);
	free(fixture);
	return 0;
}

static void press(struct fixture *fixture, const char *keys_pressed)
{
	for (; *keys_pressed; keys_pressed++)
		press_key(&fixture->state, *keys_pressed);
}

static bool is_shown(struct fixture *fixture, const char *text)
{
	struct error err;
	OWNED(cells_deinit) struct cells cells;
	assert_true(cells_init(&cells, 80, 60, &err));
	return can_be_read(&fixture->state, &cells, text);
}

static void test_details_read_each_line_of_source_once(void **state)
{
	struct fixture *fixture = *state;
	press(fixture, "\n");
	assert_ptr_equal(fixture->state.view, &details_view);
	assert_int_equal(fixture->reads, 3);
	assert_true(is_shown(fixture, "source of cache.py:11"));
	assert_true(is_shown(fixture, "source of threading.py:975"));
	show(fixture, ARRAY_LEN(stacks));
	assert_int_equal(fixture->reads, 3);
}

static void test_details_without_source_are_shown_too(void **state)
{
	struct fixture *fixture = *state;
	press(fixture, "j\n");
	assert_true(is_shown(fixture, "<string>:1 <module>"));
	assert_true(is_shown(fixture, "source of views.py:88"));
	fixture->source.read_line = NULL;
	press(fixture, "x\n");
	assert_true(is_shown(fixture, "leak:^render$"));
	assert_false(is_shown(fixture, "source of"));
}

static void test_details_of_a_row_that_is_gone_do_no_harm(void **state)
{
	struct fixture *fixture = *state;
	press(fixture, "j\n");
	show(fixture, 1);
	assert_true(is_shown(fixture, "put"));
	show(fixture, 0);
	assert_true(is_shown(fixture, "The row is gone"));
	press(fixture, "x\n");
	assert_ptr_equal(fixture->state.view, &live_view);
	assert_true(is_shown(fixture, "there is no row"));
}

static void test_answer_to_a_key_goes_with_the_next(void **state)
{
	struct fixture *fixture = *state;
	press(fixture, "6");
	assert_int_equal(fixture->state.tree.sort, COLUMN_LIVE);
	assert_true(is_shown(fixture, "press b first"));
	press(fixture, "j");
	assert_false(is_shown(fixture, "press b first"));
}

static void test_dropping_the_baseline_drops_its_order(void **state)
{
	struct fixture *fixture = *state;
	press(fixture, "b6");
	assert_int_equal(fixture->state.tree.sort, COLUMN_CHANGE);
	assert_true(is_shown(fixture, "CHANGE"));
	press(fixture, "B");
	assert_int_equal(fixture->state.tree.sort, COLUMN_LIVE);
	press(fixture, "j");
	assert_false(is_shown(fixture, "CHANGE"));
}

static void test_thread_keys_go_around(void **state)
{
	static const struct {
		const char *keys, *thread;
	} steps[] = { { "]", "MainThread" }, { "]", "worker-1" },   { "]", "MainThread" },
		      { "[", "worker-1" },   { "[", "MainThread" }, { "m", "" },
		      { "[", "worker-1" } };
	struct fixture *fixture = *state;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		press(fixture, steps[i].keys);
		assert_string_equal(fixture->state.tree.thread, steps[i].thread);
	}
}

static void test_age_key_ends_where_it_began(void **state)
{
	static const double seconds[] = { 10, 60, 600, 3600, 0, 10 };
	struct fixture *fixture = *state;
	for (size_t i = 0; i < ARRAY_LEN(seconds); i++) {
		press(fixture, "a");
		assert_true(age_class_seconds[fixture->state.tree.min_age_class] == seconds[i]);
	}
}

static void test_keys_for_rows_do_nothing_where_there_are_none(void **state)
{
	struct fixture *fixture = *state;
	press(fixture, "\t\t\t");
	for (size_t i = 0; i < keys_len; i++)
		if (keys[i].needs & KEY_NEEDS_TABLE)
			assert_int_equal(keys_press(&fixture->state, keys[i].codes[0]),
					 REACTION_NONE);
	assert_null(fixture->state.tree.baseline);
	assert_int_equal(fixture->state.tree.sort, COLUMN_LIVE);
}

static void test_writing_says_how_it_went(void **state)
{
	struct fixture *fixture = *state;
	press(fixture, "w");
	assert_true(is_shown(fixture, "not written: disk is full"));
	fixture->can_write = true;
	press(fixture, "w");
	assert_true(is_shown(fixture, "written: a.filtrace"));
	press(fixture, "\t\t\t\t");
	assert_true(is_shown(fixture, "not written: disk is full"));
}

static void test_export_takes_the_name_that_is_typed(void **state)
{
	struct fixture *fixture = *state;
	fixture->can_write = true;
	press(fixture, "e");
	assert_true(is_shown(fixture, "file: filtrace-%p-%t.html"));
	press(fixture,
	      "\025/srv/a directory/with a long name, longer than a search may be/r.csv\n");
	assert_string_equal(fixture->exported,
			    "/srv/a directory/with a long name, longer than a search may be/r.csv");
	assert_true(is_shown(fixture, "exported: /srv/a directory/with"));
	press(fixture, "\t\t\t\t");
	assert_true(is_shown(fixture, "exported: /srv/a directory/with"));
}

static void test_export_can_be_given_up_and_says_what_fails(void **state)
{
	struct fixture *fixture = *state;
	press(fixture, "e\033");
	assert_int_equal(fixture->state.prompt.purpose, PROMPT_NONE);
	press(fixture, "e\n");
	assert_true(is_shown(fixture, "not exported: disk is full"));
	fixture->source.export = NULL;
	press(fixture, "e");
	assert_true(is_shown(fixture, "nothing to export"));
	assert_string_equal(fixture->exported, "");
}

static void test_export_asks_before_it_overwrites(void **state)
{
	struct fixture *fixture = *state;
	fixture->can_write = true;
	fixture->file_exists = true;
	press(fixture, "e\025a.txt\n");
	assert_true(is_shown(fixture, "exists: a.txt"));
	press(fixture, "n");
	assert_string_equal(fixture->exported, "");
	assert_true(is_shown(fixture, "not exported"));
	press(fixture, "e\025a.txt\ny");
	assert_string_equal(fixture->exported, "a.txt");
	assert_int_equal(fixture->state.prompt.purpose, PROMPT_NONE);
}

static void test_stops_page_shows_the_share_of_each_stretch_and_the_budget(void **state)
{
	struct fixture *fixture = *state;
	struct error err;
	const struct series *share = &fixture->state.chronicle.stopped_share;
	fixture->snapshot->capture.seconds += 2;
	fixture->snapshot->capture.stopped_seconds += 0.04;
	assert_true(state_show(&fixture->state, fixture->snapshot, &err));
	assert_int_equal(share->len, 2);
	assert_float_equal(share->value[0], 0.53 / 252, 1e-6);
	assert_float_equal(share->value[1], 0.04 / 2, 1e-6);
	assert_true(state_show(&fixture->state, fixture->snapshot, &err)); /* no time has passed */
	assert_int_equal(share->len, 2);

	press(fixture, "\t\t\t");
	assert_true(is_shown(fixture, "of the budget   22% of 1%"));
	fixture->snapshot->capture.budget = 0;
	assert_true(is_shown(fixture, "none, T is fixed"));
}

#define STATE_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(test_details_read_each_line_of_source_once),
		STATE_TEST(test_details_without_source_are_shown_too),
		STATE_TEST(test_details_of_a_row_that_is_gone_do_no_harm),
		STATE_TEST(test_answer_to_a_key_goes_with_the_next),
		STATE_TEST(test_dropping_the_baseline_drops_its_order),
		STATE_TEST(test_thread_keys_go_around),
		STATE_TEST(test_age_key_ends_where_it_began),
		STATE_TEST(test_keys_for_rows_do_nothing_where_there_are_none),
		STATE_TEST(test_writing_says_how_it_went),
		STATE_TEST(test_stops_page_shows_the_share_of_each_stretch_and_the_budget),
		STATE_TEST(test_export_takes_the_name_that_is_typed),
		STATE_TEST(test_export_can_be_given_up_and_says_what_fails),
		STATE_TEST(test_export_asks_before_it_overwrites),
	};
	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
