/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/gate_spec.h"

static void test_bytes_have_the_unit_a_person_would_choose(void **state)
{
	(void)state;
	static const struct {
		double bytes;
		const char *text;
	} cases[] = {
		{ 0, "0 B" },
		{ 512, "512 B" },
		{ -512, "-512 B" },
		{ 1023, "1023 B" },
		{ 1023.6, "1.0 KiB" },
		{ 1024, "1 KiB" },
		{ 65536, "64 KiB" },
		{ 65537, "64.0 KiB" },
		{ 1073741824, "1 GiB" },
		{ 3 * 1048576, "3.0 MiB" },
		{ 1536, "1.5 KiB" },
		{ -1536, "-1.5 KiB" },
		{ 1024 * 1023.96, "1.0 MiB" },
		{ 188.3 * 1048576, "188.3 MiB" },
		{ 1.42 * 1073741824, "1.42 GiB" },
		{ 1023.996 * 1073741824, "1.00 TiB" },
		{ -1023.99 * 1073741824, "-1023.99 GiB" },
		{ DBL_MAX, "?" },
		{ (double)INFINITY, "?" },
		{ (double)NAN, "?" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[16];
		assert_string_equal(text_bytes(cases[i].bytes, text, sizeof(text)), cases[i].text);
	}
}

static void test_counts_are_grouped_then_abbreviated(void **state)
{
	(void)state;
	static const struct {
		double count;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ 986.7, "987" },
		{ 999.5, "1,000" },
		{ 1234, "1,234" },
		{ -1234, "-1,234" },
		{ 999999, "999,999" },
		{ 999999.6, "1.0 M" },
		{ 1.2e6, "1.2 M" },
		{ 999.96e6, "1.0 G" },
		{ DBL_MAX, "?" },
		{ (double)NAN, "?" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[16];
		assert_string_equal(text_count(cases[i].count, text, sizeof(text)), cases[i].text);
	}
}

static void test_durations_have_one_unit(void **state)
{
	(void)state;
	static const struct {
		double seconds;
		const char *text;
	} cases[] = {
		{ -1, "0s" },	       { 0, "0s" },	      { 9.9, "9s" },  { 59.99, "59s" },
		{ 60, "1m" },	       { 252, "4m" },	      { 7200, "2h" }, { 6 * 86400, "6d" },
		{ DBL_MAX, "99999d" }, { (double)NAN, "0s" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[8];
		assert_string_equal(text_duration(cases[i].seconds, text, sizeof(text)),
				    cases[i].text);
	}
}

#define BAD "\xef\xbf\xbd"

static void test_printable_keeps_text_and_replaces_what_is_harmful(void **state)
{
	(void)state;
	static const struct {
		const char *foreign;
		const char *printable;
	} cases[] = {
		{ "", "" },
		{ "plain ascii ~", "plain ascii ~" },
		{ "gr\u00fc\u00df \u65e5\u672c \U0001f40d",
		  "gr\u00fc\u00df \u65e5\u672c \U0001f40d" },
		{ "\x1b[31mred\x1b]0;title\x07", BAD "[31mred" BAD "]0;title" BAD },
		{ "a\r\n\tb", "a" BAD BAD BAD "b" },
		{ "\x7f", BAD },
		{ "\xc2\x9b"
		  "31m",
		  BAD "31m" },
		{ "x\u202ey\u2066z\u2028", "x" BAD "y" BAD "z" BAD },
		{ "a\u200eb\u200fc\u061cd", "a" BAD "b" BAD "c" BAD "d" },
		{ "\xff\xfe", BAD BAD },
		{ "\x80", BAD },
		{ "cut \xe2\x82", "cut " BAD BAD },
		{ "\xc0\xaf", BAD BAD },
		{ "\xe0\x80\xaf", BAD BAD BAD },
		{ "\xed\xa0\x80", BAD BAD BAD },
		{ "\xf4\x90\x80\x80", BAD BAD BAD BAD },
		{ "\xf8\x88\x80\x80\x80", BAD BAD BAD BAD BAD },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[128];
		assert_int_equal(text_printable(cases[i].foreign, text, sizeof(text)),
				 strlen(cases[i].printable));
		assert_string_equal(text, cases[i].printable);
	}
}

static void test_utf8_replaces_only_what_is_not_utf8(void **state)
{
	(void)state;
	char text[64];
	static const char all[] = "a\x1b[m\n\u202e\u20ac\U0001f40d";
	assert_int_equal(text_utf8(all, text, sizeof(text)), strlen(all));
	assert_string_equal(text, all);
	text_utf8("x\xff\xed\xa0\x80y\xe2\x82", text, sizeof(text));
	assert_string_equal(text, "x" BAD BAD BAD BAD "y" BAD BAD);
	assert_int_equal(text_utf8("\xff", text, 3), 0);
}

static void test_printable_is_cut_between_characters(void **state)
{
	(void)state;
	static const size_t lengths[] = { 0, 0, 1, 1, 1, 4, 5, 5 };
	for (size_t size = 0; size < ARRAY_LEN(lengths); size++) {
		OWNED_FREE char *text = malloc(size + 1); /* exact: a sanitizer watches its end */
		assert_non_null(text);
		text[size] = '#';
		assert_int_equal(text_printable("a\u20acb", text, size), lengths[size]);
		assert_int_equal(text[size], '#');
		assert_true(size == 0 || strlen(text) == lengths[size]);
	}
}

static void test_kinds_of_memory_have_the_names_of_reports(void **state)
{
	(void)state;
	assert_string_equal(memory_kind_name(MEMORY_PYMALLOC), "pymalloc");
	assert_string_equal(memory_kind_name(MEMORY_MALLOC), "malloc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_have_the_unit_a_person_would_choose),
		cmocka_unit_test(test_counts_are_grouped_then_abbreviated),
		cmocka_unit_test(test_durations_have_one_unit),
		cmocka_unit_test(test_printable_keeps_text_and_replaces_what_is_harmful),
		cmocka_unit_test(test_utf8_replaces_only_what_is_not_utf8),
		cmocka_unit_test(test_printable_is_cut_between_characters),
		cmocka_unit_test(test_kinds_of_memory_have_the_names_of_reports),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
