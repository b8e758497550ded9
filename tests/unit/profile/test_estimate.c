/* SPDX-License-Identifier: MIT */
/* Figures of blocks that are known one by one. What chance does: test_estimate_simulated.c. */
#include "profile/estimate.h"

#include "tests/unit/profile/population.h"

static const double tau = 30;

static void test_one_or_two_samples_never_claim_growth(void **state)
{
	(void)state;
	/* At the instant where a block counts most: g = 1.5/tau. */
	struct observation block = observation_make(100, 65536, tau / 2);
	struct tally tally;
	struct figures figures;
	tally_init(&tally, tau);
	tally_figures(&tally, 65536, &figures);
	assert_true(figures.growth_bytes_per_second.low < 0);
	assert_true(figures.growth_bytes_per_second.high > 3.8 * 65536 / tau);
	assert_true(figures.live_bytes.high > 3.8 * 65536);

	tally_add_live(&tally, &block, MEMORY_MALLOC);
	tally_figures(&tally, 65536, &figures);
	assert_true(figures.growth_bytes_per_second.low < 0);
}

static void test_sampling_every_allocation_leaves_no_error_in_live_bytes(void **state)
{
	(void)state;
	struct tally tally;
	tally_init(&tally, tau);
	for (int i = 1; i <= 100; i++) {
		struct observation block = observation_make(i, 1, tau * i / 101);
		tally_add_live(&tally, &block, MEMORY_MALLOC);
	}
	struct figures figures;
	tally_figures(&tally, 1, &figures);
	assert_true(figures.live_bytes.value == 5050);
	assert_true(figures.live_bytes.low == 5050 && figures.live_bytes.high == 5050);
	assert_true(figures.live_bytes.error == 0);
	assert_true(figures.live_blocks == 100);
}

static void test_growth_of_a_straight_line_is_exact_from_a_second_to_a_month(void **state)
{
	(void)state;
	/* Every block of a leak is moved once: freed and allocated again in the same instant. */
	for (double now = 1; now < 3e6; now *= 1.7) {
		struct tally tally;
		struct history history = { 0 };
		tally_init(&tally, now);
		for (int i = 0; i < 400; i++) {
			double start = now * (i + 0.5) / 400;
			double middle = (start + now) / 2;
			struct observation before = observation_make(1000, 1, start);
			struct observation after = observation_make(1000, 1, middle);
			history_add(&history, &before, middle);
			tally_add_live(&tally, &after, MEMORY_MALLOC);
		}
		tally_add_history(&tally, &history);
		struct figures figures;
		tally_figures(&tally, 1, &figures);
		const struct estimate *growth = &figures.growth_bytes_per_second;
		assert_true(fabs(growth->value * now / 400000 - 1) < 0.001);
		assert_true(growth->error < 0.001 * growth->value);
	}
}

static void test_freed_blocks_count_in_growth_with_their_variance(void **state)
{
	(void)state;
	struct tally tally;
	struct history history = { 0 };
	tally_init(&tally, tau);
	double growth = 0, variance = 0;
	uint64_t seed = 19;
	for (int i = 0; i < 1000; i++) {
		double start = random_unit(&seed) * tau;
		double end = start + random_unit(&seed) * (tau - start);
		struct observation block = observation_make(100, 512, start);
		double weight = 100 / block.probability;
		double gain = 6 / (tau * tau * tau) * (end - start) * (end + start - tau);
		history_add(&history, &block, end);
		growth += weight * gain;
		variance += weight * weight * (1 - block.probability) * gain * gain;
	}
	tally_add_history(&tally, &history);
	assert_float_equal(tally.growth, growth, 1e-9 * fabs(growth));
	assert_float_equal(tally.growth_variance, variance, 1e-9 * variance);
}

/* One ends long before the other, so that its stretches are shorter; either may take in the other.
 */
static void test_a_merged_history_remembers_what_both_did(void **state)
{
	(void)state;
	struct history all = { 0 }, early = { 0 }, late = { 0 }, empty = { 0 };
	uint64_t seed = 23;
	for (int i = 0; i < 1000; i++) {
		double start = random_unit(&seed) * (i % 2 ? tau : tau / 50);
		double end = start + random_unit(&seed) * ((i % 2 ? tau : tau / 50) - start);
		struct observation block = observation_make(100, 512, start);
		history_add(&all, &block, end);
		history_add(i % 2 ? &late : &early, &block, end);
	}
	assert_true(early.stretch_seconds < late.stretch_seconds);
	struct history one = early, other = late;
	history_merge(&one, &late);
	history_merge(&other, &early);
	history_merge(&other, &empty);
	history_merge(&empty, &one);

	const struct history *const merged[] = { &one, &other, &empty };
	struct figures expected, figures;
	for (size_t i = 0; i <= ARRAY_LEN(merged); i++) {
		struct tally tally;
		tally_init(&tally, tau);
		tally_add_history(&tally, i ? merged[i - 1] : &all);
		tally_figures(&tally, 512, i ? &figures : &expected);
		if (i == 0)
			continue;
		const struct estimate *growth = &figures.growth_bytes_per_second;
		double scale = expected.growth_bytes_per_second.error;
		assert_float_equal(growth->value, expected.growth_bytes_per_second.value,
				   1e-9 * scale);
		assert_float_equal(growth->error, scale, 1e-9 * scale);
		assert_int_equal(figures.course_len, expected.course_len);
		for (size_t j = 0; j < figures.course_len; j++)
			assert_float_equal(figures.course_bytes[j], expected.course_bytes[j],
					   1e-5 * expected.course_bytes[j]);
	}
}

static void test_figures_of_merged_tallies_are_those_of_all_blocks(void **state)
{
	(void)state;
	struct tally all, one, other;
	tally_init(&all, tau);
	tally_init(&one, tau);
	tally_init(&other, tau);
	uint64_t seed = 17;
	for (int i = 0; i < 100; i++) {
		struct observation block = observation_make(64, 512, random_unit(&seed) * tau);
		enum memory_kind kind = i % 3 ? MEMORY_MALLOC : MEMORY_PYMALLOC;
		tally_add_live(&all, &block, kind);
		tally_add_live(i % 2 ? &one : &other, &block, kind);
	}
	tally_merge(&one, &other);
	struct figures expected, merged;
	tally_figures(&all, 512, &expected);
	tally_figures(&one, 512, &merged);
	assert_int_equal(merged.live_samples, expected.live_samples);
	assert_float_equal(merged.live_bytes.error, expected.live_bytes.error, 1e-6);
	assert_float_equal(merged.growth_bytes_per_second.value,
			   expected.growth_bytes_per_second.value, 1e-6);
	assert_float_equal(merged.growth_bytes_per_second.error,
			   expected.growth_bytes_per_second.error, 1e-6);
	assert_float_equal(merged.oldest_seconds, expected.oldest_seconds, 1e-9);
}

static void test_live_bytes_split_by_age_and_by_size(void **state)
{
	(void)state;
	static const struct {
		double size, start;
		size_t size_class, age_class;
	} blocks[] = {
		{ 32, 100, 0, 0 },  { 33, 99.5, 1, 0 },	   { 512, 99, 2, 1 },
		{ 513, 90, 3, 3 },  { 8192, 40, 4, 5 },	   { 8193, 39, 5, 5 },
		{ 1e12, 0, 11, 5 }, { 64, -86300, 1, 11 }, { 64, -86299, 1, 10 },
	};
	struct tally tally;
	struct figures figures;
	tally_init(&tally, 100);
	double live = 0;
	for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
		struct observation block = observation_make(blocks[i].size, 1, blocks[i].start);
		struct tally alone;
		tally_init(&alone, 100);
		tally_add_live(&alone, &block, MEMORY_MALLOC);
		tally_figures(&alone, 1, &figures);
		assert_true(figures.size_bytes[blocks[i].size_class] == (float)blocks[i].size);
		assert_true(figures.age_bytes[blocks[i].age_class] == (float)blocks[i].size);
		assert_true(figures.age_blocks[blocks[i].age_class] == 1);
		tally_merge(&tally, &alone);
		live += blocks[i].size;
	}
	tally_figures(&tally, 1, &figures);
	double ages = 0, sizes = 0, count = 0;
	for (size_t i = 0; i < AGE_CLASSES; i++) {
		ages += (double)figures.age_bytes[i];
		count += (double)figures.age_blocks[i];
	}
	for (size_t i = 0; i < SIZE_CLASSES; i++)
		sizes += (double)figures.size_bytes[i];
	assert_true(fabs(ages / live - 1) < 1e-6);
	assert_true(fabs(sizes / live - 1) < 1e-6);
	assert_true(count == ARRAY_LEN(blocks));
}

static void test_course_shows_when_memory_came_and_went(void **state)
{
	(void)state;
	struct tally tally;
	struct figures figures;
	struct history history = { 0 };
	struct observation kept = observation_make(1000, 1, 5);
	struct observation freed = observation_make(4000, 1, 2);
	history_add(&history, &freed, 4);
	tally_init(&tally, 16);
	tally_add_live(&tally, &kept, MEMORY_MALLOC);
	tally_add_history(&tally, &history);
	tally_figures(&tally, 1, &figures);
	assert_int_equal(figures.course_len, 16);
	for (size_t i = 0; i < 16; i++) {
		float expected = i >= 5 ? 1000 : i == 2 || i == 3 ? 4000 : 0;
		assert_true(fabsf(figures.course_bytes[i] - expected) < 1);
	}
}

/* Many parts of one or a few samples each: what may not have been seen would be counted in each of
 * their intervals, but not in their spreads. */
static void test_spreads_of_parts_add_up_to_that_of_the_whole(void **state)
{
	(void)state;
	struct tally whole;
	struct figures figures;
	double squares = 0, intervals = 0;
	tally_init(&whole, 100);
	for (int i = 0; i < 50; i++) {
		struct tally part;
		tally_init(&part, 100);
		for (int j = 0; j <= i % 5; j++) {
			struct observation block = observation_make(2000, 1024, i);
			tally_add_live(&part, &block, MEMORY_MALLOC);
		}
		tally_figures(&part, 1024, &figures);
		assert_true(figures.live_bytes.low > 0);
		double spread = estimate_live_spread(&figures.live_bytes);
		squares += spread * spread;
		intervals += figures.live_bytes.error * figures.live_bytes.error;
		tally_merge(&whole, &part);
	}
	tally_figures(&whole, 1024, &figures);
	double spread = estimate_live_spread(&figures.live_bytes);
	assert_float_equal(sqrt(squares), spread, 1e-6 * spread);
	assert_true(intervals > 2 * squares);

	/* Where the lower end was cut the spread is not known: not less than it may be. */
	const struct estimate cut = { 500, 0, 6000, 5500 };
	assert_float_equal(estimate_live_spread(&cut), 5500, 1e-9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_or_two_samples_never_claim_growth),
		cmocka_unit_test(test_sampling_every_allocation_leaves_no_error_in_live_bytes),
		cmocka_unit_test(test_growth_of_a_straight_line_is_exact_from_a_second_to_a_month),
		cmocka_unit_test(test_freed_blocks_count_in_growth_with_their_variance),
		cmocka_unit_test(test_a_merged_history_remembers_what_both_did),
		cmocka_unit_test(test_figures_of_merged_tallies_are_those_of_all_blocks),
		cmocka_unit_test(test_live_bytes_split_by_age_and_by_size),
		cmocka_unit_test(test_course_shows_when_memory_came_and_went),
		cmocka_unit_test(test_spreads_of_parts_add_up_to_that_of_the_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
