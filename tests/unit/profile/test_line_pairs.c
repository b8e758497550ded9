/* SPDX-License-Identifier: MIT */
#include "profile/line_pairs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"

#define NONE SIZE_MAX

static void test_lines_are_paired_as_if_little_was_edited(void **state)
{
	(void)state;
	static const struct {
		int olds[4], news[4];
		size_t old_count, new_count;
		size_t expected[4];
	} cases[] = {
		{ { 10 }, { 17 }, 1, 1, { 0 } },
		{ { 10, 14 }, { 15, 19 }, 2, 2, { 0, 1 } },
		{ { 10, 14 }, { 15, 17, 19 }, 2, 3, { 0, NONE, 1 } }, /* one came between */
		{ { 10, 14 }, { 11, 15, 19 }, 2, 3, { 0, 1, NONE } },
		{ { 10, 14 }, { 12, 20, 24 }, 2, 3, { 0, 1, NONE } },
		{ { 10, 14 }, { 5, 20, 24 }, 2, 3, { NONE, 0, 1 } }, /* both moved alike */
		{ { 10, 14, 18 }, { 13, 21 }, 3, 2, { 0, 2 } },
		{ { 10 }, { 50, 55 }, 1, 2, { 0, NONE } },
		{ { 52 }, { 50, 55 }, 1, 2, { 0, NONE } },
		{ { 54 }, { 50, 55 }, 1, 2, { NONE, 0 } },
		{ { 10, 10 }, { 10, 10 }, 2, 2, { 0, 1 } },
		{ { 0 }, { 1, 2 }, 0, 2, { NONE, NONE } },
		{ { 0 }, { 2147483647 }, 1, 1, { 0 } },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t found[4] = { 99, 99, 99, 99 };
		line_pairs(cases[i].olds, cases[i].old_count, cases[i].news, cases[i].new_count,
			   found);
		for (size_t j = 0; j < cases[i].new_count; j++) {
			if (found[j] != cases[i].expected[j])
				fail_msg("case %zu: new line %d is old number %zu", i,
					 cases[i].news[j], found[j]);
		}
	}
	line_pairs(cases[0].olds, 1, NULL, 0, NULL);
}

/* Every order-preserving pairing of few lines, tried out. */
static int64_t cheapest(const int *few, size_t few_count, const int *many, size_t many_count,
			int64_t before)
{
	if (few_count == 0)
		return 0;
	int64_t best = INT64_MAX;
	for (size_t j = 0; j + few_count <= many_count; j++) {
		int64_t shift = many[j] - few[0], step = shift - before;
		int64_t cost =
			(step < 0 ? -step : step) +
			cheapest(few + 1, few_count - 1, many + j + 1, many_count - j - 1, shift);
		best = cost < best ? cost : best;
	}
	return best;
}

static void test_no_other_pairing_needs_fewer_edits(void **state)
{
	(void)state;
	uint32_t seed = 7;
	for (int round = 0; round < 300; round++) {
		int olds[5], news[9], line = 0;
		for (size_t i = 0; i < ARRAY_LEN(olds); i++)
			olds[i] = line += 1 + (int)((seed = seed * 1664525 + 1013904223) >> 28);
		line = 0;
		for (size_t i = 0; i < ARRAY_LEN(news); i++)
			news[i] = line += 1 + (int)((seed = seed * 1664525 + 1013904223) >> 29);
		size_t found[9];
		line_pairs(olds, ARRAY_LEN(olds), news, ARRAY_LEN(news), found);

		int64_t cost = 0, before = 0;
		size_t next = 0;
		for (size_t j = 0; j < ARRAY_LEN(news); j++) {
			if (found[j] == NONE)
				continue;
			assert_int_equal(found[j], next);
			int64_t shift = news[j] - olds[next++];
			cost += shift > before ? shift - before : before - shift;
			before = shift;
		}
		assert_int_equal(next, ARRAY_LEN(olds));
		assert_int_equal(cost, cheapest(olds, ARRAY_LEN(olds), news, ARRAY_LEN(news), 0));
	}
}

static void test_very_many_lines_are_paired_in_order(void **state)
{
	(void)state;
	int lines[LINE_PAIRS_MAX + 1];
	size_t found[LINE_PAIRS_MAX + 1];
	for (int i = 0; i <= LINE_PAIRS_MAX; i++)
		lines[i] = 3 * i;
	line_pairs(lines, LINE_PAIRS_MAX, lines + 1, LINE_PAIRS_MAX, found);
	assert_int_equal(found[LINE_PAIRS_MAX - 1], LINE_PAIRS_MAX - 1);
	line_pairs(lines, 2, lines, LINE_PAIRS_MAX + 1, found);
	assert_int_equal(found[0], 0);
	assert_int_equal(found[1], 1);
	assert_true(found[2] == NONE && found[LINE_PAIRS_MAX] == NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_are_paired_as_if_little_was_edited),
		cmocka_unit_test(test_no_other_pairing_needs_fewer_edits),
		cmocka_unit_test(test_very_many_lines_are_paired_in_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
