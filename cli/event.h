/* SPDX-License-Identifier: MIT */
#ifndef CLI_EVENT_H
#define CLI_EVENT_H

/**
 * @file
 * What the thread that traces tells the thread that people see, through a struct event_queue.
 */

#include "profile/profile.h"
#include "tracer/tracer.h"

enum event_type {
	EVENT_SAMPLE, /* struct sample_event */
	EVENT_FREE,   /* struct block_event */
	EVENT_DROP,   /* struct block_event */
	EVENT_DOUBLE, /* struct block_event, of no block */
	EVENT_STATS,  /* struct stats_event */
};

/** What all begin with. */
struct event {
	enum event_type type;
};

struct block_event {
	struct event event;
	raddr block;
	uint64_t time_ns;
};

struct sample_event {
	struct event event;
	struct sample sample;	/* all but `frames`: those that are new follow */
	size_t new_frame_count; /* of told_stack_tell() */
	const struct frame *frames[];
};

struct stats_event {
	struct event event;
	struct tracer_stats tracer;
	uint64_t refused; /* samples that were not taken because the queue was too full */
	bool is_crowded;  /* the target has more code than is told apart */
};

#endif
