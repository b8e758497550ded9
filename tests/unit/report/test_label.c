/* SPDX-License-Identifier: MIT */
#include "report/label.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

static void test_a_label_loses_directories_first_and_the_file_name_last(void **state)
{
	(void)state;
	static const struct frame render = { "render", "/srv/web/app/shop/views.py", 88 };
	static const struct frame native = { "[native thread jemalloc]", "", 0 };
	static const struct frame lone = { "<module>", "app.py", 1 };
	static const struct frame foreign = { "f\x1b[2J", "/a/\xff.py", 2 };
	static const struct {
		const struct frame *frame;
		size_t width;
		const char *text;
	} cases[] = {
		{ &render, 80, "/srv/web/app/shop/views.py:88 render" },
		{ &render, 36, "/srv/web/app/shop/views.py:88 render" },
		{ &render, 35, "/srv/\u2026/app/shop/views.py:88 render" },
		{ &render, 31, "/srv/\u2026/shop/views.py:88 render" },
		{ &render, 25, "/srv/\u2026/views.py:88 render" },
		{ &render, 24, "\u2026/views.py:88 render" },
		{ &render, 18, "\u2026/views.py:88 ren\u2026" },
		{ &render, 3, "\u2026/\u2026" },
		{ &render, 1, "\u2026" },
		{ &native, 80, "[native thread jemalloc]" },
		{ &lone, 80, "app.py:1 <module>" },
		{ &lone, 9, "app.py:1\u2026" },
		{ &foreign, 80, "/a/\ufffd.py:2 f\ufffd[2J" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[256];
		assert_string_equal(label_frame(cases[i].frame, cases[i].width, text, sizeof(text)),
				    cases[i].text);
	}
}

static void test_a_label_of_endless_names_still_fits(void **state)
{
	(void)state;
	OWNED_FREE char *name = malloc(100001);
	assert_non_null(name);
	for (size_t i = 0; i < 100000; i++)
		name[i] = i % 50 ? (char)('a' + i % 26) : '/';
	name[100000] = '\0';
	const struct frame frame = { name, name, 2000000000 };
	char text[401];
	label_frame(&frame, 100, text, sizeof(text));
	size_t width = 0;
	for (const char *at = text; *at; at++)
		width += ((unsigned char)*at & 0xc0) != 0x80;
	assert_true(width <= 100 && width > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_label_loses_directories_first_and_the_file_name_last),
		cmocka_unit_test(test_a_label_of_endless_names_still_fits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
