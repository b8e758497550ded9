/* SPDX-License-Identifier: MIT */
#include "profile/estimate.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/profile/population.h"

/*
 * Simulations with known truth. Every bound on a mean lies 5.5 standard errors away, every bound on
 * a rate of misses as far above 6%: a run with another seed would fail once in ten million cells.
 */
static const double sigmas = 5.5;

enum { BLOCKS = 4000, REPLICATES = 2000 };

static const double tau = 30;

/* One whole population: what a target really did. */
struct truth {
	double start[BLOCKS];
	double end[BLOCKS];
	double size[BLOCKS];
	double size_before[BLOCKS + 1]; /* bytes allocated before the block */
	double live;
	double growth;
};

/* Where in the run, from 0 to 1, the block comes; when it begins and ends. */
typedef void lifetime(double place, uint64_t *seed, double *start, double *end);

static void leak(double place, uint64_t *seed, double *start, double *end)
{
	(void)seed;
	*start = place * tau;
	*end = 2 * tau;
}

static void transient(double place, uint64_t *seed, double *start, double *end)
{
	*start = place * tau;
	*end = *start - log(random_unit(seed)) * tau / 20;
}

static void bounded_cache(double place, uint64_t *seed, double *start, double *end)
{
	(void)seed;
	*start = place * tau;
	*end = *start + tau / 4;
}

static void startup_then_kept(double place, uint64_t *seed, double *start, double *end)
{
	(void)seed;
	*start = place * tau / 60;
	*end = 2 * tau;
}

static void startup_then_freed(double place, uint64_t *seed, double *start, double *end)
{
	(void)seed;
	*start = place * tau / 60;
	*end = 0.6 * tau;
}

static void late_burst(double place, uint64_t *seed, double *start, double *end)
{
	(void)seed;
	*start = tau * (0.95 + 0.05 * place);
	*end = 2 * tau;
}

static void long_lived(double place, uint64_t *seed, double *start, double *end)
{
	*start = place * tau;
	*end = *start - log(random_unit(seed)) * tau;
}

static void sawtooth(double place, uint64_t *seed, double *start, double *end)
{
	(void)seed;
	*start = place * tau;
	*end = (floor(place * 4) + 1) * tau / 4;
}

static const struct {
	const char *name;
	lifetime *live;
	bool has_heavy_tail;
} scenarios[] = {
	{ "leak", leak, false },
	{ "leak, sizes from 16 B to 100 KB", leak, true },
	{ "transient", transient, false },
	{ "bounded cache", bounded_cache, false },
	{ "startup, then kept", startup_then_kept, false },
	{ "startup, then freed", startup_then_freed, false },
	{ "late burst", late_burst, false },
	{ "long-lived", long_lived, true },
	{ "sawtooth", sawtooth, false },
};

static void truth_make(struct truth *truth, size_t scenario)
{
	uint64_t seed = 7;
	truth->live = truth->growth = 0;
	truth->size_before[0] = 0;
	for (size_t i = 0; i < BLOCKS; i++) {
		scenarios[scenario].live(((double)i + 0.5) / BLOCKS, &seed, &truth->start[i],
					 &truth->end[i]);
		double tail = 16 * pow(random_unit(&seed), -0.8);
		truth->size[i] = scenarios[scenario].has_heavy_tail ? fmin(floor(tail), 1e5) : 100;
		truth->size_before[i + 1] = truth->size_before[i] + truth->size[i];

		double from = truth->start[i], to = fmin(truth->end[i], tau);
		truth->live += truth->end[i] >= tau ? truth->size[i] : 0;
		/* 12/tau^3 times the integral of t - tau/2 over the block's life. */
		truth->growth += truth->size[i] * 12 / (tau * tau * tau) *
				 ((to * to - from * from) / 2 - tau / 2 * (to - from));
	}
}

static size_t block_at(const struct truth *truth, double position)
{
	size_t low = 0, high = BLOCKS;
	while (high - low > 1) {
		size_t middle = (low + high) / 2;
		if (truth->size_before[middle] <= position)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* At which interval the population is sampled: another one at the beginning. */
struct rate {
	double interval;
	double early_interval;
	double early_bytes;
};

/* Sample the population as a gate does: a Poisson process over its bytes. */
static struct figures sample_at(const struct truth *truth, const struct rate *rate, uint64_t *seed)
{
	struct history history = { 0 };
	struct tally tally;
	tally_init(&tally, tau);
	double position = 0;
	while (true) {
		bool is_early = position < rate->early_bytes;
		double interval = is_early ? rate->early_interval : rate->interval;
		position -= log(random_unit(seed)) * interval;
		if (is_early && position >= rate->early_bytes) {
			position = rate->early_bytes; /* drawn anew from here: it has no memory */
			continue;
		}
		if (position >= truth->size_before[BLOCKS])
			break;
		size_t i = block_at(truth, position);
		position = truth->size_before[i + 1];
		struct observation block =
			observation_make(truth->size[i], interval, truth->start[i]);
		if (truth->end[i] < tau)
			history_add(&history, &block, truth->end[i]);
		else
			tally_add_live(&tally, &block, MEMORY_MALLOC);
	}
	tally_add_history(&tally, &history);
	struct figures ret;
	tally_figures(&tally, rate->interval, &ret);
	return ret;
}

static struct figures sample_once(const struct truth *truth, double interval, uint64_t *seed)
{
	return sample_at(truth, &(struct rate){ .interval = interval }, seed);
}

/* What many estimates of one figure did. */
struct score {
	double truth;
	double sum;
	double squares;
	double errors;
	int misses;
};

static void score_add(struct score *score, const struct estimate *estimate)
{
	assert_true(estimate->low <= estimate->value && estimate->value <= estimate->high);
	assert_true(estimate->error ==
		    fmax(estimate->high - estimate->value, estimate->value - estimate->low));
	score->sum += estimate->value;
	score->squares += estimate->value * estimate->value;
	score->errors += estimate->error;
	score->misses += score->truth < estimate->low || score->truth > estimate->high;
}

static double score_deviation(const struct score *score)
{
	double mean = score->sum / REPLICATES;
	return sqrt(fmax(score->squares / REPLICATES - mean * mean, 0));
}

static void score_check(const struct score *score, const char *figure, const char *scenario,
			double samples)
{
	double bias = score->sum / REPLICATES - score->truth;
	double allowed = sigmas * score_deviation(score) / sqrt(REPLICATES);
	if (fabs(bias) > allowed + 1e-9 * fabs(score->truth))
		fail_msg("%s of %s with %g samples is off by %g", figure, scenario, samples, bias);

	double miss_rate = (double)score->misses / REPLICATES;
	if (miss_rate > 0.06 + sigmas * sqrt(0.06 * 0.94 / REPLICATES))
		fail_msg("intervals for %s of %s with %g samples miss %g of the time", figure,
			 scenario, samples, miss_rate);
}

static void simulate(struct score *live, struct score *growth, const struct truth *truth,
		     double samples)
{
	uint64_t seed = 11;
	*live = (struct score){ .truth = truth->live };
	*growth = (struct score){ .truth = truth->growth };
	for (int i = 0; i < REPLICATES; i++) {
		struct figures figures =
			sample_once(truth, truth->size_before[BLOCKS] / samples, &seed);
		score_add(live, &figures.live_bytes);
		score_add(growth, &figures.growth_bytes_per_second);
	}
}

static void test_estimates_are_unbiased_and_their_intervals_hold_from_one_sample_on(void **state)
{
	(void)state;
	static const double sample_counts[] = { 1, 3, 10, 100 };
	static struct truth truth;
	for (size_t i = 0; i < ARRAY_LEN(scenarios); i++) {
		truth_make(&truth, i);
		for (size_t j = 0; j < ARRAY_LEN(sample_counts); j++) {
			struct score live, growth;
			simulate(&live, &growth, &truth, sample_counts[j]);
			score_check(&growth, "growth", scenarios[i].name, sample_counts[j]);
			/* A few bytes that are rarely sampled at all, but then as one whole
			 * interval, are missed as often as they are sampled. */
			double live_share = truth.live / truth.size_before[BLOCKS];
			if (live_share * sample_counts[j] >= 0.9 || truth.live == 0)
				score_check(&live, "live bytes", scenarios[i].name,
					    sample_counts[j]);
		}
	}
}

/* As at the beginning of a capture: a short interval meets a load that makes it a long one. What
 * few samples there are may all be of the first moments, and tell nothing of what came later. */
static void test_intervals_hold_when_sampling_becomes_rare(void **state)
{
	(void)state;
	static const double later_counts[] = { 0.5, 1, 3, 10 };
	static struct truth truth;
	truth_make(&truth, 0);
	double bytes = truth.size_before[BLOCKS];
	for (size_t i = 0; i < ARRAY_LEN(later_counts); i++) {
		const struct rate rate = { bytes / later_counts[i], bytes / 400, bytes / 40 };
		uint64_t seed = 23;
		struct score live = { .truth = truth.live }, growth = { .truth = truth.growth };
		for (int j = 0; j < REPLICATES; j++) {
			struct figures figures = sample_at(&truth, &rate, &seed);
			score_add(&live, &figures.live_bytes);
			score_add(&growth, &figures.growth_bytes_per_second);
		}
		score_check(&live, "live bytes", "leak, soon sampled rarely", later_counts[i]);
		score_check(&growth, "growth", "leak, soon sampled rarely", later_counts[i]);
	}
}

/* How often `count` live blocks of one size, and their growth, are less than the low ends say. */
static void overestimated(size_t count, double size_bytes, double rarest, double *live_ret,
			  double *growth_ret)
{
	const double interval = 10000;
	uint64_t seed = 29;
	*live_ret = *growth_ret = 0;
	for (int i = 0; i < REPLICATES; i++) {
		struct tally tally;
		struct figures figures;
		tally_init(&tally, tau);
		for (size_t j = 0; j < count; j++) {
			double start = tau * ((double)j + 0.5) / (double)count;
			struct observation block = observation_make(size_bytes, interval, start);
			if (random_unit(&seed) < block.probability)
				tally_add_live(&tally, &block, MEMORY_MALLOC);
		}
		tally_figures(&tally, rarest, &figures);
		double live = (double)count * size_bytes;
		*live_ret += (figures.live_bytes.low > live) / (double)REPLICATES;
		*growth_ret +=
			(figures.growth_bytes_per_second.low > live / tau) / (double)REPLICATES;
	}
}

static void test_low_ends_hold_for_large_blocks_and_when_others_were_sampled_rarely(void **state)
{
	(void)state;
	static const struct {
		size_t count;
		double size, rarest;
	} cases[] = { { 100, 2000, 10000 }, { 50, 10000, 10000 },   { 20, 20000, 10000 },
		      { 400, 500, 200000 }, { 4000, 1000, 100000 }, { 50, 10000, 1e6 } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		double live, growth;
		overestimated(cases[i].count, cases[i].size, cases[i].rarest, &live, &growth);
		if (fmax(live, growth) > 0.04 + sigmas * sqrt(0.04 * 0.96 / REPLICATES))
			fail_msg("%zu blocks of %g bytes: low ends are too high %g and %g of the "
				 "time",
				 cases[i].count, cases[i].size, live, growth);
	}
}

static void test_intervals_are_no_wider_than_they_must_be(void **state)
{
	(void)state;
	static struct truth truth;
	struct score live, growth;
	truth_make(&truth, 0);
	simulate(&live, &growth, &truth, 100);
	assert_true(live.errors / REPLICATES < 1.25 * 1.96 * score_deviation(&live));
	assert_true(growth.errors / REPLICATES < 1.25 * 1.96 * score_deviation(&growth));
}

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

/* The figures of a population of which every block is seen. */
static struct figures figures_of(size_t scenario)
{
	static struct truth truth;
	truth_make(&truth, scenario);
	uint64_t seed = 13;
	return sample_once(&truth, 1e-9, &seed);
}

static void test_what_is_no_straight_line_is_not_measured_precisely(void **state)
{
	(void)state;
	struct figures steady = figures_of(0), kept = figures_of(4), saw = figures_of(8);
	assert_string_equal(scenarios[4].name, "startup, then kept");
	assert_string_equal(scenarios[8].name, "sawtooth");
	assert_true(steady.growth_bytes_per_second.error <
		    0.001 * steady.growth_bytes_per_second.value);
	assert_true(kept.growth_bytes_per_second.low <= 0);
	assert_true(saw.growth_bytes_per_second.low < 0 && saw.growth_bytes_per_second.high > 0);
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
		cmocka_unit_test(
			test_estimates_are_unbiased_and_their_intervals_hold_from_one_sample_on),
		cmocka_unit_test(test_intervals_hold_when_sampling_becomes_rare),
		cmocka_unit_test(
			test_low_ends_hold_for_large_blocks_and_when_others_were_sampled_rarely),
		cmocka_unit_test(test_intervals_are_no_wider_than_they_must_be),
		cmocka_unit_test(test_one_or_two_samples_never_claim_growth),
		cmocka_unit_test(test_sampling_every_allocation_leaves_no_error_in_live_bytes),
		cmocka_unit_test(test_growth_of_a_straight_line_is_exact_from_a_second_to_a_month),
		cmocka_unit_test(test_freed_blocks_count_in_growth_with_their_variance),
		cmocka_unit_test(test_a_merged_history_remembers_what_both_did),
		cmocka_unit_test(test_what_is_no_straight_line_is_not_measured_precisely),
		cmocka_unit_test(test_figures_of_merged_tallies_are_those_of_all_blocks),
		cmocka_unit_test(test_live_bytes_split_by_age_and_by_size),
		cmocka_unit_test(test_course_shows_when_memory_came_and_went),
		cmocka_unit_test(test_spreads_of_parts_add_up_to_that_of_the_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
