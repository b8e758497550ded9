/* SPDX-License-Identifier: MIT */
#include "pyframes/intern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_equal_texts_are_one(void **state)
{
	(void)state;
	struct interner interner = { 0 };
	struct error err;
	const char *one, *other, *equal;
	char text[] = "text";
	assert_true(interner_text(&interner, text, &one, &err));
	assert_true(interner_text(&interner, "other", &other, &err));
	assert_true(interner_text(&interner, "text", &equal, &err));
	assert_ptr_equal(one, equal);
	assert_ptr_not_equal(one, other);
	assert_ptr_not_equal(one, text);
	interner_deinit(&interner);
}

static void test_names_without_end_are_refused_and_known_ones_found(void **state)
{
	(void)state;
	enum { LENGTH = 65536, TEXTS = 2 * INTERNER_BYTES_MAX / LENGTH };
	static char text[LENGTH + 1];
	struct interner interner = { 0 };
	struct error err;
	const char *first, *found;
	const struct frame *frame, *same;
	assert_true(interner_text(&interner, "first", &first, &err));
	assert_true(interner_frame(&interner, "first", "file.py", 7, &frame, &err));

	size_t kept = 0;
	memset(text, 'x', LENGTH);
	for (int i = 0; i < TEXTS; i++) {
		snprintf(text, sizeof(text), "%d", i);
		text[strlen(text)] = 'x';
		kept += interner_text(&interner, text, &found, &err);
	}
	assert_in_range(kept, TEXTS / 3, TEXTS / 2);
	assert_int_equal(err.kind, ERROR_NO_MEMORY);
	assert_true(interner_text(&interner, "first", &found, &err));
	assert_ptr_equal(found, first);
	assert_true(interner_frame(&interner, "first", "file.py", 7, &same, &err));
	assert_ptr_equal(same, frame);
	interner_deinit(&interner);
}

/* The texts stay: the file and the function of a line are worth more than its number. */
static void test_lines_without_end_become_their_functions(void **state)
{
	(void)state;
	struct interner interner = { 0 };
	struct error err;
	const struct frame *frame = NULL, *first, *known;
	assert_true(interner_frame(&interner, "f", "file.py", 1, &first, &err));
	int line = 1;
	while (!interner.is_full && line < 1000000)
		assert_true(interner_frame(&interner, "f", "file.py", ++line, &frame, &err));
	assert_in_range(line, 50000, 200000);
	assert_int_equal(frame->line, 0);
	assert_string_equal(frame->function, "f");

	assert_true(interner_frame(&interner, "f", "file.py", line + 1, &known, &err));
	assert_ptr_equal(known, frame);
	assert_true(interner_frame(&interner, "f", "file.py", 1, &known, &err));
	assert_ptr_equal(known, first);
	assert_true(interner_frame(&interner, "new", "new.py", 7, &known, &err));
	assert_string_equal(known->function, "new");
	assert_int_equal(known->line, 0);
	assert_true(interner.bytes < INTERNER_BYTES_MAX / 5 * 4);
	interner_deinit(&interner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_texts_are_one),
		cmocka_unit_test(test_names_without_end_are_refused_and_known_ones_found),
		cmocka_unit_test(test_lines_without_end_become_their_functions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
