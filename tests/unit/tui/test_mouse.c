/* SPDX-License-Identifier: MIT */
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
#include "tui/help_view.h"
#include "tui/live_view.h"
#include "tui/pages.h"

/* All but two of the sites fit the screen. */
enum { SITES = 40, WIDTH = 120, HEIGHT = 25 };

/* A view of many sites, each with a caller, that is clicked at what can be read on it. */
struct fixture {
	struct state state;
	struct snapshot *snapshot;
	struct cells cells;
	char names[SITES][24];
	struct frame frames[SITES];
	struct synthetic_stack stacks[SITES];
};

static const struct frame caller = { "caller", "caller.py", 7 };
static const struct frame other_caller = { "other_caller", "caller.py", 9 };

static void draw(struct fixture *fixture)
{
	state_draw(&fixture->state, &fixture->cells);
}

static void press(struct fixture *fixture, int code)
{
	press_key(&fixture->state, code);
	draw(fixture);
}

static int set_up(void **state)
{
	struct error err;
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	for (int i = 0; i < SITES; i++) {
		snprintf(fixture->names[i], sizeof(fixture->names[i]), "site_%02d", i / 2);
		fixture->frames[i] = (struct frame){ fixture->names[i], "site.py", i / 2 + 1 };
		fixture->stacks[i] = (struct synthetic_stack){
			.frames = { i % 2 ? &fixture->frames[i - 1] : &fixture->frames[i],
				    i % 2 ? &other_caller : &caller },
			.live = 1000 - i,
			.growth = i,
			.blocks = 1,
		};
	}
	state_init(&fixture->state);
	fixture->snapshot = synthetic_make(fixture->stacks, SITES);
	assert_true(cells_init(&fixture->cells, WIDTH, HEIGHT, &err));
	assert_true(state_show(&fixture->state, fixture->snapshot, &err));
	draw(fixture);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	state_deinit(&fixture->state);
	cells_deinit(&fixture->cells);
	synthetic_free(fixture->snapshot);
	free(fixture);
	return 0;
}

/* Where a text begins on the screen. */
static struct place find_text(const struct fixture *fixture, const char *text)
{
	for (int row = 0; row < HEIGHT; row++) {
		for (int column = 0; column < WIDTH; column++) {
			size_t same = 0;
			const struct cell *cell;
			while (text[same] &&
			       (cell = cells_at(&fixture->cells, row, column + (int)same)) &&
			       cell->text[0] == text[same])
				same++;
			if (!text[same])
				return (struct place){ row, column };
		}
	}
	fail_msg("\"%s\" is not on the screen", text);
	return (struct place){ 0 };
}

static void click(struct fixture *fixture, struct place place, int code)
{
	fixture->state.pointer = place;
	press(fixture, code);
}

static void click_text(struct fixture *fixture, const char *text)
{
	click(fixture, find_text(fixture, text), KEY_CODE_CLICK);
}

static const char *selected(const struct fixture *fixture)
{
	const struct tree *tree = &fixture->state.tree;
	return tree->rows[tree->selected].frame.function;
}

static void test_click_selects_the_row_under_it(void **state)
{
	struct fixture *fixture = *state;
	click_text(fixture, "site_03");
	assert_string_equal(selected(fixture), "site_03");
	click_text(fixture, "site_00");
	assert_string_equal(selected(fixture), "site_00");
	click(fixture, (struct place){ HEIGHT - 1, 3 }, KEY_CODE_CLICK);
	click(fixture, (struct place){ 0, 3 }, KEY_CODE_CLICK);
	assert_string_equal(selected(fixture), "site_00");
}

static void test_click_on_a_scrolled_table_selects_what_is_seen(void **state)
{
	struct fixture *fixture = *state;
	press(fixture, 'G');
	assert_true(fixture->state.top > 0);
	click_text(fixture, "site_17");
	assert_string_equal(selected(fixture), "site_17");
}

static void test_click_on_the_marker_unfolds_and_folds(void **state)
{
	struct fixture *fixture = *state;
	size_t rows = fixture->state.tree.row_count;
	struct place place = { find_text(fixture, "site_02").row, 0 };
	click(fixture, place, KEY_CODE_CLICK);
	assert_string_equal(selected(fixture), "site_02");
	assert_int_equal(fixture->state.tree.row_count, rows + 2);
	find_text(fixture, "other_caller");
	click(fixture, place, KEY_CODE_DOUBLE_CLICK); /* quickly again */
	assert_int_equal(fixture->state.tree.row_count, rows);
	assert_ptr_equal(fixture->state.view, &live_view);
}

static void test_click_on_a_head_sorts_and_reverses(void **state)
{
	struct fixture *fixture = *state;
	click_text(fixture, "GROWTH/min");
	assert_int_equal(fixture->state.tree.sort, COLUMN_GROWTH);
	assert_false(fixture->state.tree.is_reversed);
	click_text(fixture, "GROWTH/min");
	assert_true(fixture->state.tree.is_reversed);
	click_text(fixture, "BLOCKS");
	assert_int_equal(fixture->state.tree.sort, COLUMN_BLOCKS);
	click_text(fixture, "SITE");
	assert_int_equal(fixture->state.tree.sort, COLUMN_BLOCKS);
}

static void test_click_on_a_tab_shows_its_page(void **state)
{
	struct fixture *fixture = *state;
	for (size_t i = 0; i < PAGE_COUNT; i++) {
		size_t page = (i + 2) % PAGE_COUNT;
		click_text(fixture, pages[page].title);
		assert_int_equal(fixture->state.page, page);
	}
	struct place between = find_text(fixture, "Tree");
	between.column += (int)strlen("Tree");
	enum page_id before = fixture->state.page;
	click(fixture, between, KEY_CODE_CLICK);
	assert_int_equal(fixture->state.page, before);
}

static void test_double_click_shows_details_and_a_click_goes_back(void **state)
{
	struct fixture *fixture = *state;
	struct place place = find_text(fixture, "site_04");
	click(fixture, place, KEY_CODE_CLICK);
	click(fixture, place, KEY_CODE_DOUBLE_CLICK);
	assert_ptr_equal(fixture->state.view, &details_view);
	find_text(fixture, "site_04");
	click(fixture, place, KEY_CODE_DOUBLE_CLICK); /* one click too many */
	assert_ptr_equal(fixture->state.view, &details_view);
	click(fixture, place, KEY_CODE_CLICK);
	assert_ptr_equal(fixture->state.view, &live_view);
}

static void test_wheel_scrolls_and_drags_the_selection_at_the_edge(void **state)
{
	struct fixture *fixture = *state;
	press(fixture, 'j');
	press(fixture, 'j');
	press(fixture, 'j');
	press(fixture, 'j');
	press(fixture, KEY_CODE_WHEEL_DOWN);
	assert_int_equal(fixture->state.top, SITES / 2 - fixture->state.page_len);
	assert_string_equal(selected(fixture), "site_04");
	for (int i = 0; i < 10; i++)
		press(fixture, KEY_CODE_WHEEL_UP);
	assert_int_equal(fixture->state.top, 0);
	assert_string_equal(selected(fixture), "site_04");
	press(fixture, '*');
	for (int i = 0; i < 30; i++)
		press(fixture, KEY_CODE_WHEEL_DOWN);
	assert_int_equal(fixture->state.top + fixture->state.page_len,
			 fixture->state.tree.row_count);
	assert_int_equal(fixture->state.tree.selected, fixture->state.top);
}

static void test_wheel_scrolls_texts(void **state)
{
	struct fixture *fixture = *state;
	press(fixture, '?');
	press(fixture, KEY_CODE_WHEEL_DOWN);
	assert_ptr_equal(fixture->state.view, &help_view);
	assert_int_equal(fixture->state.scroll.top, 3);
	press(fixture, KEY_CODE_WHEEL_UP);
	assert_int_equal(fixture->state.scroll.top, 0);
}

static void test_clicks_do_not_disturb_what_is_typed(void **state)
{
	struct fixture *fixture = *state;
	press(fixture, '/');
	press(fixture, 's');
	click_text(fixture, "site_03");
	press(fixture, 'i');
	assert_string_equal(fixture->state.prompt.text, "si");
}

#define MOUSE_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MOUSE_TEST(test_click_selects_the_row_under_it),
		MOUSE_TEST(test_click_on_a_scrolled_table_selects_what_is_seen),
		MOUSE_TEST(test_click_on_the_marker_unfolds_and_folds),
		MOUSE_TEST(test_click_on_a_head_sorts_and_reverses),
		MOUSE_TEST(test_click_on_a_tab_shows_its_page),
		MOUSE_TEST(test_double_click_shows_details_and_a_click_goes_back),
		MOUSE_TEST(test_wheel_scrolls_and_drags_the_selection_at_the_edge),
		MOUSE_TEST(test_wheel_scrolls_texts),
		MOUSE_TEST(test_clicks_do_not_disturb_what_is_typed),
	};
	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
