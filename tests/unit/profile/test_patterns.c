/* SPDX-License-Identifier: MIT */
#include "profile/patterns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define OWNED_PATTERNS OWNED(patterns_deinit)

static void test_a_glob_fits_the_whole_text(void **state)
{
	(void)state;
	static const struct {
		const char *glob, *text;
		bool fits;
	} cases[] = {
		{ "", "", true },
		{ "", "a", false },
		{ "a", "a", true },
		{ "a", "ab", false },
		{ "a", "", false },
		{ "*", "", true },
		{ "*", "a/b", true },
		{ "a*c", "abbc", true },
		{ "a*c", "abbcd", false },
		{ "*ab*", "xaab", true },
		{ "*a*b*c", "aXbXbXc", true },
		{ "a**", "a", true },
		{ "?", "a", true },
		{ "?", "", false },
		{ "?", "\u20ac", true },
		{ "??", "\u20ac", false },
		{ "\\*", "*", true },
		{ "\\*", "a", false },
		{ "\\?x", "?x", true },
		{ "a\\", "a\\", true },
		{ "[ab]", "[ab]", true },
		{ "[ab]", "a", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (pattern_fits(cases[i].glob, cases[i].text) != cases[i].fits)
			fail_msg("'%s' and '%s'", cases[i].glob, cases[i].text);
	}
}

static void test_no_glob_takes_exponential_time(void **state)
{
	(void)state;
	char glob[201], text[10001];
	for (size_t i = 0; i < 200; i += 2)
		memcpy(glob + i, "a*", 2);
	strcpy(glob + 199, "b");
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	clock_t started = clock();
	assert_false(pattern_fits(glob, text));
	assert_true(clock() - started < 5 * CLOCKS_PER_SEC);
}

static bool matches(const struct patterns *patterns, const struct frame *frame)
{
	struct error err;
	bool ret;
	assert_true(patterns_match(patterns, frame, &ret, &err));
	return ret;
}

static void test_a_glob_names_a_function_or_the_end_of_a_path(void **state)
{
	(void)state;
	static const struct frame frame = { "View.render", "/srv/app/views.py", 88 };
	static const struct {
		const char *glob;
		bool matches;
	} cases[] = {
		{ "View.render", true },  { "render", false },	    { "*.render", true },
		{ "views.py", true },	  { "views.py:88", true },  { "views.py:8", false },
		{ "app/views.py", true }, { "pp/views.py", false }, { "app/*", true },
		{ "srv/*", true },	  { "/srv/*", true },	    { "/app/*", false },
		{ "*/app/*", true },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		OWNED_PATTERNS struct patterns patterns = { 0 };
		struct error err;
		assert_true(patterns_add_glob(&patterns, cases[i].glob, &err));
		if (matches(&patterns, &frame) != cases[i].matches)
			fail_msg("'%s'", cases[i].glob);
	}
}

static void test_a_suppression_is_found_anywhere_unless_it_is_tied(void **state)
{
	(void)state;
	static const struct frame frame = { "View.render", "/srv/app/views?.py", 88 };
	static const struct {
		const char *line;
		bool matches;
	} cases[] = {
		{ "leak:render", true },	{ "leak:app/", true },
		{ "leak:^View", true },		{ "leak:^render", false },
		{ "leak:render$", true },	{ "leak:View$", false },
		{ "leak:^View.render$", true }, { "leak:V*r$", true },
		{ "leak:views?.py:88$", true }, { "leak:viewsX.py", false },
		{ "leak:^/srv/*:88$", true },	{ "  leak:render \r", true },
		{ "# leak:render", false },	{ "leak:other\n\nleak:render\n", true },
		{ "leak:view\\s", false },	{ "", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		OWNED_PATTERNS struct patterns patterns = { 0 };
		struct error err = { .context = "" };
		if (!patterns_add_suppressions(&patterns, cases[i].line, &err))
			fail_msg("'%s': %s", cases[i].line, err.context);
		if (matches(&patterns, &frame) != cases[i].matches)
			fail_msg("'%s'", cases[i].line);
	}
}

static void test_a_line_that_is_no_suppression_is_refused_by_its_number(void **state)
{
	(void)state;
	static const char *const texts[] = { "#\nrender\n", "\nrace:x",
					     "leak:a\nleak:", "leak:x\nleak" };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		OWNED_PATTERNS struct patterns patterns = { 0 };
		struct error err;
		assert_false(patterns_add_suppressions(&patterns, texts[i], &err));
		assert_int_equal(err.kind, ERROR_FILE);
		assert_string_equal(err.context, "line 2 is no leak:PATTERN");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_glob_fits_the_whole_text),
		cmocka_unit_test(test_no_glob_takes_exponential_time),
		cmocka_unit_test(test_a_glob_names_a_function_or_the_end_of_a_path),
		cmocka_unit_test(test_a_suppression_is_found_anywhere_unless_it_is_tied),
		cmocka_unit_test(test_a_line_that_is_no_suppression_is_refused_by_its_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
