/* SPDX-License-Identifier: MIT */
#include "profile/numbering.h"

#include "tests/unit/profile/population.h"

enum { KEYS = 500, ROUNDS = 200000 };

static void numbering_matches(const struct numbering *numbering, const bool *is_there)
{
	size_t expected = 0;
	for (uint64_t key = 0; key < KEYS; key++) {
		uint32_t number;
		/* Keys that differ in their high bits only, as those of call trees do. */
		bool found = numbering_find(numbering, key << 40, &number);
		assert_int_equal(found, is_there[key]);
		expected += found;
		assert_true(!found || numbering->keys[number] == key << 40);
	}
	assert_int_equal(numbering->len, expected);
}

static void test_numbering_agrees_with_a_plain_set_through_random_changes(void **state)
{
	(void)state;
	OWNED(numbering_deinit) struct numbering numbering = { 0 };
	bool is_there[KEYS] = { false };
	uint64_t seed = 1;
	struct error err;
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t key = random_bits(&seed) % KEYS;
		uint32_t number;
		if (is_there[key] && random_bits(&seed) % 2) {
			assert_true(numbering_find(&numbering, key << 40, &number));
			numbering_remove(&numbering, number);
			is_there[key] = false;
		} else {
			assert_true(numbering_add(&numbering, key << 40, &number, &err));
			is_there[key] = true;
		}
		if (round % 1000 == 0)
			numbering_matches(&numbering, is_there);
	}
	numbering_matches(&numbering, is_there);
}

static void test_numbers_count_up_and_the_last_one_fills_a_gap(void **state)
{
	(void)state;
	OWNED(numbering_deinit) struct numbering numbering = { 0 };
	struct error err;
	uint32_t number;
	for (uint32_t i = 0; i < 5; i++) {
		assert_true(numbering_add(&numbering, 100 + i, &number, &err));
		assert_int_equal(number, i);
	}
	assert_true(numbering_add(&numbering, 102, &number, &err));
	assert_int_equal(number, 2);

	numbering_remove(&numbering, 1);
	assert_true(numbering_find(&numbering, 104, &number));
	assert_int_equal(number, 1);
	assert_false(numbering_find(&numbering, 101, &number));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbering_agrees_with_a_plain_set_through_random_changes),
		cmocka_unit_test(test_numbers_count_up_and_the_last_one_fills_a_gap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
