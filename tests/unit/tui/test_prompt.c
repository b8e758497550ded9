/* SPDX-License-Identifier: MIT */
#include "tui/prompt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/tui/pressing.h"
#include "tests/unit/tui/synthetic.h"

static const struct frame put = { "put", "cache.py", 11 };
static const struct frame render = { "render", "views.py", 88 };
static const struct frame run = { "run", "threading.py", 975 };

static const struct synthetic_stack stacks[] = {
	{ { &put, &run }, 300, 3, 30, 3, 10, 50, false },
	{ { &render, &run }, 100, 4, 10, 4, 40, 90, false },
};

static void type(struct state *state, const int *codes)
{
	for (; *codes; codes++)
		press_key(state, *codes);
}

#define TYPE(state, ...) type(state, (const int[]){ __VA_ARGS__, 0 })

static int set_up(void **state)
{
	struct error err;
	struct state *made = calloc(1, sizeof(*made));
	state_init(made);
	assert_true(state_show(made, synthetic_make(stacks, ARRAY_LEN(stacks)), &err));
	*state = made;
	return 0;
}

static int tear_down(void **state)
{
	struct state *made = *state;
	struct snapshot *snapshot = (struct snapshot *)made->tree.snapshot;
	state_deinit(made);
	synthetic_free(snapshot);
	free(made);
	return 0;
}

static void test_typing_takes_any_character_and_takes_it_away_whole(void **unused)
{
	(void)unused;
	struct prompt prompt = { .purpose = PROMPT_SEARCH };
	static const int codes[] = { 'a', 0xe9, 0x20ac, 0x1f600 };
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		assert_int_equal(prompt_press(&prompt, codes[i]), PROMPT_CHANGED);
	assert_string_equal(prompt.text, "aé€😀");
	static const char *const shorter[] = { "aé€", "aé", "a", "" };
	for (size_t i = 0; i < ARRAY_LEN(shorter); i++) {
		assert_int_equal(prompt_press(&prompt, KEY_CODE_BACKSPACE), PROMPT_CHANGED);
		assert_string_equal(prompt.text, shorter[i]);
	}
	assert_int_equal(prompt_press(&prompt, KEY_CODE_BACKSPACE), PROMPT_CANCELLED);
}

static void test_typing_refuses_what_is_no_character(void **unused)
{
	(void)unused;
	static const int codes[] = {
		1, 27 + 1, 0xd800, KEY_CODE_UP, KEY_CODE_F1, KEY_CODE_UNKNOWN
	};
	struct prompt prompt = { .purpose = PROMPT_SEARCH };
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		assert_int_equal(prompt_press(&prompt, codes[i]), PROMPT_IGNORED);
	assert_string_equal(prompt.text, "");
}

static void test_typing_without_end_stays_in_the_line(void **unused)
{
	(void)unused;
	struct prompt prompt = { .purpose = PROMPT_SEARCH };
	for (int i = 0; i < 1000; i++)
		prompt_press(&prompt, 0x20ac);
	assert_true(strlen(prompt.text) < sizeof(prompt.text));
	assert_int_equal(strlen(prompt.text) % 3, 0);
	assert_int_equal(prompt_press(&prompt, 21), PROMPT_CHANGED);
	assert_string_equal(prompt.text, "");
}

static void test_search_selects_while_one_types_and_escape_goes_back(void **state)
{
	struct state *view = *state;
	TYPE(view, '/', 'V', 'I');
	assert_int_equal(view->tree.selected, 1);
	TYPE(view, KEY_CODE_ESCAPE);
	assert_int_equal(view->tree.selected, 0);
	assert_int_equal(view->prompt.purpose, PROMPT_NONE);
	assert_string_equal(view->search, "");
	TYPE(view, '/', 'v', 'i', KEY_CODE_ENTER);
	assert_int_equal(view->tree.selected, 1);
	TYPE(view, 'g', 'n');
	assert_int_equal(view->tree.selected, 1);
}

static void test_keys_are_text_while_one_types(void **state)
{
	struct state *view = *state;
	TYPE(view, '/', 'q', '?', ' ', '2');
	assert_string_equal(view->prompt.text, "q? 2");
	assert_false(view->is_paused);
	assert_int_equal(view->tree.sort, COLUMN_LIVE);
	TYPE(view, KEY_CODE_ENTER);
	assert_non_null(strstr(view->message, "q? 2"));
}

static void test_search_for_what_is_folded_unfolds_it(void **state)
{
	struct state *view = *state;
	TYPE(view, '/', 't', 'h', 'r', 'e', 'a', 'd', KEY_CODE_ENTER);
	assert_string_equal(view->tree.rows[view->tree.selected].frame.function, "run");
}

static void test_filter_applies_while_one_types_and_escape_restores_it(void **state)
{
	struct state *view = *state;
	TYPE(view, '\\', 'p', 'u', 't');
	assert_int_equal(view->tree.row_count, 1);
	TYPE(view, KEY_CODE_ENTER);
	assert_int_equal(view->tree.row_count, 1);
	TYPE(view, '\\', 'r', 'e', 'n');
	assert_string_equal(view->tree.rows[0].frame.function, "render");
	TYPE(view, KEY_CODE_ESCAPE);
	assert_string_equal(view->tree.filter, "put");
	TYPE(view, '\\', KEY_CODE_ENTER);
	assert_int_equal(view->tree.row_count, 2);
}

#define STATE_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_typing_takes_any_character_and_takes_it_away_whole),
		cmocka_unit_test(test_typing_refuses_what_is_no_character),
		cmocka_unit_test(test_typing_without_end_stays_in_the_line),
		STATE_TEST(test_search_selects_while_one_types_and_escape_goes_back),
		STATE_TEST(test_keys_are_text_while_one_types),
		STATE_TEST(test_search_for_what_is_folded_unfolds_it),
		STATE_TEST(test_filter_applies_while_one_types_and_escape_restores_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
