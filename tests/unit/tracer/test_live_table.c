/* SPDX-License-Identifier: MIT */
#include "tracer/live_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int set_up(void **state)
{
	static struct live_table table;
	struct error err;
	*state = &table;
	return live_table_init(&table, &err) ? 0 : -1;
}

static int tear_down(void **state)
{
	live_table_deinit(*state);
	return 0;
}

static void test_insert_says_where_and_what(void **state)
{
	struct live_change in, out;
	assert_true(live_table_insert(*state, 0x7f0012345670, &in));
	assert_int_equal(in.slot, 0x7f0012345670);
	assert_true(in.filter_changes);
	assert_in_range(in.slot_offset, TABLE_OFFSET, TABLE_OFFSET + TABLE_BYTES - 8);
	assert_in_range(in.filter_offset, FILTER_OFFSET, FILTER_OFFSET + FILTER_BYTES - 1);

	assert_true(live_table_remove(*state, 0x7f0012345670, &out));
	assert_int_equal(out.slot_offset, in.slot_offset);
	assert_int_equal(out.filter_offset, in.filter_offset);
	assert_int_equal(out.slot, 0);
	assert_true(out.filter_changes);
}

static void test_inserting_twice_is_once(void **state)
{
	struct live_table *table = *state;
	struct live_change one, two;
	assert_true(live_table_insert(table, 0x1000, &one));
	assert_true(live_table_insert(table, 0x1000, &two));
	assert_int_equal(one.slot_offset, two.slot_offset);
	assert_int_equal(table->block_count, 1);
	assert_true(live_table_remove(table, 0x1000, &one));
	assert_false(live_table_remove(table, 0x1000, &one));
}

static void test_unknown_and_null_are_not_there(void **state)
{
	struct live_change change;
	assert_false(live_table_remove(*state, 0x2000, &change));
	assert_false(live_table_remove(*state, 0, &change));
}

/* The factor is odd, so that it has an inverse. */
static uint64_t inverse_of_factor(void)
{
	uint64_t inverse = BUCKET_FACTOR;
	for (int i = 0; i < 6; i++) /* each round doubles the bits that are right */
		inverse *= 2 - inverse * BUCKET_FACTOR;
	return inverse;
}

/* The hash backwards. False if no block has it: blocks are numbers of 60 bits. */
static bool block_of_hash(uint64_t hash, raddr *ret)
{
	uint64_t product = hash * inverse_of_factor();
	uint64_t number = (product ^ product >> BUCKET_FOLD) * inverse_of_factor();
	*ret = number << 4;
	return number >> 60 == 0;
}

/* Blocks that share both of their buckets: the seventeenth finds no slot, and does no harm. */
static void test_full_buckets_refuse(void **state)
{
	enum { PLACES = 2 * BUCKET_SLOTS };
	struct live_table *table = *state;
	raddr blocks[PLACES + 1];
	size_t found = 0;
	for (uint64_t low = 0; found < ARRAY_LEN(blocks); low++)
		found += block_of_hash(UINT64_C(0x0001000200000000) | low, &blocks[found]);
	struct live_change change;
	for (size_t i = 0; i < PLACES; i++)
		assert_true(live_table_insert(table, blocks[i], &change));
	assert_false(live_table_insert(table, blocks[PLACES], &change));
	assert_int_equal(table->block_count, PLACES);
	assert_true(live_table_remove(table, blocks[0], &change));
	assert_true(live_table_insert(table, blocks[PLACES], &change));
}

static raddr random_block(void)
{
	return 0x7f0000000000 + (((raddr)rand() << 15 ^ (raddr)rand()) << 4);
}

static void insert_growing(struct live_table *table, raddr block)
{
	struct live_change change;
	assert_true(live_table_insert(table, block, &change));
	while (live_table_is_crowded(table))
		live_table_grow(table);
}

static void test_no_block_is_refused_until_it_is_time_to_thin(void **state)
{
	struct live_table *table = *state;
	srand(7);
	while (table->block_count < LIVE_BLOCKS_MAX)
		insert_growing(table, random_block());
	assert_int_equal(table->slot_count, LIVE_SLOTS_MAX);
	assert_int_equal(table->filter_count, FILTER_BYTES);
}

/* As allocators hand them out: side by side. */
static void test_rows_of_blocks_spread_over_all_buckets(void **state)
{
	static const raddr strides[] = { 16, 48, 64, 112, 512, 4096, 1 << 20 };
	struct live_table *table = *state;
	for (size_t i = 0; i < ARRAY_LEN(strides); i++)
		for (size_t n = 0; n < LIVE_BLOCKS_MAX / ARRAY_LEN(strides); n++)
			insert_growing(table, ((raddr)i + 1) * 0x100000000000 + n * strides[i]);
}

/* What growing promises the gates: what was in the lower half has stayed in its place, or moved to
 * the same place of the upper half. */
static void test_growing_moves_blocks_by_the_old_size_or_not_at_all(void **state)
{
	struct live_table *table = *state;
	srand(7);
	while (table->block_count < LIVE_SLOTS_MIN / 2) {
		struct live_change change;
		assert_true(live_table_insert(table, random_block(), &change));
	}
	static raddr before[LIVE_SLOTS_MIN];
	memcpy(before, table->slots, sizeof(before));

	assert_true(live_table_is_crowded(table));
	live_table_grow(table);
	assert_int_equal(table->slot_count, 2 * LIVE_SLOTS_MIN);
	size_t stayed = 0;
	for (size_t i = 0; i < LIVE_SLOTS_MIN; i++) {
		raddr upper = table->slots[LIVE_SLOTS_MIN + i];
		assert_true(table->slots[i] == 0 || upper == 0);
		assert_int_equal(table->slots[i] | upper, before[i]);
		stayed += table->slots[i] != 0;
	}
	assert_in_range(stayed, LIVE_SLOTS_MIN / 5, LIVE_SLOTS_MIN / 3);
}

static void test_all_blocks_are_found_after_growing(void **state)
{
	enum { N = 100000 };
	static raddr blocks[N];
	struct live_table *table = *state;
	struct live_change change;
	srand(7);
	for (size_t i = 0; i < N; i++) {
		blocks[i] = 0x550000000000 + i * 4096 * 16 + 16 * (raddr)(rand() % 256);
		insert_growing(table, blocks[i]);
	}
	for (size_t i = 0; i < N; i++)
		assert_true(live_table_remove(table, blocks[i], &change));
	assert_int_equal(table->block_count, 0);
}

/* Large blocks lie page by page: many share a byte of the filter, which stays set until the last
 * one is gone. */
static void test_filter_counts_blocks_that_end_alike(void **state)
{
	enum { N = 400 };
	struct live_change change;
	for (raddr i = 0; i < N; i++) {
		assert_true(
			live_table_insert(*state, 0x7f0000000010 + i * FILTER_BYTES * 16, &change));
		assert_int_equal(change.filter_changes, i == 0);
	}
	for (raddr i = 0; i < N; i++) {
		assert_true(
			live_table_remove(*state, 0x7f0000000010 + i * FILTER_BYTES * 16, &change));
		assert_int_equal(change.filter_changes, i == N - 1);
	}
}

static void test_empty_after_all_is_removed(void **state)
{
	struct live_table *table = *state;
	enum { N = 10000 };
	struct live_change change;
	for (raddr i = 1; i <= N; i++)
		insert_growing(table, i * 48);
	for (raddr i = N; i >= 1; i--)
		assert_true(live_table_remove(table, i * 48, &change));
	assert_int_equal(table->block_count, 0);
	for (size_t i = 0; i < LIVE_SLOTS_MAX; i++)
		assert_int_equal(table->slots[i], 0);
	for (size_t i = 0; i < FILTER_BYTES; i++)
		assert_int_equal(table->filter_uses[i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_insert_says_where_and_what, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_inserting_twice_is_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unknown_and_null_are_not_there, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_full_buckets_refuse, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_block_is_refused_until_it_is_time_to_thin,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_rows_of_blocks_spread_over_all_buckets, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			test_growing_moves_blocks_by_the_old_size_or_not_at_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_all_blocks_are_found_after_growing, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_filter_counts_blocks_that_end_alike, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_empty_after_all_is_removed, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
