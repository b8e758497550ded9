/* SPDX-License-Identifier: MIT */
#include "profile/timeline.h"

#include "tests/unit/profile/capture_place.h"

static const struct frame early = { "early", "app.py", 1 };
static const struct frame late = { "late", "app.py", 2 };
static const struct frame outer = { "outer", "app.py", 3 };

enum { EARLY_BYTES = 1000, LATE_BYTES = 2000, PHASE = 10, SECONDS = 3 * PHASE };

/* One line leaks for ten seconds, another one for ten more; then all of that is freed. Snapshots
 * are half a second behind. */
static void record_phases(const char *path)
{
	OWNED_PROFILE struct profile *profile = new_profile();
	const struct frame *early_path[] = { &early, &outer };
	const struct frame *late_path[] = { &late, &outer };
	struct capture *capture = create(path);
	for (int second = 1; second <= SECONDS; second++) {
		bool is_early = second <= PHASE, is_late = !is_early && second <= 2 * PHASE;
		if (is_early)
			add_block(profile, second, (raddr)second, EARLY_BYTES, 1, early_path, 2,
				  MEMORY_MALLOC);
		if (is_late)
			add_block(profile, second, (raddr)second, LATE_BYTES, 1, late_path, 2,
				  MEMORY_PYMALLOC);
		for (int i = PHASE + 1; second == 2 * PHASE + 1 && i <= 2 * PHASE; i++)
			profile_free(profile, (raddr)i, at_seconds(second));
		write_snapshot(capture, profile, second + 0.5);
	}
	finish(capture);
}

static struct timeline *load_timeline(const char *path)
{
	struct timeline *timeline;
	struct error err;
	if (!capture_load_timeline(path, &timeline, &err))
		fail_msg("%s", err.context);
	return timeline;
}

static struct snapshot *snapshot_at(const struct timeline *timeline, size_t from, size_t to)
{
	struct snapshot *snapshot;
	struct error err;
	assert_true(timeline_snapshot(timeline, from, to, &snapshot, &err));
	return snapshot;
}

/* The instant at the end of a second: the first snapshot was in the second from 1 to 2. */
static size_t end_of(int second)
{
	return (size_t)second - 1;
}

static const struct snapshot_site *find_site(const struct snapshot *snapshot,
					     const struct frame *frame)
{
	for (size_t i = 0; i < snapshot->site_count; i++)
		if (strcmp(snapshot->sites[i].frame->function, frame->function) == 0)
			return &snapshot->sites[i];
	return NULL;
}

static void test_each_instant_shows_what_was_live_then(void **state)
{
	const struct place *place = *state;
	record_phases(place->path);
	OWNED_TIMELINE struct timeline *timeline = load_timeline(place->path);
	assert_int_equal(timeline->instant_count, SECONDS);
	assert_int_equal(timeline_origin(timeline), TIMELINE_ATTACH);
	for (int second = 1; second <= SECONDS; second++) {
		OWNED_SNAPSHOT struct snapshot *then =
			snapshot_at(timeline, TIMELINE_ATTACH, end_of(second));
		const struct snapshot_site *early_site = find_site(then, &early);
		const struct snapshot_site *late_site = find_site(then, &late);
		int early_count = second < PHASE ? second : PHASE;
		int late_count = second > PHASE && second <= 2 * PHASE ? second - PHASE : 0;
		assert_non_null(early_site);
		assert_true(early_site->figures.live_bytes.value == early_count * EARLY_BYTES);
		assert_true(early_site->figures.live_blocks == early_count);
		assert_int_equal(late_site != NULL, late_count > 0);
		if (late_site)
			assert_true(late_site->figures.live_bytes.value == late_count * LATE_BYTES);
		assert_int_equal(then->stack_count, 1 + (late_count > 0));
		assert_true(then->total.live_bytes.value ==
			    early_count * EARLY_BYTES + late_count * LATE_BYTES);
		assert_true(then->total.live_bytes.error == 0);
	}
}

static void test_an_instant_keeps_paths_threads_and_kinds(void **state)
{
	const struct place *place = *state;
	record_phases(place->path);
	OWNED_TIMELINE struct timeline *timeline = load_timeline(place->path);
	OWNED_SNAPSHOT struct snapshot *then =
		snapshot_at(timeline, TIMELINE_ATTACH, end_of(2 * PHASE));
	const struct snapshot_stack *stack = &then->stacks[0];
	assert_int_equal(stack->frame_count, 2);
	assert_same_frame(stack->frames[0], &late);
	assert_same_frame(stack->frames[1], &outer);
	assert_string_equal(stack->thread, "MainThread");
	assert_int_equal(stack->kind, MEMORY_PYMALLOC);
	assert_true(stack->figures.kind_live_bytes[MEMORY_PYMALLOC] == PHASE * LATE_BYTES);
	assert_true(then->total.kind_live_bytes[MEMORY_MALLOC] == PHASE * EARLY_BYTES);
	assert_int_equal(then->target.pid, 4121);
	assert_true(then->capture.seconds == 2 * PHASE + 1);
	assert_true(then->capture.rss_bytes == UINT64_C(1) << 30);
	/* Since it last had no live bytes. */
	assert_true(stack->figures.oldest_seconds == PHASE);
}

static void test_growth_between_two_instants_is_of_what_grew_then(void **state)
{
	const struct place *place = *state;
	record_phases(place->path);
	OWNED_TIMELINE struct timeline *timeline = load_timeline(place->path);
	OWNED_SNAPSHOT struct snapshot *then =
		snapshot_at(timeline, end_of(PHASE), end_of(2 * PHASE));
	const struct figures *early_figures = &find_site(then, &early)->figures;
	const struct figures *late_figures = &find_site(then, &late)->figures;
	assert_true(early_figures->growth_bytes_per_second.value == 0);
	assert_float_equal(late_figures->growth_bytes_per_second.value, LATE_BYTES, 1e-6);
	assert_float_equal(then->total.growth_bytes_per_second.value, LATE_BYTES, 1e-6);
	assert_int_equal(late_figures->course_len, PHASE);
	/* A stretch is a second, in the middle of which it comes. */
	assert_float_equal(late_figures->course_bytes[0], LATE_BYTES / 2, 1e-3);
	assert_float_equal(late_figures->course_bytes[9], PHASE * LATE_BYTES - LATE_BYTES / 2,
			   1e-3);
	assert_float_equal(early_figures->course_bytes[0], PHASE * EARLY_BYTES, 1e-3);
}

static void test_what_was_freed_since_shrinks_and_is_no_row(void **state)
{
	const struct place *place = *state;
	record_phases(place->path);
	OWNED_TIMELINE struct timeline *timeline = load_timeline(place->path);
	for (int second = 2 * PHASE + 1; second <= SECONDS; second++) {
		OWNED_SNAPSHOT struct snapshot *then =
			snapshot_at(timeline, end_of(2 * PHASE), end_of(second));
		assert_null(find_site(then, &late));
		assert_int_equal(then->stack_count, 1);
		assert_true(then->total.growth_bytes_per_second.value < 0);
		if (second == 2 * PHASE + 1)
			assert_float_equal(then->total.growth_bytes_per_second.value,
					   -PHASE * LATE_BYTES, 1e-6);
	}
}

static void test_the_end_is_the_last_state_exactly(void **state)
{
	const struct place *place = *state;
	OWNED_PROFILE struct profile *profile = new_profile();
	struct capture *capture = create(place->path);
	uint64_t seed = 7;
	for (int second = 1; second <= 50; second++) {
		churn(profile, second, &seed);
		write_snapshot(capture, profile, second + 0.5);
	}
	finish(capture);
	OWNED_SNAPSHOT struct snapshot *expected = load(place->path);
	OWNED_TIMELINE struct timeline *timeline = load_timeline(place->path);
	OWNED_SNAPSHOT struct snapshot *end = snapshot_at(timeline, TIMELINE_ATTACH, 49);
	assert_true(expected->stack_count > 50);
	assert_same_snapshot(expected, end);
	for (size_t i = 0; i < end->site_count; i++)
		assert_int_equal(end->sites[i].figures.course_len, STRETCHES_MAX);
}

static void test_stacks_that_are_gone_are_there_with_nothing(void **state)
{
	const struct place *place = *state;
	struct snapshot *snapshot;
	struct error err;
	record_phases(place->path);
	OWNED_TIMELINE struct timeline *timeline = load_timeline(place->path);
	assert_true(timeline_snapshot_ever(timeline, &snapshot, &err));
	OWNED_SNAPSHOT struct snapshot *ever = snapshot;
	OWNED_SNAPSHOT struct snapshot *expected = load(place->path);
	assert_int_equal(ever->stack_count, 2);
	assert_same_figures(&ever->stacks[0].figures, &expected->stacks[0].figures);
	assert_same_frame(ever->stacks[1].frames[0], &late);
	assert_int_equal(ever->stacks[1].kind, MEMORY_PYMALLOC);
	assert_true(ever->stacks[1].figures.live_bytes.value == 0);
	assert_true(ever->stacks[1].course > 0);
	assert_int_equal(ever->site_count, 1);
	assert_same_figures(&ever->total, &expected->total);
}

/* What profile_snapshot() said at the time. */
static void test_the_past_is_as_it_was_told_then(void **state)
{
	const struct place *place = *state;
	OWNED_PROFILE struct profile *profile = new_profile();
	struct capture *capture = create(place->path);
	struct snapshot *then[60];
	uint64_t seed = 3;
	for (int second = 0; second < 60; second++) {
		for (int i = 0; i < 4; i++)
			churn(profile, second + 0.5, &seed);
		write_snapshot(capture, profile, second + 0.999);
		then[second] = take_snapshot(profile, second + 0.999, 512);
	}
	finish(capture);
	OWNED_TIMELINE struct timeline *timeline = load_timeline(place->path);
	for (size_t i = 0; i < 60; i++) {
		OWNED_SNAPSHOT struct snapshot *expected = then[i];
		OWNED_SNAPSHOT struct snapshot *past = snapshot_at(timeline, TIMELINE_ATTACH, i);
		const struct estimate *live = &past->total.live_bytes;
		const struct estimate *wanted = &expected->total.live_bytes;
		assert_int_equal(past->stack_count, expected->stack_count);
		assert_int_equal(past->site_count, expected->site_count);
		assert_true(live->value == wanted->value);
		if (i < 20)
			continue;
		/* By now there are so many samples that all times are equally noisy. */
		assert_float_equal(live->error, wanted->error, 0.1 * wanted->error);
		assert_true(live->low < live->value && live->value < live->high);
		double slope = past->total.growth_bytes_per_second.value;
		double told = expected->total.growth_bytes_per_second.value;
		assert_float_equal(slope, told,
				   0.1 * fabs(told) + 0.02 * wanted->value / (double)i);
	}
}

/* As record --rotate begins a file. */
static void test_what_was_live_when_a_file_began_did_not_come_then(void **state)
{
	const struct place *place = *state;
	OWNED_PROFILE struct profile *profile = new_profile();
	const struct frame *path[] = { &early };
	struct capture *capture = create(place->path);
	add_block(profile, 1, 1, 1000000, 1, path, 1, MEMORY_MALLOC);
	for (int second = 3600; second <= 3600 + SECONDS; second++) {
		add_block(profile, second, (raddr)second, EARLY_BYTES, 1, path, 1, MEMORY_MALLOC);
		write_snapshot(capture, profile, second + 0.5);
	}
	finish(capture);
	OWNED_TIMELINE struct timeline *timeline = load_timeline(place->path);
	assert_true(timeline_begin_seconds(timeline) == 3600);
	assert_int_equal(timeline_origin(timeline), 0);
	for (size_t i = 0; i < 5; i++) {
		OWNED_SNAPSHOT struct snapshot *then = snapshot_at(timeline, TIMELINE_ATTACH, i);
		const struct figures *total = &then->total;
		const struct figures *site = &find_site(then, &early)->figures;
		assert_true(total->live_bytes.value ==
			    1000000 + EARLY_BYTES * (timeline->instants[i].seconds - 3600));
		if (i == 0)
			continue;
		assert_float_equal(total->growth_bytes_per_second.value, EARLY_BYTES, 1e-6);
		assert_float_equal(site->growth_bytes_per_second.value, EARLY_BYTES, 1e-6);
	}
}

static void test_merged_and_bounded_pasts_add_up(void **state)
{
	const struct place *place = *state;
	OWNED_PROFILE struct profile *profile = new_profile();
	struct capture *capture = create(place->path);
	uint64_t seed = 5;
	capture_limit(capture, CAPTURE_BYTES_MIN);
	for (int second = 1; second <= 3000; second++) {
		churn(profile, second, &seed);
		write_snapshot(capture, profile, second);
	}
	finish(capture);
	OWNED_TIMELINE struct timeline *timeline = load_timeline(place->path);
	assert_in_range(timeline->instant_count, 100, 1025);
	for (size_t i = 0; i < timeline->instant_count; i++) {
		OWNED_SNAPSHOT struct snapshot *then = snapshot_at(timeline, TIMELINE_ATTACH, i);
		double sum = 0;
		for (size_t j = 0; j < then->stack_count; j++)
			sum += then->stacks[j].figures.live_bytes.value;
		assert_float_equal(sum, then->total.live_bytes.value, 1 + 1e-6 * sum);
		assert_true(i == 0 ||
			    timeline->instants[i].seconds >= timeline->instants[i - 1].seconds);
	}
}

static void test_a_capture_without_a_past_is_its_last_state(void **state)
{
	const struct place *place = *state;
	skip_without_sqlite3();
	record_phases(place->path);
	assert_string_equal(ask(place, "DELETE FROM timeline; DELETE FROM bucket"), "");
	OWNED_SNAPSHOT struct snapshot *expected = load(place->path);
	OWNED_TIMELINE struct timeline *timeline = load_timeline(place->path);
	assert_int_equal(timeline->instant_count, 0);
	OWNED_SNAPSHOT struct snapshot *end = snapshot_at(timeline, TIMELINE_ATTACH, 0);
	assert_same_snapshot(expected, end);
	OWNED_SNAPSHOT struct snapshot *beyond = snapshot_at(timeline, 3, 5);
	assert_same_snapshot(expected, beyond);
}

static void test_a_damaged_past_is_refused(void **state)
{
	static const char *const damages[] = {
		"INSERT INTO bucket VALUES (99, 5, 0, 0, 0, 0, 1, 1)",
		"INSERT INTO bucket VALUES (1, 999, 0, 0, 0, 0, 1, 1)",
		"UPDATE bucket SET start_seconds = -5 WHERE start_seconds = 3",
		"UPDATE bucket SET live_bytes = 1e999",
		"UPDATE bucket SET live_bytes = 'much'",
		"UPDATE timeline SET rss_bytes = -1",
		"UPDATE timeline SET live_bytes = 'x'",
		"DELETE FROM timeline",
		"UPDATE meta SET value = 0 WHERE key = 'bucket_seconds'",
		"UPDATE meta SET value = 'x' WHERE key = 'bucket_seconds'",
		"DELETE FROM meta WHERE key = 'bucket_seconds'",
		"UPDATE stack SET kind = 'mmm'",
		"UPDATE stack_frame SET frame_id = 77",
		"WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n LIMIT 9000)"
		" INSERT INTO timeline SELECT i, 0, 0, 0, 0 FROM n",
	};
	const struct place *place = *state;
	skip_without_sqlite3();
	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		struct timeline *timeline = NULL;
		struct error err;
		record_phases(place->path);
		assert_string_equal(ask(place, damages[i]), "");
		if (capture_load_timeline(place->path, &timeline, &err))
			fail_msg("taken: %s", damages[i]);
		assert_null(timeline);
		assert_int_equal(err.kind, ERROR_FILE);
		unlink(place->path);
	}
}

/* Numbers that are not what they should be must not make others out of bounds. */
static void test_absurd_figures_stay_finite(void **state)
{
	const struct place *place = *state;
	skip_without_sqlite3();
	record_phases(place->path);
	assert_string_equal(ask(place, "UPDATE bucket SET live_bytes = 1e300 * (1 - 2 *"
				       " (start_seconds % 2)), risen_bytes = 1e300;"
				       "UPDATE figures SET live_bytes_high = 1e300;"
				       "UPDATE meta SET value = -5 WHERE key = 'seconds'"),
			    "");
	OWNED_TIMELINE struct timeline *timeline = load_timeline(place->path);
	for (size_t from = 0; from < timeline->instant_count; from++) {
		for (size_t to = 0; to + 1 < timeline->instant_count; to++) {
			OWNED_SNAPSHOT struct snapshot *then = snapshot_at(timeline, from, to);
			const struct figures *total = &then->total;
			assert_true(isfinite(total->live_bytes.high));
			assert_true(isfinite(total->growth_bytes_per_second.high));
			for (size_t i = 0; i < then->stack_count; i++)
				assert_true(isfinite(then->stacks[i].figures.live_bytes.error));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLACED(test_each_instant_shows_what_was_live_then),
		PLACED(test_an_instant_keeps_paths_threads_and_kinds),
		PLACED(test_growth_between_two_instants_is_of_what_grew_then),
		PLACED(test_what_was_freed_since_shrinks_and_is_no_row),
		PLACED(test_the_end_is_the_last_state_exactly),
		PLACED(test_stacks_that_are_gone_are_there_with_nothing),
		PLACED(test_the_past_is_as_it_was_told_then),
		PLACED(test_what_was_live_when_a_file_began_did_not_come_then),
		PLACED(test_merged_and_bounded_pasts_add_up),
		PLACED(test_a_capture_without_a_past_is_its_last_state),
		PLACED(test_a_damaged_past_is_refused),
		PLACED(test_absurd_figures_stay_finite),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
