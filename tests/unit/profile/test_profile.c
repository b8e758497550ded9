/* SPDX-License-Identifier: MIT */
#include "profile/profile.h"

#include <math.h>
#include <string.h>

#include "tests/unit/profile/population.h"

static const struct frame leaf = { "leaf", "app.py", 11 };
static const struct frame other = { "other", "app.py", 30 };
static const struct frame outer = { "outer", "app.py", 20 };
static const struct frame *const leaf_path[] = { &leaf, &outer };
static const struct frame *const short_path[] = { &leaf };
static const struct frame *const other_path[] = { &other, &outer };

static void test_a_freed_block_is_live_no_more_and_unknown_ones_are_ignored(void **state)
{
	(void)state;
	OWNED_PROFILE struct profile *profile = new_profile();
	add_block(profile, 1, 0x1000, 100, 1, leaf_path, 2, MEMORY_MALLOC);
	add_block(profile, 2, 0x2000, 50, 1, leaf_path, 2, MEMORY_MALLOC);
	profile_free(profile, 0x3000, at_seconds(3));
	profile_free(profile, 0x1000, at_seconds(3));
	profile_free(profile, 0x1000, at_seconds(3));
	OWNED_SNAPSHOT struct snapshot *snapshot = take_snapshot(profile, 10, 1);
	assert_true(snapshot->total.live_bytes.value == 50);
	assert_true(snapshot->total.live_blocks == 1);
	assert_true(snapshot->total.oldest_seconds == 8);
	assert_int_equal(snapshot->total.live_samples, 1);
}

static void test_a_reused_address_frees_the_block_that_was_there(void **state)
{
	(void)state;
	OWNED_PROFILE struct profile *profile = new_profile();
	add_block(profile, 1, 0x1000, 100, 1, leaf_path, 2, MEMORY_MALLOC);
	add_block(profile, 2, 0x1000, 30, 1, other_path, 2, MEMORY_PYMALLOC);
	OWNED_SNAPSHOT struct snapshot *snapshot = take_snapshot(profile, 4, 1);
	assert_true(snapshot->total.live_bytes.value == 30);
	assert_int_equal(snapshot->site_count, 1);
	assert_string_equal(snapshot->sites[0].frame->function, "other");
}

static void test_stacks_differ_by_path_and_kind_and_sites_by_innermost_frame(void **state)
{
	(void)state;
	OWNED_PROFILE struct profile *profile = new_profile();
	add_block(profile, 1, 0x1000, 100, 1, leaf_path, 2, MEMORY_MALLOC);
	add_block(profile, 1, 0x2000, 20, 1, leaf_path, 2, MEMORY_PYMALLOC);
	add_block(profile, 1, 0x3000, 3, 1, short_path, 1, MEMORY_PYMALLOC);
	add_block(profile, 1, 0x4000, 5, 1, leaf_path, 2, MEMORY_MALLOC);
	add_block(profile, 1, 0x5000, 110, 1, other_path, 2, MEMORY_MALLOC);
	OWNED_SNAPSHOT struct snapshot *snapshot = take_snapshot(profile, 4, 1);

	static const double stack_bytes[] = { 110, 105, 20, 3 };
	assert_int_equal(snapshot->stack_count, ARRAY_LEN(stack_bytes));
	for (size_t i = 0; i < ARRAY_LEN(stack_bytes); i++)
		assert_true(snapshot->stacks[i].figures.live_bytes.value == stack_bytes[i]);
	assert_int_equal(snapshot->stacks[1].kind, MEMORY_MALLOC);
	assert_int_equal(snapshot->stacks[1].frame_count, 2);
	assert_string_equal(snapshot->stacks[1].frames[1]->function, "outer");
	assert_string_equal(snapshot->stacks[1].thread, "MainThread");

	assert_int_equal(snapshot->site_count, 2);
	const struct snapshot_site *site = &snapshot->sites[0];
	assert_string_equal(site->frame->function, "leaf");
	assert_true(site->figures.live_bytes.value == 128);
	assert_true(site->figures.kind_live_bytes[MEMORY_MALLOC] == 105);
	assert_true(site->figures.kind_live_bytes[MEMORY_PYMALLOC] == 23);
	assert_true(site->frame == snapshot->stacks[1].frames[0]);
	assert_true(snapshot->total.live_bytes.value == 238);
}

static void test_a_snapshot_outlives_the_profile_and_its_frames(void **state)
{
	(void)state;
	struct frame *frame = malloc(sizeof(*frame));
	assert_non_null(frame);
	*frame = (struct frame){ strdup("gone"), strdup("soon.py"), 5 };
	struct profile *profile = new_profile();
	add_block(profile, 1, 0x1000, 100, 1, (const struct frame *[]){ frame }, 1, MEMORY_MALLOC);
	OWNED_SNAPSHOT struct snapshot *snapshot = take_snapshot(profile, 4, 1);
	profile_destroy(profile);
	free((char *)frame->function);
	free((char *)frame->file);
	free(frame);

	assert_string_equal(snapshot->sites[0].frame->function, "gone");
	assert_string_equal(snapshot->sites[0].frame->file, "soon.py");
	assert_string_equal(snapshot->target.command[1], "app.py");
	assert_null(snapshot->target.command[2]);
	assert_string_equal(snapshot->target.python, "3.11.7");
}

static void test_a_stack_of_several_threads_says_so(void **state)
{
	(void)state;
	OWNED_PROFILE struct profile *profile = new_profile();
	struct error err;
	const struct sample sample = {
		.time_ns = at_seconds(1),
		.block = 0x2000,
		.size_bytes = 10,
		.interval_bytes = 1,
		.thread = "worker",
		.frames = leaf_path,
		.frame_count = 2,
	};
	assert_true(profile_add(profile, &sample, &err));
	OWNED_SNAPSHOT struct snapshot *before = take_snapshot(profile, 2, 1);
	assert_string_equal(before->stacks[0].thread, "worker");
	add_block(profile, 1, 0x1000, 100, 1, leaf_path, 2, MEMORY_PYMALLOC);
	OWNED_SNAPSHOT struct snapshot *after = take_snapshot(profile, 2, 1);
	assert_int_equal(after->stack_count, 1);
	assert_string_equal(after->stacks[0].thread, "[several threads]");
}

static void test_a_stack_without_frames_is_an_unknown_site(void **state)
{
	(void)state;
	OWNED_PROFILE struct profile *profile = new_profile();
	add_block(profile, 1, 0x1000, 100, 1, NULL, 0, MEMORY_MALLOC);
	add_block(profile, 1, 0x2000, 10, 1, leaf_path, 2, MEMORY_MALLOC);
	OWNED_SNAPSHOT struct snapshot *snapshot = take_snapshot(profile, 4, 1);
	assert_int_equal(snapshot->site_count, 2);
	assert_string_equal(snapshot->sites[0].frame->function, "[unknown]");
	assert_int_equal(snapshot->stacks[0].frame_count, 0);
}

static void test_a_stack_deeper_than_the_limit_is_cut_at_its_outer_end(void **state)
{
	(void)state;
	OWNED_PROFILE struct profile *profile = new_profile();
	const struct frame *frames[FRAME_DEPTH_MAX + 10];
	for (size_t i = 0; i < ARRAY_LEN(frames); i++)
		frames[i] = i ? &outer : &leaf;
	add_block(profile, 1, 0x1000, 100, 1, frames, ARRAY_LEN(frames), MEMORY_MALLOC);
	OWNED_SNAPSHOT struct snapshot *snapshot = take_snapshot(profile, 4, 1);
	assert_int_equal(snapshot->stacks[0].frame_count, FRAME_DEPTH_MAX);
	assert_true(snapshot->stacks[0].is_truncated);
	assert_string_equal(snapshot->stacks[0].frames[0]->function, "leaf");
}

static void test_an_empty_block_weighs_nothing(void **state)
{
	(void)state;
	OWNED_PROFILE struct profile *profile = new_profile();
	add_block(profile, 1, 0x1000, 0, 1, leaf_path, 2, MEMORY_MALLOC);
	add_block(profile, 1, 0x2000, 0, 65536, leaf_path, 2, MEMORY_MALLOC);
	profile_double(profile);
	OWNED_SNAPSHOT struct snapshot *snapshot = take_snapshot(profile, 10, 65536);
	const struct figures *total = &snapshot->total;
	assert_true(total->live_bytes.value == 0);
	assert_true(isfinite(total->live_bytes.high) && isfinite(total->live_blocks));
	assert_true(isfinite(total->growth_bytes_per_second.error));
}

static void test_an_empty_profile_gives_an_empty_snapshot(void **state)
{
	(void)state;
	OWNED_PROFILE struct profile *profile = new_profile();
	OWNED_SNAPSHOT struct snapshot *at_once = take_snapshot(profile, 0, 65536);
	assert_true(at_once->total.growth_bytes_per_second.value == 0);
	OWNED_SNAPSHOT struct snapshot *snapshot = take_snapshot(profile, 10, 65536);
	assert_int_equal(snapshot->stack_count + snapshot->site_count, 0);
	assert_true(snapshot->total.live_bytes.value == 0);
	assert_true(snapshot->total.live_bytes.high > 65536);
}

/* The least-squares slope of live bytes, from the curve itself: every event adds its part of the
 * integral of (t - tau/2) live(t). */
struct curve {
	double tau;
	double since;
	double live;
	double integral;
};

static void curve_step(struct curve *curve, double seconds, double change)
{
	double middle = (seconds + curve->since) / 2 - curve->tau / 2;
	curve->integral += curve->live * middle * (seconds - curve->since);
	curve->since = seconds;
	curve->live += change;
}

static void test_growth_is_the_least_squares_slope_of_the_true_curve(void **state)
{
	(void)state;
	OWNED_PROFILE struct profile *profile = new_profile();
	struct curve curve = { .tau = 100 };
	uint64_t sizes[64] = { 0 };
	uint64_t seed = 3;
	for (double now = 0.25; now < curve.tau; now += 0.25) {
		size_t i = random_bits(&seed) % ARRAY_LEN(sizes);
		double before = (double)sizes[i];
		if (sizes[i] && random_bits(&seed) % 2) {
			profile_free(profile, 0x1000 + i, at_seconds(now));
			sizes[i] = 0;
		} else {
			sizes[i] = 1 + random_bits(&seed) % 1000;
			add_block(profile, now, 0x1000 + i, sizes[i], 1,
				  i % 2 ? leaf_path : other_path, 2, MEMORY_MALLOC);
		}
		curve_step(&curve, now, (double)sizes[i] - before);
	}
	curve_step(&curve, curve.tau, 0);
	double slope = 12 / (curve.tau * curve.tau * curve.tau) * curve.integral;

	OWNED_SNAPSHOT struct snapshot *snapshot = take_snapshot(profile, curve.tau, 1);
	assert_true(snapshot->total.live_bytes.value == curve.live);
	assert_float_equal(snapshot->total.growth_bytes_per_second.value, slope,
			   1e-9 * fabs(slope));
}

/* Forget each live block with a probability of one half. */
static void thin(struct profile *profile, bool *is_live, size_t count, uint64_t *seed)
{
	for (size_t i = 0; i < count; i++) {
		if (is_live[i] && random_bits(seed) % 2) {
			profile_drop(profile, 0x1000 + i);
			is_live[i] = false;
		}
	}
	profile_double(profile);
}

/* A cache that fills for 50 s and then exchanges its entries grows only until the restart. */
static void test_growth_restarts_after_the_warm_up(void **state)
{
	(void)state;
	OWNED_PROFILE struct profile *profile = new_profile();
	for (unsigned i = 0; i < 200; i++) {
		add_block(profile, 0.5 + i, 0x1000 + 16 * (i % 50), 100, 1, leaf_path, 2,
			  MEMORY_MALLOC);
		if (i == 99)
			profile_restart_growth(profile, at_seconds(100));
	}
	OWNED_SNAPSHOT struct snapshot *snapshot = take_snapshot(profile, 200, 1);
	assert_true(snapshot->total.live_bytes.value == 5000);
	assert_true(snapshot->total.oldest_seconds == 49.5);
	assert_true(fabs(snapshot->total.growth_bytes_per_second.value) < 1e-6);
}

/* What is older than the restart keeps its age. */
static void test_restart_keeps_ages(void **state)
{
	(void)state;
	OWNED_PROFILE struct profile *profile = new_profile();
	add_block(profile, 10, 0x1000, 100, 1, leaf_path, 2, MEMORY_MALLOC);
	profile_restart_growth(profile, at_seconds(100));
	add_block(profile, 150, 0x2000, 100, 1, leaf_path, 2, MEMORY_MALLOC);
	OWNED_SNAPSHOT struct snapshot *snapshot = take_snapshot(profile, 200, 1);
	assert_true(snapshot->total.oldest_seconds == 190);
	/* 100 bytes that come in the middle: 6/tau^3 a (tau-a) = 1.5/tau of them. */
	double slope = snapshot->total.growth_bytes_per_second.value;
	assert_true(fabs(slope - 1.5) < 1e-9);
}

enum { HOUR = 3600, HOURS = 30 };

/* A block is kept every hour; another, larger one lives in the third and fourth. */
static double bytes_of_hours(double seconds)
{
	bool has_passing = seconds >= 2 * HOUR && seconds < 4 * HOUR;
	return 1000 * floor(seconds / HOUR) + (has_passing ? 4000 : 0);
}

static void test_a_course_spans_the_whole_trace_however_long(void **state)
{
	(void)state;
	OWNED_PROFILE struct profile *profile = new_profile();
	for (unsigned hour = 1; hour < HOURS; hour++) {
		add_block(profile, hour * HOUR, 0x1000 + 16 * hour, 1000, 1, leaf_path, 2,
			  MEMORY_MALLOC);
		if (hour == 2)
			add_block(profile, hour * HOUR, 0x8000, 4000, 1, leaf_path, 2,
				  MEMORY_MALLOC);
		if (hour == 4)
			profile_free(profile, 0x8000, at_seconds(hour * HOUR));
		OWNED_SNAPSHOT struct snapshot *looked = take_snapshot(profile, hour * HOUR, 1);
		assert_true(looked->total.course_len > 0);
	}

	OWNED_SNAPSHOT struct snapshot *snapshot = take_snapshot(profile, HOURS * HOUR, 1);
	const struct figures *figures = &snapshot->sites[0].figures;
	double stretch = 1.0 / STRETCHES_MAX;
	while (stretch * STRETCHES_MAX < HOURS * HOUR)
		stretch *= 2;
	assert_int_equal(figures->course_len, (size_t)ceil(HOURS * HOUR / stretch));
	assert_in_range(figures->course_len, STRETCHES_MAX / 2, STRETCHES_MAX);
	for (size_t i = 0; i < figures->course_len; i++) {
		double begin = (double)i * stretch, end = fmin(begin + stretch, HOURS * HOUR);
		double sum = 0;
		for (double second = begin + 0.5; second < end; second++)
			sum += bytes_of_hours(second);
		assert_true(fabs((double)figures->course_bytes[i] - sum / (end - begin)) < 1);
	}
}

/* Four rounds of thinning over a leak of blocks of two sizes, of which one is certain to be sampled
 * in the beginning. The mean over replicates must be the truth within 5.5 standard errors, which
 * fails once in ten million runs; the intervals are to hold at least 90% of the time less as much.
 */
static void test_thinning_keeps_estimates_unbiased_and_intervals_honest(void **state)
{
	(void)state;
	enum { BLOCKS = 512, REPLICATES = 1000, ROUNDS = 4 };
	const double truth = BLOCKS / 2 * (64 + 100000);
	double sum = 0, squares = 0, misses = 0, growth_sum = 0, growth_squares = 0;
	uint64_t seed = 5;
	for (int replicate = 0; replicate < REPLICATES; replicate++) {
		OWNED_PROFILE struct profile *profile = new_profile();
		bool is_live[BLOCKS] = { false };
		for (size_t i = 0; i < BLOCKS; i++) {
			uint64_t size = i % 2 ? 64 : 100000;
			is_live[i] = random_unit(&seed) < -expm1(-(double)size / 1000);
			if (is_live[i])
				add_block(profile, ((double)i + 0.5) / BLOCKS * 10, 0x1000 + i,
					  size, 1000, leaf_path, 2, MEMORY_MALLOC);
			if (i % (BLOCKS / ROUNDS) == BLOCKS / ROUNDS - 1)
				thin(profile, is_live, BLOCKS, &seed);
		}
		OWNED_SNAPSHOT struct snapshot *snapshot = take_snapshot(profile, 10, 1000);
		const struct estimate *live = &snapshot->total.live_bytes;
		double growth = snapshot->total.growth_bytes_per_second.value;
		sum += live->value;
		squares += live->value * live->value;
		misses += truth < live->low || truth > live->high;
		growth_sum += growth;
		growth_squares += growth * growth;
	}
	double mean = sum / REPLICATES, growth_mean = growth_sum / REPLICATES;
	double sigma = sqrt((squares / REPLICATES - mean * mean) / REPLICATES);
	double growth_sigma =
		sqrt((growth_squares / REPLICATES - growth_mean * growth_mean) / REPLICATES);
	assert_true(sigma < 0.02 * truth);
	assert_float_equal(mean, truth, 5.5 * sigma);
	assert_float_equal(growth_mean, truth / 10, 5.5 * growth_sigma);
	assert_true(misses / REPLICATES < 0.1 + 5.5 * sqrt(0.1 * 0.9 / REPLICATES));
}

static void test_a_site_seen_early_knows_how_rare_samples_became(void **state)
{
	(void)state;
	OWNED_PROFILE struct profile *profile = new_profile();
	add_block(profile, 0, 0x1000, 100, 16384, leaf_path, 2, MEMORY_MALLOC);
	for (raddr block = 0x2000; block < 0x2000 + 100 * 16; block += 16) {
		add_block(profile, 1, block, 100, 1e6, other_path, 2, MEMORY_MALLOC);
		profile_free(profile, block, at_seconds(2));
	}
	OWNED_SNAPSHOT struct snapshot *snapshot = take_snapshot(profile, 10, 16384);
	assert_int_equal(snapshot->site_count, 1);
	assert_true(snapshot->sites[0].figures.live_bytes.high > 3.8e6);
	assert_true(snapshot->stacks[0].figures.live_bytes.high > 3.8e6);
	assert_true(snapshot->sites[0].figures.growth_bytes_per_second.high > 3e6 / 10);
	assert_true(snapshot->total.live_bytes.high > 3.8e6);
}

static void test_a_busy_profile_keeps_its_sums_through_ten_thousand_stacks(void **state)
{
	(void)state;
	enum { FRAMES = 100, BLOCKS = 20000 };
	static struct frame frames[FRAMES];
	for (int i = 0; i < FRAMES; i++)
		frames[i] = (struct frame){ "f", "busy.py", i + 1 };
	OWNED_PROFILE struct profile *profile = new_profile();
	double truth = 0;
	for (uint64_t i = 0; i < BLOCKS; i++) {
		const struct frame *path[] = { &frames[i % FRAMES], &frames[i / FRAMES % FRAMES],
					       &frames[0] };
		add_block(profile, 1, i << 12, 1 + i % 7, 1, path, 3, MEMORY_PYMALLOC);
		truth += (double)(1 + i % 7);
	}
	OWNED_SNAPSHOT struct snapshot *snapshot = take_snapshot(profile, 2, 1);
	assert_int_equal(snapshot->stack_count, FRAMES * FRAMES);
	assert_int_equal(snapshot->site_count, FRAMES);
	double stacks = 0, sites = 0;
	for (size_t i = 0; i < snapshot->stack_count; i++)
		stacks += snapshot->stacks[i].figures.live_bytes.value;
	for (size_t i = 0; i < snapshot->site_count; i++)
		sites += snapshot->sites[i].figures.live_bytes.value;
	assert_true(stacks == truth && sites == truth);
	assert_true(snapshot->total.live_bytes.value == truth);
	for (size_t i = 1; i < snapshot->stack_count; i++)
		assert_true(snapshot->stacks[i - 1].figures.live_bytes.value >=
			    snapshot->stacks[i].figures.live_bytes.value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_freed_block_is_live_no_more_and_unknown_ones_are_ignored),
		cmocka_unit_test(test_a_reused_address_frees_the_block_that_was_there),
		cmocka_unit_test(test_stacks_differ_by_path_and_kind_and_sites_by_innermost_frame),
		cmocka_unit_test(test_a_snapshot_outlives_the_profile_and_its_frames),
		cmocka_unit_test(test_a_stack_of_several_threads_says_so),
		cmocka_unit_test(test_a_stack_without_frames_is_an_unknown_site),
		cmocka_unit_test(test_a_stack_deeper_than_the_limit_is_cut_at_its_outer_end),
		cmocka_unit_test(test_an_empty_block_weighs_nothing),
		cmocka_unit_test(test_an_empty_profile_gives_an_empty_snapshot),
		cmocka_unit_test(test_growth_is_the_least_squares_slope_of_the_true_curve),
		cmocka_unit_test(test_growth_restarts_after_the_warm_up),
		cmocka_unit_test(test_restart_keeps_ages),
		cmocka_unit_test(test_a_course_spans_the_whole_trace_however_long),
		cmocka_unit_test(test_thinning_keeps_estimates_unbiased_and_intervals_honest),
		cmocka_unit_test(test_a_site_seen_early_knows_how_rare_samples_became),
		cmocka_unit_test(test_a_busy_profile_keeps_its_sums_through_ten_thousand_stacks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
