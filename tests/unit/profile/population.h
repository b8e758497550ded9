/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_PROFILE_POPULATION_H
#define TESTS_UNIT_PROFILE_POPULATION_H

/**
 * @file
 * Chance with a seed, and profiles made by hand.
 */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "profile/profile.h"

/* splitmix64: the same numbers in every run. */
static inline uint64_t random_bits(uint64_t *seed)
{
	uint64_t mixed = *seed += UINT64_C(0x9e3779b97f4a7c15);
	mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
	return mixed ^ mixed >> 31;
}

/* A number in (0, 1). */
static inline double random_unit(uint64_t *seed)
{
	return ((double)(random_bits(seed) >> 11) + 0.5) / 9007199254740992.0;
}

/* Instants of tests are seconds since this one. */
#define POPULATION_START_NS (100 * NS_PER_SECOND)

static inline uint64_t at_seconds(double seconds)
{
	return POPULATION_START_NS + (uint64_t)(seconds * 1e9);
}

static inline struct profile *new_profile(void)
{
	struct profile *profile;
	struct error err;
	assert_true(profile_create(POPULATION_START_NS, &profile, &err));
	return profile;
}

static inline void profile_cleanup(struct profile **profile)
{
	profile_destroy(*profile);
}

#define OWNED_PROFILE OWNED(profile_cleanup)

/* Add a block on a stack of `depth` frames. */
static inline void add_block(struct profile *profile, double seconds, raddr block, uint64_t size,
			     uint64_t interval, const struct frame *const *frames, size_t depth,
			     enum memory_kind kind)
{
	const struct sample sample = {
		.time_ns = at_seconds(seconds),
		.block = block,
		.size_bytes = size,
		.interval_bytes = interval,
		.kind = kind,
		.tid = 1,
		.thread = "MainThread",
		.frames = frames,
		.frame_count = depth,
	};
	struct error err;
	assert_true(profile_add(profile, &sample, &err));
}

static inline struct snapshot *take_snapshot(const struct profile *profile, double seconds,
					     uint64_t interval)
{
	char *command[] = { (char[]){ "python3" }, (char[]){ "app.py" }, NULL };
	const struct snapshot_target target = { .pid = 4121,
						.command = command,
						.python = "3.11.7" };
	const struct snapshot_capture capture = {
		.start_realtime_ns = UINT64_C(1795348800) * NS_PER_SECOND,
		.seconds = seconds,
		.samples = 5120,
		.dropped = 3,
		.sample_bytes = interval,
		.stops_per_second = 170.2,
		.stopped_seconds = 0.012,
		.longest_stop_seconds = 0.0004,
		.rss_bytes = UINT64_C(1) << 30,
		.rss_growth_bytes_per_second = 54321.5,
	};
	struct snapshot *snapshot;
	struct error err;
	assert_true(
		profile_snapshot(profile, at_seconds(seconds), &target, &capture, &snapshot, &err));
	return snapshot;
}

#endif
