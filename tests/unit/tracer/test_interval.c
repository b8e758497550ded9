/* SPDX-License-Identifier: MIT */
#include "tracer/interval.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tracer/region_layout.h"

static uint64_t distance_of(uint64_t draw)
{
	return draw & ((UINT64_C(1) << DRAW_ID_SHIFT) - 1);
}

static struct interval adaptive(void)
{
	struct interval interval;
	interval_init(&interval, 0, 0.01, 500, 42);
	return interval;
}

static void test_one_byte_draws_are_zero(void **state)
{
	(void)state;
	struct interval interval;
	interval_init(&interval, 1, 0.01, 500, 42);
	for (int i = 0; i < 1000; i++) {
		uint64_t draw = interval_draw(&interval);
		assert_int_equal(distance_of(draw), 0);
		assert_int_equal(interval_bytes(&interval, draw >> DRAW_ID_SHIFT), 1);
	}
}

/* n draws of mean T: the mean of the sample has a standard error of T/sqrt(n), that of the square
 * is sqrt(20/n) T^2. Six of them are missed once in 5e8 runs; the seed is fixed besides. */
static void test_draws_are_exponential(void **state)
{
	(void)state;
	enum { N = 1000000 };
	const double mean = 65536;
	struct interval interval;
	interval_init(&interval, (uint64_t)mean, 0.01, 500, 42);

	double sum = 0, square_sum = 0;
	for (int i = 0; i < N; i++) {
		double distance = (double)distance_of(interval_draw(&interval)) + 0.5;
		sum += distance;
		square_sum += distance * distance;
	}
	assert_true(fabs(sum / N - mean) < 6 * mean / sqrt(N));
	assert_true(fabs(square_sum / N - 2 * mean * mean) < 6 * mean * mean * sqrt(20.0 / N));
}

static void test_ids_mean_the_same_for_ever(void **state)
{
	(void)state;
	struct interval interval = adaptive();
	assert_int_equal(interval_bytes(&interval, INTERVAL_ID_MIN), 1);
	assert_int_equal(interval_bytes(&interval, INTERVAL_ID_MIN + 4 * 16), 65536);
	assert_int_equal(interval_bytes(&interval, INTERVAL_ID_MAX), UINT64_C(1) << 40);
	assert_int_equal(interval_bytes(&interval, 0), 0);
	assert_int_equal(interval_bytes(&interval, INTERVAL_ID_MAX + 1), 0);
	assert_int_equal(interval_bytes(&interval, UINT64_MAX), 0);
}

/* What a quiet program has yet to allocate before a T that fell long ago serves. */
static void test_legs_are_a_small_part_of_the_interval(void **state)
{
	(void)state;
	struct interval interval = adaptive();
	for (unsigned id = INTERVAL_ID_MIN; id <= INTERVAL_ID_MAX; id++) {
		interval.id = (uint8_t)id;
		uint64_t leg_bytes = interval_leg_bytes(&interval);
		assert_true(leg_bytes >= 16);
		assert_true(leg_bytes == 16 || leg_bytes <= interval_bytes(&interval, id) / 16);
	}
}

static void test_load_raises_and_quiet_lowers(void **state)
{
	(void)state;
	struct interval interval = adaptive();
	uint64_t start = interval_bytes(&interval, interval.id);

	assert_true(interval_adapt(&interval,
				   &(struct interval_cost){ .seconds = 0.1, .stops = 5000 }));
	uint64_t raised = interval_bytes(&interval, interval.id);
	assert_true(raised >= 100 * start); /* 50,000 stops a second where 500 are allowed */

	for (int i = 0; i < 1000; i++) /* it forgets the load by and by */
		interval_adapt(&interval, &(struct interval_cost){ .seconds = 0.1 });
	assert_int_equal(interval_bytes(&interval, interval.id), 1);
}

/* Stops that are ten times dearer must become ten times rarer, within the seconds it remembers. */
static void test_dear_stops_become_rare(void **state)
{
	(void)state;
	const double bytes_per_second = 1e8, seconds_per_stop = 300e-6;
	struct interval interval = adaptive();
	double rate = 0;
	for (int i = 0; i < 200; i++) {
		rate = bytes_per_second / (double)interval_bytes(&interval, interval.id);
		interval_adapt(&interval, &(struct interval_cost){
						  .seconds = 0.1,
						  .stops = rate * 0.1,
						  .stopped_seconds = rate * 0.1 * seconds_per_stop,
					  });
	}
	assert_true(rate * seconds_per_stop <= 0.01);
	assert_true(rate * seconds_per_stop >= 0.005);
}

/* One stop that lasts a hundred times longer than usual is the scheduler's doing. */
static void test_one_slow_stop_changes_little(void **state)
{
	(void)state;
	struct interval interval = adaptive();
	struct interval_cost usual = { .seconds = 0.1, .stops = 20, .stopped_seconds = 20 * 20e-6 };
	for (int i = 0; i < 100; i++) {
		usual.stops = 2e6 / (double)interval_bytes(&interval, interval.id);
		usual.stopped_seconds = usual.stops * 20e-6;
		interval_adapt(&interval, &usual);
	}
	double before = (double)interval_bytes(&interval, interval.id);
	usual.stopped_seconds += 2e-3;
	interval_adapt(&interval, &usual);
	assert_true((double)interval_bytes(&interval, interval.id) <= 1.7 * before);
}

/* The first stops come too fast, for nobody knows the load yet, and last long, for nothing is in
 * any cache. Soon the whole is within the budget all the same, and then the budget is made use of.
 */
static void test_what_the_beginning_overspends_is_saved_again(void **state)
{
	(void)state;
	const double bytes_per_second = 2e9;
	struct interval interval = adaptive();
	double now = 0, stopped = 0, stopped_before = 0, stops = 0;
	while (now < 6) {
		double rate = bytes_per_second / (double)interval_bytes(&interval, interval.id);
		struct interval_cost cost = { .seconds = fmin(0.1, 32 / rate) };
		cost.stops = rate * cost.seconds;
		cost.stopped_seconds = cost.stops * (stops < 150 ? 300e-6 : 80e-6);
		interval_adapt(&interval, &cost);
		now += cost.seconds;
		stops += cost.stops;
		stopped += cost.stopped_seconds;
		if (now < 3)
			stopped_before = stopped;
	}
	assert_true(stopped_before <= 0.011 * 3);
	assert_true(stopped - stopped_before >= 0.005 * 3);
	assert_true(stopped - stopped_before <= 0.01 * 3);
}

/* Stops are inversely proportional to T: wherever it starts, it must come to rest below the cap. */
static void test_settles_below_the_cap(void **state)
{
	(void)state;
	const double bytes_per_second = 1e9;
	struct interval interval = adaptive();
	double rate = 0;
	for (int i = 0; i < 100; i++) {
		rate = bytes_per_second / (double)interval_bytes(&interval, interval.id);
		interval_adapt(&interval,
			       &(struct interval_cost){ .seconds = 0.1, .stops = rate * 0.1 });
	}
	assert_true(rate <= 500);
	assert_true(rate >= 250);
}

static void test_fixed_interval_stays(void **state)
{
	(void)state;
	struct interval interval;
	interval_init(&interval, 12345, 0.01, 500, 42);
	assert_false(
		interval_adapt(&interval, &(struct interval_cost){ .seconds = 0.1, .stops = 1e6 }));
	assert_int_equal(interval_bytes(&interval, interval.id), 12345);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_byte_draws_are_zero),
		cmocka_unit_test(test_draws_are_exponential),
		cmocka_unit_test(test_ids_mean_the_same_for_ever),
		cmocka_unit_test(test_legs_are_a_small_part_of_the_interval),
		cmocka_unit_test(test_load_raises_and_quiet_lowers),
		cmocka_unit_test(test_dear_stops_become_rare),
		cmocka_unit_test(test_one_slow_stop_changes_little),
		cmocka_unit_test(test_what_the_beginning_overspends_is_saved_again),
		cmocka_unit_test(test_settles_below_the_cap),
		cmocka_unit_test(test_fixed_interval_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
