/* SPDX-License-Identifier: MIT */
#include "tracer/stop_times.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tracer/region_layout.h"

/* As the pads do it. */
static size_t class_of(uint64_t ticks)
{
	uint64_t value = ticks > 8 ? ticks : 8;
	int shift = 63 - __builtin_clzll(value) - 3;
	return (size_t)(shift * 8) + (size_t)(value >> shift);
}

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
		assert_true(class_of(ticks) < TIMES_COUNT);
		counts[class_of(ticks)] = 1;
		uint64_t told = stop_times_quantile(counts, 0.99);
		assert_true(told >= ticks && told - ticks <= ticks / 8);
	}
	assert_true(class_of(UINT64_MAX) < TIMES_COUNT);
}

static void test_quantile_counts_shares(void **state)
{
	(void)state;
	uint32_t counts[TIMES_COUNT] = { 0 };
	counts[class_of(1000)] = 989;
	counts[class_of(1000000)] = 11;
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
		cmocka_unit_test(test_quantile_counts_shares),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
