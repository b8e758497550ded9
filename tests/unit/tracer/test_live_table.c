/* SPDX-License-Identifier: MIT */
#include "tracer/live_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

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
	assert_int_equal(in.filter, 1);
	assert_in_range(in.slot_offset, TABLE_OFFSET, TABLE_OFFSET + TABLE_BYTES - 8);
	assert_in_range(in.filter_offset, FILTER_OFFSET, FILTER_OFFSET + FILTER_BYTES - 1);

	assert_true(live_table_remove(*state, 0x7f0012345670, &out));
	assert_int_equal(out.slot_offset, in.slot_offset);
	assert_int_equal(out.filter_offset, in.filter_offset);
	assert_int_equal(out.slot, 0);
	assert_int_equal(out.filter, 0);
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

/* Addresses 2^36 apart have the same hash: the ninth finds no slot, and does no harm. */
static void test_full_bucket_refuses(void **state)
{
	struct live_change change;
	for (raddr i = 0; i < BUCKET_SLOTS; i++)
		assert_true(live_table_insert(*state, 0x5550 + (i << 36), &change));
	assert_int_equal(change.filter, BUCKET_SLOTS);
	assert_false(live_table_insert(*state, 0x5550 + (UINT64_C(8) << 36), &change));
	assert_true(live_table_remove(*state, 0x5550, &change));
	assert_int_equal(change.filter, BUCKET_SLOTS - 1);
	assert_true(live_table_insert(*state, 0x5550 + (UINT64_C(8) << 36), &change));
}

/* At the size at which it is thinned, hardly any block may find its bucket full. */
static void test_buckets_overflow_rarely_when_full(void **state)
{
	unsigned refused = 0;
	srand(7);
	for (int i = 0; i < LIVE_BLOCKS_MAX; i++) {
		struct live_change change;
		raddr block = 0x7f0000000000 + (((raddr)rand() << 15 ^ (raddr)rand()) << 4);
		refused += !live_table_insert(*state, block, &change);
	}
	assert_true(refused < LIVE_BLOCKS_MAX / 1000);
}

static void test_empty_after_all_is_removed(void **state)
{
	struct live_table *table = *state;
	enum { N = 10000 };
	struct live_change change;
	for (raddr i = 1; i <= N; i++)
		assert_true(live_table_insert(table, i * 48, &change));
	for (raddr i = N; i >= 1; i--)
		assert_true(live_table_remove(table, i * 48, &change));
	assert_int_equal(table->block_count, 0);
	for (size_t i = 0; i < LIVE_SLOT_COUNT; i++)
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
		cmocka_unit_test_setup_teardown(test_full_bucket_refuses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_buckets_overflow_rarely_when_full, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_empty_after_all_is_removed, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
