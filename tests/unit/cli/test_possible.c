/* SPDX-License-Identifier: MIT */
#include "cli/possible.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_equals(double value, double expected)
{
	assert_float_equal(value, expected, 1e-9);
}

static void test_possible_figures_stay(void **state)
{
	(void)state;
	struct tracer_stats stats = {
		.stopped_seconds = 19,
		.median_stop_seconds = 0.001,
		.p99_stop_seconds = 0.1,
		.longest_stop_seconds = 10,
	};
	possible_stats(&stats, 10, 2);
	assert_equals(stats.stopped_seconds, 19);
	assert_equals(stats.median_stop_seconds, 0.001);
	assert_equals(stats.p99_stop_seconds, 0.1);
	assert_equals(stats.longest_stop_seconds, 10);
}

static void test_figures_that_cannot_be_are_bounded(void **state)
{
	(void)state;
	struct tracer_stats stats = {
		.stops = 7,
		.stopped_seconds = 1e10,
		.median_stop_seconds = 11,
		.p99_stop_seconds = 1e9,
		.longest_stop_seconds = INFINITY,
		.attach_stopped_seconds = 12,
	};
	possible_stats(&stats, 10, 3);
	assert_equals(stats.stopped_seconds, 30);
	assert_equals(stats.median_stop_seconds, 10);
	assert_equals(stats.p99_stop_seconds, 10);
	assert_equals(stats.longest_stop_seconds, 10);
	assert_int_equal(stats.stops, 7);
	assert_equals(stats.attach_stopped_seconds, 12); /* filtrace's own */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_possible_figures_stay),
		cmocka_unit_test(test_figures_that_cannot_be_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
