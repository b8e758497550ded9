/* SPDX-License-Identifier: MIT */
#include "base/elide.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/glyphs.h"
#include "base/text.h"

static const struct frame view = { "render", "/srv/shop/app/views.py", 88 };

static void test_what_matters_least_goes_first(void **state)
{
	(void)state;
	static const struct {
		int columns;
		const char *expected;
	} cases[] = {
		{ 80, "/srv/shop/app/views.py:88 render" },
		{ 32, "/srv/shop/app/views.py:88 render" },
		{ 31, "/srv/…/app/views.py:88 render" },
		{ 29, "/srv/…/app/views.py:88 render" },
		{ 28, "…/app/views.py:88 render" },
		{ 23, "…/views.py:88 render" },
		{ 19, "views.py:88 render" },
		{ 17, "views.py:88 rend…" },
		{ 14, "views.py:88 r…" },
		{ 13, "…/views.py:88" },
		{ 12, "views.py:88" },
		{ 11, "views.py:88" },
		{ 10, "views.py:…" },
		{ 2, "v…" },
		{ 1, "…" },
		{ 0, "" },
		{ -5, "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char site[128];
		elide_frame(&view, cases[i].columns, site, sizeof(site));
		assert_string_equal(site, cases[i].expected);
	}
}

static void test_qualified_name_keeps_its_last_part(void **state)
{
	(void)state;
	static const struct frame frame = { "Cache.<locals>.remember", "cache.py", 7 };
	static const struct {
		int columns;
		const char *expected;
	} cases[] = {
		{ 34, "cache.py:7 Cache.<locals>.remember" },
		{ 33, "cache.py:7 …<locals>.remember" },
		{ 28, "cache.py:7 …remember" },
		{ 20, "cache.py:7 …remember" },
		{ 19, "cache.py:7 remember" },
		{ 18, "cache.py:7 rememb…" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char site[128];
		elide_frame(&frame, cases[i].columns, site, sizeof(site));
		assert_string_equal(site, cases[i].expected);
	}
}

static void test_frames_without_a_path_or_line_read_well(void **state)
{
	(void)state;
	static const struct {
		struct frame frame;
		const char *expected;
	} cases[] = {
		{ { "<module>", "<string>", 1 }, "<string>:1 <module>" },
		{ { "memcpy", "", 0 }, "memcpy" },
		{ { "", "/lib/libc.so.6", 0 }, "/lib/libc.so.6" },
		{ { "", "", 0 }, "" },
		{ { "f", "directory/", 3 }, "directory/:3 f" },
		{ { "f", "/a.py", 3 }, "/a.py:3 f" },
		{ { "\033[2J", "/x\n/y.py", -1 }, "/x\uFFFD/y.py \uFFFD[2J" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char site[128];
		elide_frame(&cases[i].frame, 60, site, sizeof(site));
		assert_string_equal(site, cases[i].expected);
		elide_frame(&cases[i].frame, -1, site, sizeof(site));
		assert_string_equal(site, "");
	}
}

static void test_site_never_takes_more_than_its_columns(void **state)
{
	(void)state;
	static const struct frame frames[] = {
		{ "render", "/srv/shop/app/views.py", 88 },
		{ "PageCache.<locals>.remember", "/home/deploy/a/b/c/page_cache.py", 1204 },
		{ "日本語の関数", "/srv/ウェブ/ページ.py", 7 },
		{ "e\u0301e\u0301", "//double//slashes//x.py", 1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(frames); i++)
		for (int columns = 0; columns < 100; columns++) {
			char site[256];
			elide_frame(&frames[i], columns, site, sizeof(site));
			assert_true(glyphs_columns(site) <= columns);
		}
}

/* Reports set no locale: a character is a column then, never a byte. */
static void test_no_locale_is_needed(void **state)
{
	(void)state;
	static const struct frame frame = { "größe", "/srv/müll/straße.py", 7 };
	char site[128];
	setlocale(LC_CTYPE, "C");
	elide_frame(&frame, 27, site, sizeof(site));
	assert_string_equal(site, "/srv/müll/straße.py:7 größe");
	elide_frame(&frame, 18, site, sizeof(site));
	assert_string_equal(site, "straße.py:7 größe");
	setlocale(LC_CTYPE, "C.UTF-8");
}

static void test_file_name_stays_whole_while_it_fits(void **state)
{
	(void)state;
	for (int columns = (int)strlen("views.py:88"); columns < 100; columns++) {
		char site[256];
		elide_frame(&view, columns, site, sizeof(site));
		assert_non_null(strstr(site, "views.py:88"));
	}
}

static void test_endless_names_are_bounded(void **state)
{
	(void)state;
	static char path[100000];
	static char function[100000];
	memset(path, '/', sizeof(path) - 1);
	memcpy(path + sizeof(path) - 6, "/x.py", 5);
	memset(function, 'f', sizeof(function) - 1);
	struct frame frame = { function, path, 1 };
	char site[64];

	elide_frame(&frame, 20, site, sizeof(site));
	assert_string_equal(site, "x.py:1 ffffffffffff…");
	elide_frame(&frame, 1000, site, sizeof(site));
	assert_true(strlen(site) < sizeof(site));
}

static void test_too_little_room_cuts_between_characters(void **state)
{
	(void)state;
	static const struct frame frame = { "größe", "/srv/müll/straße.py", 7 };
	for (size_t size = 1; size < 40; size++) {
		char site[40];
		char clean[40];
		elide_frame(&frame, 27, site, size);
		assert_true(strlen(site) < size);
		text_printable(site, clean, sizeof(clean));
		assert_string_equal(site, clean);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_matters_least_goes_first),
		cmocka_unit_test(test_qualified_name_keeps_its_last_part),
		cmocka_unit_test(test_frames_without_a_path_or_line_read_well),
		cmocka_unit_test(test_site_never_takes_more_than_its_columns),
		cmocka_unit_test(test_no_locale_is_needed),
		cmocka_unit_test(test_file_name_stays_whole_while_it_fits),
		cmocka_unit_test(test_endless_names_are_bounded),
		cmocka_unit_test(test_too_little_room_cuts_between_characters),
	};
	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
