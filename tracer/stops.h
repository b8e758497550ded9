/* SPDX-License-Identifier: MIT */
#ifndef TRACER_STOPS_H
#define TRACER_STOPS_H

/**
 * @file
 * The tracer's side of the shared pages while gates are planted: takes threads out of their
 * mailboxes, follows frees through the ring, keeps draws fresh and T within the budget.
 */

#include "tracer/followed.h"
#include "tracer/gates.h"
#include "tracer/interval.h"
#include "tracer/owner.h"
#include "tracer/region.h"
#include "tracer/stop_kind.h"
#include "tracer/tracee.h"
#include "tracer/tracer.h"

/* A thread that stands at a trap until its mailbox is released. */
struct trapped {
	struct tracee thread;
	size_t box;
};

struct stops {
	struct target_memory *tm;
	struct region region;
	const struct gates *gates;
	const struct stop_kind *kind;
	struct tracer_listener listener;
	struct interval interval;
	struct followed followed;
	struct owner owner;
	bool is_armed;

	size_t next_box;      /* the mailbox to look into next */
	uint64_t draws_taken; /* by pads, as far as they were replaced */
	uint64_t ring_taken;
	uint32_t *late;		 /* ring indices that were claimed but not written yet */
	size_t late_len;	 /* at most LATE_MAX */
	struct trapped *trapped; /* at most MAILBOX_COUNT */
	size_t trapped_len;

	uint64_t stop_count;
	uint64_t bucket_full_count;
	uint32_t timeouts_seen;
	double stops_per_second;
	uint32_t seen_times[TIMES_COUNT]; /* until a thread was seen, by stop_times_count() */
	uint32_t look_times[TIMES_COUNT]; /* and from then on until it was let go */
	/* The current stretch of the budget. */
	uint64_t stretch_start_ns;
	uint64_t stretch_stop_count;
	uint64_t stretch_ticks;
	/* For turning time-stamp ticks into time. */
	uint64_t first_ns;
	uint64_t first_ticks;
};

/** Fill the shared pages and register the calling thread as the owner. The region, whose mapping
 *  becomes the stops' own, must not be planted yet. Errors: ERROR_NO_MEMORY, ERROR_INTERNAL. */
MUST_CHECK bool stops_init(struct stops *stops, struct target_memory *tm, struct region *region,
			   const struct gates *gates, const struct tracer_options *options,
			   const struct tracer_listener *listener, struct error *err);
void stops_deinit(struct stops *stops);

/** Let samples be taken, or let no more be taken. */
MUST_CHECK bool stops_arm(struct stops *stops, bool is_armed, struct error *err);

/** Serve until `deadline_ns` (CLOCK_MONOTONIC), and touch nothing after it: whoever has stood still
 *  himself has to look first whether the region is still his. */
MUST_CHECK bool stops_serve(struct stops *stops, uint64_t deadline_ns, struct error *err);

/** Release every thread without looking at it, and see it leave, for so long; 0: those that wait
 *  now. For a disarmed target. */
void stops_release_all(struct stops *stops, uint64_t patience_ns);

void stops_describe(const struct stops *stops, struct tracer_stats *ret);

#endif
