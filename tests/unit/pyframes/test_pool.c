/* SPDX-License-Identifier: MIT */
#include "pyframes/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/cleanup.h"

enum { POOL_BYTES = 16384, POOL = 0x7f0000, OVERHEAD = 48 };

/* A pool of 48-byte blocks (index 2), of which 10 have been handed out at some time. */
static const struct pool_header good = {
	.count = 7,
	.free_block = POOL + OVERHEAD + 3 * 48,
	.arena_index = 5,
	.size_index = 2,
	.next_offset = OVERHEAD + 10 * 48,
	.max_next_offset = POOL_BYTES - 48,
};

static bool has(const struct pool_header *header, uint32_t offset)
{
	return pool_has_block(header, POOL_BYTES, POOL + offset);
}

static void test_blocks_of_a_pool_are_recognised(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 10; i++)
		assert_true(has(&good, OVERHEAD + i * 48));
}

static void test_addresses_between_and_behind_blocks_are_not(void **state)
{
	(void)state;
	assert_false(has(&good, 0));
	assert_false(has(&good, OVERHEAD - 16));
	assert_false(has(&good, OVERHEAD + 16));
	assert_false(has(&good, OVERHEAD + 10 * 48));
	assert_false(has(&good, POOL_BYTES - 16));
}

static void test_a_full_pool_has_its_last_block(void **state)
{
	(void)state;
	/* (16384 - 48) / 512 = 31 blocks; next_offset has passed max_next_offset. */
	struct pool_header full = { .count = 31,
				    .size_index = 31,
				    .next_offset = OVERHEAD + 31 * 512,
				    .max_next_offset = POOL_BYTES - 512 };
	assert_true(has(&full, OVERHEAD + 30 * 512));
	full.count = 32;
	assert_false(has(&full, OVERHEAD));
}

static void test_every_broken_field_disproves_a_pool(void **state)
{
	(void)state;
	struct pool_header broken[8];
	for (size_t i = 0; i < ARRAY_LEN(broken); i++)
		broken[i] = good;
	broken[0].size_index = 32;
	broken[1].arena_index = 0x40000000;
	broken[2].max_next_offset--;
	broken[3].next_offset += 16;
	broken[4].count = 11;
	broken[5].count = 0;
	broken[6].free_block += POOL_BYTES;
	broken[7].next_offset = 16;
	for (size_t i = 0; i < ARRAY_LEN(broken); i++)
		assert_false(has(&broken[i], OVERHEAD));
}

static void test_a_pool_of_4_kib_is_none_of_16_kib(void **state)
{
	(void)state;
	struct pool_header small = good;
	small.max_next_offset = 4096 - 48;
	assert_true(pool_has_block(&small, 4096, POOL + OVERHEAD));
	assert_false(pool_has_block(&small, POOL_BYTES, POOL + OVERHEAD));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks_of_a_pool_are_recognised),
		cmocka_unit_test(test_addresses_between_and_behind_blocks_are_not),
		cmocka_unit_test(test_a_full_pool_has_its_last_block),
		cmocka_unit_test(test_every_broken_field_disproves_a_pool),
		cmocka_unit_test(test_a_pool_of_4_kib_is_none_of_16_kib),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
