/* SPDX-License-Identifier: MIT */
#include "tui/state.h"

#include <errno.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/tui/golden.h"
#include "tests/unit/tui/pressing.h"
#include "tests/unit/tui/synthetic.h"

#define MIB (1024.0 * 1024.0)

static const struct frame render = { "render", "/srv/shop/app/views.py", 88 };
static const struct frame put = { "put", "/srv/shop/app/cache.py", 11 };
static const struct frame loads = { "loads", "/usr/lib/python3.11/json/__init__.py", 346 };
static const struct frame remember = { "PageCache.<locals>.remember",
				       "/home/deploy/releases/shop/lib/page_cache.py", 1204 };
static const struct frame module = { "<module>", "<string>", 1 };
static const struct frame dispatch = { "dispatch_request", "/usr/lib/python3/flask/app.py", 1799 };
static const struct frame wsgi = { "wsgi_app", "/usr/lib/python3/flask/app.py", 2525 };
static const struct frame run = { "run", "/usr/lib/python3.11/threading.py", 975 };
static const struct frame warm_up = { "warm_up", "/srv/shop/app/jobs.py", 40 };

static const struct synthetic_stack shop[] = {
	{ { &render, &dispatch, &wsgi, &run }, 150 * MIB, 4 * MIB, 48000, 1900, 1.1e6, 250, false },
	{ { &render, &warm_up, &module }, 38 * MIB, 2 * MIB, -300, 900, 110000, 240, false },
	{ { &put, &render, &dispatch, &wsgi, &run },
	  61 * MIB,
	  2 * MIB,
	  15000,
	  900,
	  400123,
	  121,
	  false },
	{ { &loads, &render, &dispatch, &wsgi, &run }, 4.7 * MIB, MIB, 40, 500, 31232, 3, true },
	{ { &remember, &warm_up, &module }, 3.6 * MIB, MIB, 0, 0, 987, 252, false },
	{ { &module }, 700, 300, -12, 12, 4, 86400 * 3, false },
};

/* Names as a hostile target or capture would have them. */
static const struct frame hostile_frames[] = {
	{ "evil\033[31m\nname", "/tmp/\033]0;title\a.py", 3 },
	{ "日本語の関数", "/srv/ウェブ/ページ.py", 7 },
	{ "e\u0301\u0301\u0301clair", "/srv/cafe\u0301.py", 7 },
	{ "\u202egnirts", "/tmp/\u2066x\u2069.py", 1 },
	{ "\xff\xfe\xc0\x80", "/tmp/\xed\xa0\x80.py", 2 },
	{ "👩\u200d👩\u200d👧", "/tmp/❤\ufe0f.py", 5 },
	{ "\xc2\x9b"
	  "2Jclear",
	  "", 0 },
};

static void fill_hostile(struct synthetic_stack ret[ARRAY_LEN(hostile_frames)])
{
	for (size_t i = 0; i < ARRAY_LEN(hostile_frames); i++)
		ret[i] = (struct synthetic_stack){ .frames = { &hostile_frames[i], &module },
						   .live = (double)(100 - i) * 1024,
						   .growth = i % 2 ? NAN : INFINITY,
						   .blocks = 1e300 };
}

/* A view of a snapshot on a screen. */
struct fixture {
	struct state state;
	struct snapshot *snapshot;
	struct cells cells;
};

/* Every file is there already. */
static bool refuse_export(void *context, const struct snapshot *snapshot, const char *file,
			  bool is_forced, char *name_ret, size_t size, struct error *err)
{
	(void)context;
	(void)snapshot;
	(void)is_forced;
	snprintf(name_ret, size, "%s", file);
	error_set(err, ERROR_FILE, "%s exists", file);
	err->os_errno = EEXIST;
	return false;
}

static const struct tui_source source = { .export = refuse_export };

static void open_view(struct fixture *fixture, const struct synthetic_stack *stacks, size_t count,
		      int width, int height)
{
	struct error err;
	state_init(&fixture->state);
	fixture->state.source = &source;
	fixture->snapshot = synthetic_make(stacks, count);
	assert_true(cells_init(&fixture->cells, width, height, &err));
	assert_true(state_show(&fixture->state, fixture->snapshot, &err));
}

static void close_view(struct fixture *fixture)
{
	state_deinit(&fixture->state);
	cells_deinit(&fixture->cells);
	synthetic_free(fixture->snapshot);
}

static void press(struct fixture *fixture, const char *keys_pressed)
{
	for (; *keys_pressed; keys_pressed++) {
		press_key(&fixture->state, *keys_pressed);
		state_draw(&fixture->state, &fixture->cells);
	}
}

static void assert_golden(struct fixture *fixture, const char *name)
{
	golden_assert(&fixture->state, &fixture->cells, name);
}

static void test_live_view_matches_golden_screens(void **state)
{
	(void)state;
	static const struct golden_case cases[] = {
		{ "live-80x24", 80, 24, "" },
		{ "live-40x10", 40, 10, "" },
		{ "live-120x40", 120, 40, "" },
		{ "live-200x60", 200, 60, "" },
		{ "unfolded-80x24", 80, 24, "j+jj" },
		{ "unfolded-40x10", 40, 10, "*G" },
		{ "unfolded-120x40", 120, 40, "*" },
		{ "growth-reversed-80x24", 80, 24, "j2I" },
		{ "tree-80x24", 80, 24, "to" },
		{ "tree-40x10", 40, 10, "toG" },
		{ "tree-200x60", 200, 60, "t*" },
		{ "threads-80x24", 80, 24, "\t\t*" },
		{ "threads-40x10", 40, 10, "\t\t" },
		{ "threads-200x60", 200, 60, "\t\t+" },
		{ "stops-80x24", 80, 24, "\t\t\t" },
		{ "stops-40x10", 40, 10, "\t\t\t" },
		{ "stops-end-40x10", 40, 10, "\t\t\tG" },
		{ "stops-200x60", 200, 60, "\t\t\t" },
		{ "log-80x24", 80, 24, "b\t\t\t\t" },
		{ "log-40x10", 40, 10, "b\t\t\t\t" },
		{ "log-200x60", 200, 60, "b\t\t\t\t" },
		{ "details-80x24", 80, 24, "\n" },
		{ "details-end-80x24", 80, 24, "\nG" },
		{ "details-40x10", 40, 10, "\nG" },
		{ "details-200x60", 200, 60, "b\n" },
		{ "search-80x24", 80, 24, "/cache" },
		{ "search-40x10", 40, 10, "/cache" },
		{ "export-80x24", 80, 24, "e" },
		{ "export-40x10", 40, 10, "e" },
		{ "overwrite-80x24", 80, 24, "e\n" },
		{ "overwrite-40x10", 40, 10, "\t\t\te\n" },
		{ "revealed-80x24", 80, 24, "/warm\n" },
		{ "filtered-80x24", 80, 24, "\\flask\na" },
		{ "filtered-40x10", 40, 10, "\\flask\naaa" },
		{ "filtered-away-80x24", 80, 24, "\\no such thing\n" },
		{ "one-thread-80x24", 80, 24, "]" },
		{ "functions-80x24", 80, 24, "lp" },
		{ "baseline-80x24", 80, 24, "b" },
		{ "baseline-200x60", 200, 60, "b6" },
		{ "help-80x24", 80, 24, "?" },
		{ "help-40x10", 40, 10, "?jj" },
		{ "help-200x60", 200, 60, "?" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture fixture;
		open_view(&fixture, shop, ARRAY_LEN(shop), cases[i].width, cases[i].height);
		state_draw(&fixture.state, &fixture.cells);
		press(&fixture, cases[i].keys);
		assert_golden(&fixture, cases[i].name);
		close_view(&fixture);
	}
}

static void test_first_picture_says_what_it_waits_for(void **state)
{
	(void)state;
	struct fixture fixture;
	open_view(&fixture, NULL, 0, 80, 24);
	assert_golden(&fixture, "waiting-80x24");
	close_view(&fixture);
	open_view(&fixture, NULL, 0, 40, 10);
	assert_golden(&fixture, "waiting-40x10");
	fixture.snapshot->capture.samples = 12;
	assert_golden(&fixture, "nothing-live-40x10");
	close_view(&fixture);
}

static void test_picture_says_that_it_is_paused_or_over_or_lossy(void **state)
{
	(void)state;
	struct fixture fixture;
	open_view(&fixture, shop, ARRAY_LEN(shop), 80, 24);
	fixture.snapshot->target.has_exited = true;
	fixture.snapshot->capture.dropped = 1234;
	fixture.snapshot->capture.sample_bytes = 1;
	press(&fixture, " ");
	assert_golden(&fixture, "paused-exited-80x24");
	close_view(&fixture);
	open_view(&fixture, shop, ARRAY_LEN(shop), 40, 10);
	fixture.snapshot->target.has_exited = true;
	assert_golden(&fixture, "exited-40x10");
	close_view(&fixture);
}

static void test_hostile_names_are_shown_harmless(void **state)
{
	(void)state;
	struct fixture fixture;
	struct synthetic_stack stacks[ARRAY_LEN(hostile_frames)];
	fill_hostile(stacks);
	char *command[] = { "\033[2J\r", "a\nb", NULL };
	open_view(&fixture, stacks, ARRAY_LEN(stacks), 80, 24);
	fixture.snapshot->target.command = command;
	fixture.snapshot->target.python = "3\033c";
	assert_golden(&fixture, "hostile-80x24");
	close_view(&fixture);
}

static void assert_covers(const struct cells *cells)
{
	for (int row = 0; row < cells->height; row++) {
		int covered = 0;
		for (int column = 0; column < cells->width; column++)
			covered += cells_at(cells, row, column)->columns;
		assert_int_equal(covered, cells->width);
	}
}

static void test_every_size_of_screen_is_drawn(void **state)
{
	(void)state;
	struct error err;
	struct synthetic_stack stacks[ARRAY_LEN(hostile_frames)];
	fill_hostile(stacks);
	for (int size = 0; size < 130 * 30; size++) {
		struct fixture fixture;
		if (size % 2)
			open_view(&fixture, shop, ARRAY_LEN(shop), size / 30, size % 30);
		else
			open_view(&fixture, stacks, ARRAY_LEN(stacks), size / 30, size % 30);
		press(&fixture, "*G");
		assert_true(tree_rebuild(&fixture.state.tree, &err));
		state_draw(&fixture.state, &fixture.cells);
		assert_covers(&fixture.cells);
		press(&fixture, "?G");
		state_draw(&fixture.state, &fixture.cells);
		assert_covers(&fixture.cells);
		close_view(&fixture);
	}
}

static bool is_on_page(struct fixture *fixture, const char *label, const char *help)
{
	char line[128];
	snprintf(line, sizeof(line), " %-10s %s", label, help);
	return can_be_read(&fixture->state, &fixture->cells, line);
}

static void test_help_page_lists_every_key_whole(void **state)
{
	(void)state;
	static const int sizes[][2] = { { 80, 24 }, { 40, 10 }, { 40, 60 } };
	for (size_t size = 0; size < ARRAY_LEN(sizes); size++) {
		struct fixture fixture;
		open_view(&fixture, shop, ARRAY_LEN(shop), sizes[size][0], sizes[size][1]);
		press(&fixture, "?");
		for (size_t i = 0; i < keys_len; i++) {
			size_t scrolled = 0;
			if (!keys_is_known(&fixture.state, &keys[i]))
				continue;
			press(&fixture, "g");
			while (!is_on_page(&fixture, keys[i].label, keys[i].help)) {
				press(&fixture, "j");
				if (++scrolled > 100)
					fail_msg("help lacks \"%s\"", keys[i].label);
			}
		}
		close_view(&fixture);
	}
}

static void test_wide_bar_shows_every_key_meant_for_it(void **state)
{
	(void)state;
	struct fixture fixture;
	open_view(&fixture, shop, ARRAY_LEN(shop), 200, 60);
	for (size_t i = 0; i < keys_len; i++)
		if (keys[i].bar && keys_is_known(&fixture.state, &keys[i]))
			assert_true(can_be_read(&fixture.state, &fixture.cells, keys[i].bar));
	close_view(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_live_view_matches_golden_screens),
		cmocka_unit_test(test_first_picture_says_what_it_waits_for),
		cmocka_unit_test(test_picture_says_that_it_is_paused_or_over_or_lossy),
		cmocka_unit_test(test_hostile_names_are_shown_harmless),
		cmocka_unit_test(test_every_size_of_screen_is_drawn),
		cmocka_unit_test(test_help_page_lists_every_key_whole),
		cmocka_unit_test(test_wide_bar_shows_every_key_meant_for_it),
	};
	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
