/* SPDX-License-Identifier: MIT */
#include "tracer/stop_times.h"

#include <math.h>
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

static void test_every_stop_is_in_the_class_of_its_time(void **state)
{
	(void)state;
	const double seconds_per_tick = 1e-9;
	for (size_t class = 0; class < STOP_CLASSES; class ++) {
		uint32_t counts[TIMES_COUNT] = { 0 };
		uint64_t classes[STOP_CLASSES];
		/* A fifth more, as an eighth may be lost. */
		double ticks = stop_class_seconds[class] * 1.2 / seconds_per_tick;
		stop_times_count(counts, (uint64_t)ticks);
		stop_times_classify(counts, seconds_per_tick, classes);
		for (size_t i = 0; i < STOP_CLASSES; i++)
			assert_int_equal(classes[i], i == class);
	}
}

static void test_no_stop_is_lost_whatever_a_tick_is(void **state)
{
	(void)state;
	static const double ticks[] = { 0, 1e-12, 1e-9, 1, INFINITY };
	uint32_t counts[TIMES_COUNT];
	for (size_t i = 0; i < TIMES_COUNT; i++)
		counts[i] = UINT32_MAX;
	for (size_t i = 0; i < sizeof(ticks) / sizeof(ticks[0]); i++) {
		uint64_t classes[STOP_CLASSES];
		uint64_t sum = 0;
		stop_times_classify(counts, ticks[i], classes);
		for (size_t class = 0; class < STOP_CLASSES; class ++)
			sum += classes[class];
		assert_int_equal(sum, (uint64_t)TIMES_COUNT * UINT32_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_stop_took_no_time),
		cmocka_unit_test(test_quantile_is_at_most_an_eighth_too_high),
		cmocka_unit_test(test_no_time_is_beyond_the_classes),
		cmocka_unit_test(test_quantile_counts_shares),
		cmocka_unit_test(test_every_stop_is_in_the_class_of_its_time),
		cmocka_unit_test(test_no_stop_is_lost_whatever_a_tick_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
