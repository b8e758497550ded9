/* SPDX-License-Identifier: MIT */
#include "pyframes/linetable.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

/* The tables below are those of this function, compiled by the interpreters named:
 *
 *   2 def f(a):
 *   3     x = [i for i in
 *   4          range(a)]
 *   5
 *   6     with open(a) as g:
 *   7         return (a +
 *   8             len(
 *   9                 x))
 */
enum { FIRST_LINE = 2 };

/* From `start` on, instructions are on `line`. */
struct run {
	int start;
	int line;
};

static void assert_runs(enum line_format format, const uint8_t *table, size_t len,
			const struct run *runs, size_t run_count, int end)
{
	for (size_t i = 0; i < run_count; i++) {
		int next = i + 1 < run_count ? runs[i + 1].start : end;
		for (int at = runs[i].start; at < next; at += 2)
			assert_int_equal(linetable_line(format, table, len, FIRST_LINE, at),
					 runs[i].line);
	}
	/* It is a table for just these bytes, and not one of another format. */
	assert_true(linetable_fits(format, table, len, (uint64_t)end));
	for (int other = LINE_LNOTAB; other <= LINE_LOCATIONS; other++)
		if (other != (int)format)
			assert_false(
				linetable_fits((enum line_format)other, table, len, (uint64_t)end));
	if (format != LINE_LNOTAB)
		assert_false(linetable_fits(format, table, len, (uint64_t)end + 2));
}

static void test_lnotab_of_3_9_gives_the_lines_of_dis(void **state)
{
	(void)state;
	static const uint8_t table[] = {
		0, 1, 6, 1, 6, 255, 6, 3, 10, 1, 2, 1, 2, 1, 2, 255, 2, 255
	};
	static const struct run runs[] = { { 0, 3 },  { 6, 4 },	 { 12, 3 }, { 18, 6 }, { 28, 7 },
					   { 30, 8 }, { 32, 9 }, { 34, 8 }, { 36, 7 } };
	assert_runs(LINE_LNOTAB, table, sizeof(table), runs, ARRAY_LEN(runs), 74);
}

static void test_linetable_of_3_10_gives_the_lines_of_co_lines(void **state)
{
	(void)state;
	static const uint8_t table[] = { 6, 1, 6, 1, 6, 255, 10, 3,   2,  1,
					 2, 1, 2, 1, 2, 255, 2,	 255, 36, 255 };
	static const struct run runs[] = { { 0, 3 },  { 6, 4 },	 { 12, 3 }, { 18, 6 }, { 28, 7 },
					   { 30, 8 }, { 32, 9 }, { 34, 8 }, { 36, 7 }, { 38, 6 } };
	assert_runs(LINE_RANGES, table, sizeof(table), runs, ARRAY_LEN(runs), 74);
}

static void test_linetable_of_3_12_gives_the_lines_of_co_lines(void **state)
{
	(void)state;
	static const uint8_t table[] = {
		128, 0,	  228, 9,   14,	 136, 113, 139, 24, 246, 3,  1,	  9,   19, 136, 113,
		138, 17,  240, 0,   1,	 9,   19,  128, 65, 240, 0,  1,	  9,   19, 244, 6,
		0,   10,  14,  136, 97,	 139, 23,  240, 0,  3,	 5,  20,  144, 65, 216, 16,
		17,  220, 12,  15,  216, 16,  17,  243, 3,  1,	 13, 19,  241, 3,  2,	17,
		19,  247, 3,   3,   5,	 20,  241, 0,	3,  5,	 20, 249, 242, 7,  1,	9,
		19,  247, 6,   3,   5,	 20,  240, 0,	3,  5,	 20, 250,
	};
	/* 120 to 123 and 148 to 153 have no line: the one before goes on. */
	static const struct run runs[] = { { 0, 2 },  { 2, 4 },	  { 22, 3 },  { 50, 6 },
					   { 74, 7 }, { 76, 8 },  { 86, 9 },  { 88, 8 },
					   { 96, 7 }, { 100, 6 }, { 124, 3 }, { 130, 6 } };
	assert_runs(LINE_LOCATIONS, table, sizeof(table), runs, ARRAY_LEN(runs), 154);
}

static void test_bytes_without_a_line_in_3_10_keep_the_line_before(void **state)
{
	(void)state;
	static const uint8_t table[] = { 4, 1, 4, 128, 4, 1 };
	static const struct run runs[] = { { 0, 3 }, { 8, 4 } };
	assert_runs(LINE_RANGES, table, sizeof(table), runs, ARRAY_LEN(runs), 12);
}

static void test_lines_may_jump_far_and_back_in_3_11(void **state)
{
	(void)state;
	/* svarint 140002 (+70001), then svarint 3 (-1). */
	static const uint8_t table[] = {
		0x80 | 13 << 3, 0x40 | 34, 0x40 | 11, 34, 0x80 | 13 << 3, 3
	};
	assert_int_equal(linetable_line(LINE_LOCATIONS, table, sizeof(table), FIRST_LINE, 0),
			 70003);
	assert_int_equal(linetable_line(LINE_LOCATIONS, table, sizeof(table), FIRST_LINE, 2),
			 70002);
}

static void test_a_frame_that_has_not_begun_is_on_the_first_line(void **state)
{
	(void)state;
	static const uint8_t table[] = { 0x80 | 13 << 3, 8 };
	for (int format = LINE_LNOTAB; format <= LINE_LOCATIONS; format++) {
		assert_int_equal(linetable_line(format, table, sizeof(table), 7, -2), 7);
		assert_int_equal(linetable_line(format, table, 0, 7, 0), 7);
	}
}

static void test_hostile_tables_give_a_positive_line(void **state)
{
	(void)state;
	srand(1);
	for (int round = 0; round < 30000; round++) {
		size_t len = (size_t)rand() % 40;
		/* Of exactly this size, so that the sanitizer sees a read behind it. */
		OWNED_FREE uint8_t *table = malloc(len ? len : 1);
		assert_non_null(table);
		for (size_t i = 0; i < len; i++)
			table[i] = (uint8_t)rand();
		int at = round % 3 == 0 ? INT_MAX : rand() % 200;
		int first = round % 2 == 0 ? INT_MAX : 1 + rand() % 1000;
		for (int format = LINE_LNOTAB; format <= LINE_LOCATIONS; format++)
			assert_true(linetable_line(format, table, len, first, at) > 0);
	}
}

static void test_a_first_line_that_is_none_gives_no_line(void **state)
{
	(void)state;
	static const uint8_t back[] = { 4, 0x80 | 1, 4, 0x80 | 1 };
	for (int format = LINE_LNOTAB; format <= LINE_LOCATIONS; format++) {
		assert_int_equal(linetable_line(format, back, 0, -7, 0), 0);
		assert_int_equal(linetable_line(format, back, sizeof(back), INT_MIN, 4), 0);
		assert_int_equal(linetable_line(format, back, sizeof(back), -7, -2), 0);
	}
}

static void test_an_endless_varint_is_cut(void **state)
{
	(void)state;
	uint8_t table[64];
	memset(table, 0x7f, sizeof(table));
	table[0] = 0x80 | 13 << 3;
	assert_int_equal(linetable_line(LINE_LOCATIONS, table, sizeof(table), 5, 0), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lnotab_of_3_9_gives_the_lines_of_dis),
		cmocka_unit_test(test_linetable_of_3_10_gives_the_lines_of_co_lines),
		cmocka_unit_test(test_linetable_of_3_12_gives_the_lines_of_co_lines),
		cmocka_unit_test(test_bytes_without_a_line_in_3_10_keep_the_line_before),
		cmocka_unit_test(test_lines_may_jump_far_and_back_in_3_11),
		cmocka_unit_test(test_a_frame_that_has_not_begun_is_on_the_first_line),
		cmocka_unit_test(test_hostile_tables_give_a_positive_line),
		cmocka_unit_test(test_a_first_line_that_is_none_gives_no_line),
		cmocka_unit_test(test_an_endless_varint_is_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
