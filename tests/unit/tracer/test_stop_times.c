/* SPDX-License-Identifier: MIT */
#include "tracer/stop_times.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tracer/region_layout.h"

static void test_no_stop_took_no_time(void **state)
{
	(void)state;
	uint32_t counts[TIMES_COUNT] = { 0 };
	assert_int_equal(stop_times_quantile(counts, 0.99), 0);
}

static void test_quantile_is_at_most_an_eighth_too_high(void **state)
{
	(void)state;
	for (uint64_t ticks = 8; ticks < UINT64_C(1) << 62; ticks += ticks / 3) {
		uint32_t counts[TIMES_COUNT] = { 0 };
		stop_times_count(counts, ticks);
		uint64_t told = stop_times_quantile(counts, 0.99);
		assert_true(told >= ticks && told - ticks <= ticks / 8);
	}
}

static void test_no_time_is_beyond_the_classes(void **state)
{
	static const uint64_t ends[] = { 0, UINT64_MAX };
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		uint32_t counts[TIMES_COUNT + 1] = { 0 };
		stop_times_count(counts, ends[i]);
		assert_int_equal(counts[TIMES_COUNT], 0);
		assert_true(stop_times_quantile(counts, 1) >= ends[i]);
	}
}

static void test_quantile_counts_shares(void **state)
{
	(void)state;
	uint32_t counts[TIMES_COUNT] = { 0 };
	for (int i = 0; i < 1000; i++)
		stop_times_count(counts, i < 989 ? 1000 : 1000000);
	assert_true(stop_times_quantile(counts, 0.5) < 1200);
	assert_true(stop_times_quantile(counts, 0.98) < 1200);
	assert_true(stop_times_quantile(counts, 0.99) >= 1000000);
	assert_true(stop_times_quantile(counts, 1) >= 1000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_stop_took_no_time),
		cmocka_unit_test(test_quantile_is_at_most_an_eighth_too_high),
		cmocka_unit_test(test_no_time_is_beyond_the_classes),
		cmocka_unit_test(test_quantile_counts_shares),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
