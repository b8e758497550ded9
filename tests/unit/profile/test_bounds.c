/* SPDX-License-Identifier: MIT */
/* What a profile forgets, and what it keeps all the same. */
#include "profile/profile.h"

#include <malloc.h>
#include <math.h>
#include <string.h>

#include "tests/unit/profile/population.h"

enum { FRAMES = 40, SITES = 12, DEPTH_MAX = 7 };

static struct frame frames[FRAMES];
static const struct profile_limits small = { .stacks = 64, .nodes = 256, .shown = 16 };

static struct profile *bounded(const struct profile_limits *limits)
{
	for (int i = 0; i < FRAMES; i++)
		frames[i] = (struct frame){ "f", "app.py", i + 1 };
	struct profile *profile = new_profile();
	profile_limit(profile, limits);
	return profile;
}

/* A path whose innermost frame is one of the sites. */
static size_t random_path(const struct frame **path, uint64_t *seed)
{
	size_t depth = 1 + random_bits(seed) % DEPTH_MAX;
	path[0] = &frames[random_bits(seed) % SITES];
	for (size_t i = 1; i < depth; i++)
		path[i] = &frames[random_bits(seed) % FRAMES];
	return depth;
}

static void assert_near(double a, double b, double scale)
{
	assert_float_equal(a, b, 1e-9 * fmax(fabs(scale), 1));
}

static void assert_same_interval(const struct estimate *a, const struct estimate *b)
{
	assert_near(a->value, b->value, b->error);
	assert_near(a->low, b->low, b->error);
	assert_near(a->high, b->high, b->error);
}

static void assert_same(const struct figures *a, const struct figures *b)
{
	assert_same_interval(&a->live_bytes, &b->live_bytes);
	assert_same_interval(&a->growth_bytes_per_second, &b->growth_bytes_per_second);
	assert_near(a->live_blocks, b->live_blocks, b->live_blocks);
	assert_true(a->oldest_seconds == b->oldest_seconds);
	assert_int_equal(a->live_samples, b->live_samples);
	for (int kind = 0; kind < MEMORY_KIND_COUNT; kind++)
		assert_near(a->kind_live_bytes[kind], b->kind_live_bytes[kind],
			    b->kind_live_bytes[kind]);
	assert_int_equal(a->course_len, b->course_len);
	for (size_t i = 0; i < a->course_len; i++)
		assert_float_equal(a->course_bytes[i], b->course_bytes[i],
				   1e-4 * b->live_bytes.value);
}

static const struct snapshot_site *site_of(const struct snapshot *snapshot, int line)
{
	for (size_t i = 0; i < snapshot->site_count; i++)
		if (snapshot->sites[i].frame->line == line)
			return &snapshot->sites[i];
	return NULL;
}

static double stacks_bytes(const struct snapshot *snapshot, int line)
{
	double ret = 0;
	for (size_t i = 0; i < snapshot->stack_count; i++)
		if (snapshot->stacks[i].frame_count && snapshot->stacks[i].frames[0]->line == line)
			ret += snapshot->stacks[i].figures.live_bytes.value;
	return ret;
}

/* The same blocks come and go in both, and are thinned. */
static void live_through(struct profile *one, struct profile *other, unsigned steps, uint64_t *seed)
{
	enum { BLOCKS = 400 };
	for (unsigned step = 1; step <= steps; step++) {
		const struct frame *path[DEPTH_MAX];
		size_t depth = random_path(path, seed);
		double now = step * 0.1;
		raddr block = random_bits(seed) % BLOCKS;
		uint64_t size = 1 + random_bits(seed) % 5000;
		enum memory_kind kind = random_bits(seed) % 2;
		bool is_free = random_bits(seed) % 3 == 0;
		struct profile *const both[] = { one, other };
		for (size_t i = 0; i < ARRAY_LEN(both); i++) {
			if (is_free)
				profile_free(both[i], block, at_seconds(now));
			else
				add_block(both[i], now, block, size, 512, path, depth, kind);
			for (raddr dropped = 0; step % 1000 == 999 && dropped < BLOCKS;
			     dropped += 2)
				profile_drop(both[i], dropped);
			if (step % 1000 == 999)
				profile_double(both[i]);
		}
	}
}

static void test_sites_and_total_are_the_same_whatever_stacks_are_forgotten(void **state)
{
	(void)state;
	enum { STEPS = 5000 };
	OWNED_PROFILE struct profile *whole = bounded(&profile_limits_default);
	OWNED_PROFILE struct profile *profile = bounded(&small);
	uint64_t seed = 11;
	live_through(whole, profile, STEPS, &seed);
	OWNED_SNAPSHOT struct snapshot *expected = take_snapshot(whole, STEPS * 0.1, 512);
	OWNED_SNAPSHOT struct snapshot *snapshot = take_snapshot(profile, STEPS * 0.1, 512);
	assert_true(expected->stack_count > small.stacks);
	assert_in_range(snapshot->stack_count, SITES, small.stacks);

	assert_same(&snapshot->total, &expected->total);
	assert_int_equal(snapshot->site_count, SITES);
	for (int line = 1; line <= SITES; line++) {
		assert_same(&site_of(snapshot, line)->figures, &site_of(expected, line)->figures);
		double bytes = site_of(expected, line)->figures.live_bytes.value;
		assert_near(stacks_bytes(snapshot, line), bytes, bytes);
	}
}

static void test_the_largest_stacks_are_shown_and_what_is_left_of_a_site_is_one(void **state)
{
	(void)state;
	enum { STACKS = 30 };
	OWNED_PROFILE struct profile *profile =
		bounded(&(struct profile_limits){ .stacks = 1000, .nodes = 1000, .shown = 5 });
	for (raddr i = 0; i < STACKS; i++) {
		const struct frame *path[] = { &frames[i % 2], &frames[i] };
		add_block(profile, 1, i, 100 + i, 1, path, 2, MEMORY_MALLOC);
	}
	OWNED_SNAPSHOT struct snapshot *snapshot = take_snapshot(profile, 2, 1);
	assert_int_equal(snapshot->stack_count, 5 + 2);
	for (size_t i = 0; i < 2; i++) {
		const struct snapshot_stack *rest = &snapshot->stacks[i];
		assert_int_equal(rest->frame_count, 1);
		assert_true(rest->is_truncated);
		assert_string_equal(rest->thread, "MainThread");
		assert_true(stacks_bytes(snapshot, rest->frames[0]->line) ==
			    site_of(snapshot, rest->frames[0]->line)->figures.live_bytes.value);
	}
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(snapshot->stacks[2 + i].frame_count, 2);
		assert_true(snapshot->stacks[2 + i].figures.live_bytes.value ==
			    (double)(100 + STACKS - 1 - i));
	}
}

static void test_of_equal_stacks_the_same_are_shown_each_time(void **state)
{
	(void)state;
	enum { EACH = 20, SHOWN = 50 };
	OWNED_PROFILE struct profile *profile =
		bounded(&(struct profile_limits){ .stacks = 1000, .nodes = 3000, .shown = SHOWN });
	for (raddr i = 0; i < EACH * EACH; i++) {
		const struct frame *path[] = { &frames[0], &frames[i % EACH], &frames[i / EACH] };
		add_block(profile, 1, i, 100, 1, path, 3, MEMORY_MALLOC);
	}
	OWNED_SNAPSHOT struct snapshot *first = take_snapshot(profile, 2, 1);
	OWNED_SNAPSHOT struct snapshot *second = take_snapshot(profile, 3, 1);
	assert_int_equal(first->stack_count, SHOWN + 1);
	assert_int_equal(second->stack_count, SHOWN + 1);
	for (size_t i = 0; i < first->stack_count; i++) {
		const struct snapshot_stack *one = &first->stacks[i], *other = &second->stacks[i];
		assert_int_equal(one->frame_count, other->frame_count);
		for (size_t j = 0; j < one->frame_count; j++)
			assert_int_equal(one->frames[j]->line, other->frames[j]->line);
	}
}

/* Fill a profile with live stacks of one block each. */
static void fill(struct profile *profile, double now, size_t blocks, uint64_t *seed)
{
	for (size_t i = 0; i < blocks; i++) {
		const struct frame *path[DEPTH_MAX];
		size_t depth = random_path(path, seed);
		add_block(profile, now, 0x1000 + random_bits(seed) % 2000, 10, 1, path, depth,
			  MEMORY_MALLOC);
	}
}

static const struct snapshot_stack *stack_of(const struct snapshot *snapshot,
					     const struct frame *const *path, size_t depth)
{
	for (size_t i = 0; i < snapshot->stack_count; i++) {
		const struct snapshot_stack *stack = &snapshot->stacks[i];
		bool is_same = stack->frame_count == depth;
		for (size_t j = 0; is_same && j < depth; j++)
			is_same = stack->frames[j]->line == path[j]->line;
		if (is_same)
			return stack;
	}
	return NULL;
}

static void test_a_leak_that_begins_when_all_room_is_taken_is_told_apart(void **state)
{
	(void)state;
	OWNED_PROFILE struct profile *profile = bounded(&small);
	const struct frame *leak[] = { &frames[3], &frames[4], &frames[5], &frames[6] };
	uint64_t seed = 12;
	fill(profile, 1, 5000, &seed);
	for (raddr i = 0; i < 200; i++) {
		add_block(profile, 2 + 0.1 * (double)i, 0x100000 + i, 100, 1, leak, ARRAY_LEN(leak),
			  MEMORY_MALLOC);
		fill(profile, 2 + 0.1 * (double)i, 20, &seed);
	}
	OWNED_SNAPSHOT struct snapshot *snapshot = take_snapshot(profile, 30, 1);
	const struct snapshot_stack *stack = stack_of(snapshot, leak, ARRAY_LEN(leak));
	assert_non_null(stack);
	assert_false(stack->is_truncated);
	assert_true(stack->figures.live_bytes.value > 0.9 * 200 * 100);
}

/* It held 1000 bytes from the beginning, was cut, and holds as much again: the site did not grow,
 * and of the stack nobody knows any more. */
static void test_a_stack_that_comes_back_begins_anew_but_its_site_knows_it(void **state)
{
	(void)state;
	OWNED_PROFILE struct profile *profile = bounded(&small);
	OWNED_PROFILE struct profile *whole = bounded(&profile_limits_default);
	struct profile *const both[] = { profile, whole };
	const struct frame *path[] = { &frames[SITES], &frames[4], &frames[5] };
	for (size_t i = 0; i < 2; i++) {
		uint64_t seed = 13;
		add_block(both[i], 0, 0x10, 1000, 1, path, ARRAY_LEN(path), MEMORY_MALLOC);
		profile_free(both[i], 0x10, at_seconds(50));
		fill(both[i], 60, 20000, &seed);
		add_block(both[i], 60, 0x20, 1000, 1, path, ARRAY_LEN(path), MEMORY_MALLOC);
	}
	OWNED_SNAPSHOT struct snapshot *snapshot = take_snapshot(profile, 100, 1);
	OWNED_SNAPSHOT struct snapshot *expected = take_snapshot(whole, 100, 1);
	assert_same(&site_of(snapshot, SITES + 1)->figures, &site_of(expected, SITES + 1)->figures);
	const struct snapshot_stack *stack = stack_of(snapshot, path, ARRAY_LEN(path));
	assert_non_null(stack);
	/* 1000 bytes that come at 60 of 100 s. */
	assert_near(stack->figures.growth_bytes_per_second.value,
		    6.0 / 1e6 * 1000 * (100 - 60) * 60, 1);
}

static void test_more_sites_than_there_is_room_for_leave_the_total_as_it_is(void **state)
{
	(void)state;
	enum { LINES = 500 };
	static struct frame lines[LINES];
	OWNED_PROFILE struct profile *profile = bounded(&small);
	double truth = 0;
	for (raddr i = 0; i < LINES; i++) {
		lines[i] = (struct frame){ "made", "up.py", (int)i + 1 };
		const struct frame *path[] = { &lines[i] };
		add_block(profile, 1, i, 10 + i, 1, path, 1, MEMORY_MALLOC);
		truth += (double)(10 + i);
	}
	OWNED_SNAPSHOT struct snapshot *snapshot = take_snapshot(profile, 2, 1);
	assert_true(snapshot->total.live_bytes.value == truth);
	assert_int_equal(snapshot->total.live_samples, LINES);
	assert_in_range(snapshot->site_count, small.stacks / 2, small.stacks);
	assert_string_equal(snapshot->sites[0].frame->function, "[unknown]");
	double sites = 0;
	for (size_t i = 0; i < snapshot->site_count; i++)
		sites += snapshot->sites[i].figures.live_bytes.value;
	assert_true(sites == truth);
}

static size_t allocated_bytes(void)
{
	struct mallinfo2 info = mallinfo2();
	return info.uordblks + info.hblkhd;
}

static void test_memory_does_not_grow_with_the_number_of_stacks(void **state)
{
	(void)state;
	enum { ROUNDS = 40, BLOCKS_PER_ROUND = 5000, SPARE_BYTES = 64 * 1024 };
	OWNED_PROFILE struct profile *profile =
		bounded(&(struct profile_limits){ .stacks = 1024, .nodes = 8192, .shown = 100 });
	uint64_t seed = 14;
	size_t after_a_while = 0;
	for (unsigned round = 0; round < ROUNDS; round++) {
		fill(profile, round, BLOCKS_PER_ROUND, &seed);
		OWNED_SNAPSHOT struct snapshot *snapshot = take_snapshot(profile, round, 1);
		assert_in_range(snapshot->stack_count, 100, 100 + 2 * SITES);
		if (round == ROUNDS / 4)
			after_a_while = allocated_bytes();
	}
	assert_true(allocated_bytes() < after_a_while + SPARE_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sites_and_total_are_the_same_whatever_stacks_are_forgotten),
		cmocka_unit_test(
			test_the_largest_stacks_are_shown_and_what_is_left_of_a_site_is_one),
		cmocka_unit_test(test_of_equal_stacks_the_same_are_shown_each_time),
		cmocka_unit_test(test_a_leak_that_begins_when_all_room_is_taken_is_told_apart),
		cmocka_unit_test(test_a_stack_that_comes_back_begins_anew_but_its_site_knows_it),
		cmocka_unit_test(test_more_sites_than_there_is_room_for_leave_the_total_as_it_is),
		cmocka_unit_test(test_memory_does_not_grow_with_the_number_of_stacks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
