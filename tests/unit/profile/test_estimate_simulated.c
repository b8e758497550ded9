/* SPDX-License-Identifier: MIT */
#include "profile/estimate.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_estimates_are_unbiased_and_their_intervals_hold_from_one_sample_on),
		cmocka_unit_test(test_intervals_hold_when_sampling_becomes_rare),
		cmocka_unit_test(
			test_low_ends_hold_for_large_blocks_and_when_others_were_sampled_rarely),
		cmocka_unit_test(test_intervals_are_no_wider_than_they_must_be),
		cmocka_unit_test(test_what_is_no_straight_line_is_not_measured_precisely),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
