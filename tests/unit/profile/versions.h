/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_PROFILE_VERSIONS_H
#define TESTS_UNIT_PROFILE_VERSIONS_H

/**
 * @file
 * Two versions of one program, put together by hand.
 */

#include <string.h>

#include "profile/diff.h"
#include "profile/snapshot.h"
#include "tests/unit/profile/population.h"

enum { VERSION_SITES_MAX = 16, VERSION_DEPTH_MAX = 4 };

/* A snapshot whose every site has one stack. */
struct version {
	struct snapshot snapshot;
	struct snapshot_site sites[VERSION_SITES_MAX];
	struct snapshot_stack stacks[VERSION_SITES_MAX];
	struct frame frames[VERSION_SITES_MAX];
	const struct frame *paths[VERSION_SITES_MAX][VERSION_DEPTH_MAX];
	char *command[3];
};

static inline void version_init(struct version *version, double seconds, uint64_t sample_bytes)
{
	static char program[] = "/usr/bin/python3", script[] = "/srv/secret/app.py";
	*version = (struct version){ .command = { program, script } };
	version->snapshot = (struct snapshot){
		.target = { .pid = 41, .command = version->command, .python = "3.11.7" },
		.capture = { .seconds = seconds, .sample_bytes = sample_bytes, .samples = 5120 },
		.stacks = version->stacks,
		.sites = version->sites,
	};
}

/* A value with an error, which is that to both sides. */
static inline struct estimate estimate_of(double value, double error)
{
	return (struct estimate){ value, value - error, value + error, error };
}

/* Add a site that grows, with a stack of itself and some callers. Returns its number. */
static inline size_t version_add(struct version *version, const struct frame *frame, double live,
				 double growth, double growth_error)
{
	struct snapshot *snapshot = &version->snapshot;
	size_t number = snapshot->site_count;
	assert_true(number < VERSION_SITES_MAX);
	const struct figures figures = {
		.live_bytes = estimate_of(live, live / 10),
		.growth_bytes_per_second = estimate_of(growth, growth_error),
		.live_blocks = live / 100,
		.kind_live_bytes[MEMORY_MALLOC] = live,
	};
	version->frames[number] = *frame;
	version->paths[number][0] = &version->frames[number];
	version->sites[number] = (struct snapshot_site){ &version->frames[number], figures };
	version->stacks[number] = (struct snapshot_stack){
		.frames = version->paths[number],
		.frame_count = 1,
		.thread = "main",
		.kind = MEMORY_MALLOC,
		.figures = figures,
	};
	snapshot->site_count = snapshot->stack_count = number + 1;
	snapshot->total.live_bytes.value += live;
	snapshot->total.growth_bytes_per_second.value += growth;
	struct estimate *live_total = &snapshot->total.live_bytes;
	struct estimate *growth_total = &snapshot->total.growth_bytes_per_second;
	*live_total = estimate_of(live_total->value, hypot(live_total->error, live / 10));
	*growth_total = estimate_of(growth_total->value, hypot(growth_total->error, growth_error));
	return number;
}

static inline void version_add_caller(struct version *version, size_t number,
				      const struct frame *caller)
{
	struct snapshot_stack *stack = &version->stacks[number];
	assert_true(stack->frame_count < VERSION_DEPTH_MAX);
	version->paths[number][stack->frame_count++] = caller;
}

static inline struct diff *compare_with(const struct version *old, const struct version *new,
					const struct diff_options *options)
{
	struct diff *ret;
	struct error err = { .context = "" };
	if (!diff_create(&old->snapshot, &new->snapshot, options, &ret, &err))
		fail_msg("%s", err.context);
	return ret;
}

static inline struct diff *compare(const struct version *old, const struct version *new)
{
	return compare_with(old, new, &(struct diff_options){ 0 });
}

#endif
