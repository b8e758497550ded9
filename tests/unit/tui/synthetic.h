/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_TUI_SYNTHETIC_H
#define TESTS_UNIT_TUI_SYNTHETIC_H

/**
 * @file
 * Snapshots made up for tests.
 */

#include <math.h>
#include <string.h>

#include "profile/snapshot.h"

enum { SYNTHETIC_FRAMES_MAX = 12 };

/** One stack: its frames innermost first, up to the first NULL, and its figures. */
struct synthetic_stack {
	const struct frame *frames[SYNTHETIC_FRAMES_MAX + 1];
	double live, live_error;
	double growth, growth_error;
	double blocks, oldest;
	bool is_truncated;
};

static inline struct estimate synthetic_estimate(double value, double error)
{
	return (struct estimate){ value, value - error, value + error, error };
}

/* Half of the bytes are as old as the oldest block, the rest under a second; all blocks are equal;
 * what grows began with nothing. */
static inline void synthetic_describe(const struct synthetic_stack *stack, struct figures *ret)
{
	size_t age = 0;
	size_t size = 0;
	while (age + 1 < AGE_CLASSES && age_class_seconds[age + 1] <= stack->oldest)
		age++;
	while (size + 1 < SIZE_CLASSES && size_class_bytes[size + 1] * stack->blocks <= stack->live)
		size++;
	ret->age_bytes[0] = (float)(stack->live / 2);
	ret->age_bytes[age] += (float)(stack->live / 2);
	ret->age_blocks[0] = (float)(stack->blocks / 2);
	ret->age_blocks[age] += (float)(stack->blocks / 2);
	ret->size_bytes[size] = (float)stack->live;
	ret->course_len = STRETCHES_MAX;
	for (size_t i = 0; i < STRETCHES_MAX; i++)
		ret->course_bytes[i] =
			(float)(stack->live * (stack->growth > 0 ? (double)(i + 1) / 16 : 1));
}

static inline struct figures synthetic_figures(const struct synthetic_stack *stack)
{
	struct figures ret = { .live_bytes = synthetic_estimate(stack->live, stack->live_error),
			       .growth_bytes_per_second =
				       synthetic_estimate(stack->growth, stack->growth_error),
			       .live_blocks = stack->blocks,
			       .oldest_seconds = stack->oldest,
			       .live_samples = 1,
			       .kind_live_bytes = { stack->live } };
	synthetic_describe(stack, &ret);
	return ret;
}

static inline void synthetic_add(struct figures *sum, const struct synthetic_stack *stack)
{
	sum->live_bytes = synthetic_estimate(sum->live_bytes.value + stack->live,
					     hypot(sum->live_bytes.error, stack->live_error));
	sum->growth_bytes_per_second =
		synthetic_estimate(sum->growth_bytes_per_second.value + stack->growth,
				   hypot(sum->growth_bytes_per_second.error, stack->growth_error));
	sum->live_blocks += stack->blocks;
	sum->oldest_seconds = fmax(sum->oldest_seconds, stack->oldest);
	sum->live_samples++;

	struct figures figures = synthetic_figures(stack);
	sum->course_len = STRETCHES_MAX;
	for (size_t i = 0; i < STRETCHES_MAX; i++)
		sum->course_bytes[i] += figures.course_bytes[i];
	for (size_t i = 0; i < AGE_CLASSES; i++) {
		sum->age_bytes[i] += figures.age_bytes[i];
		sum->age_blocks[i] += figures.age_blocks[i];
	}
	for (size_t i = 0; i < SIZE_CLASSES; i++)
		sum->size_bytes[i] += figures.size_bytes[i];
}

static inline struct snapshot_site *synthetic_site(struct snapshot *snapshot,
						   const struct frame *frame)
{
	for (size_t i = 0; i < snapshot->site_count; i++)
		if (snapshot->sites[i].frame == frame)
			return &snapshot->sites[i];
	struct snapshot_site *site = &snapshot->sites[snapshot->site_count++];
	site->frame = frame;
	return site;
}

/* What threading has begun runs in a thread of its own. */
static inline const char *synthetic_thread(const struct synthetic_stack *stack, size_t frames)
{
	bool is_worker = frames && strcmp(stack->frames[frames - 1]->function, "run") == 0;
	return is_worker ? "worker-1" : "MainThread";
}

/** Make a snapshot of the stacks, which it refers to; synthetic_free() gives it back. */
static inline struct snapshot *synthetic_make(const struct synthetic_stack *stacks, size_t count)
{
	static char *command[] = { "gunicorn: worker", "[shop.app:create_app()]", NULL };
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
	snapshot->stacks = calloc(count + 1, sizeof(*snapshot->stacks));
	snapshot->sites = calloc(count + 1, sizeof(*snapshot->sites));
	snapshot->stack_count = count;
	for (size_t i = 0; i < count; i++) {
		size_t frames = 0;
		while (stacks[i].frames[frames])
			frames++;
		snapshot->stacks[i] = (struct snapshot_stack){
			.frames = stacks[i].frames,
			.frame_count = frames,
			.is_truncated = stacks[i].is_truncated,
			.thread = synthetic_thread(&stacks[i], frames),
			.figures = synthetic_figures(&stacks[i]),
		};
		synthetic_add(&snapshot->total, &stacks[i]);
		if (frames)
			synthetic_add(&synthetic_site(snapshot, stacks[i].frames[0])->figures,
				      &stacks[i]);
	}
	snapshot->target =
		(struct snapshot_target){ .pid = 4121, .command = command, .python = "3.11.7" };
	snapshot->capture = (struct snapshot_capture){
		.seconds = 252,
		.samples = count ? 18233 : 0,
		.sample_bytes = 65536,
		.stops_per_second = 170.2,
		.stopped_seconds = 0.53,
		.median_stop_seconds = 0.00004,
		.p99_stop_seconds = 0.0003,
		.longest_stop_seconds = 0.0004,
		.stop_counts = { [2] = 310, [3] = 9800, [4] = 6900, [5] = 1100, [7] = 123 },
		.budget = 0.01,
		.uptime_seconds = 518400,
		.memory_limit_bytes = 1u << 31,
		.rss_bytes = 1524713390,
		.rss_growth_bytes_per_second = 54000
	};
	return snapshot;
}

static inline void synthetic_free(struct snapshot *snapshot)
{
	free(snapshot->stacks);
	free(snapshot->sites);
	free(snapshot);
}

#endif
