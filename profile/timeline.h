/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_TIMELINE_H
#define PROFILE_TIMELINE_H

/**
 * @file
 * How live bytes went in a capture, stack by stack, and the snapshot of any instant made from it.
 * Knows no file.
 */

#include "base/error.h"
#include "profile/snapshot.h"

/** The whole process at the end of one stretch of time. */
struct instant {
	double start_seconds; /* of the stretch, since attach */
	double seconds;	      /* when it ends: the instant itself */
	double live_bytes;
	double live_blocks;
	uint64_t rss_bytes;
	uint64_t samples;
};

/** What a stack holds from an instant on. */
struct course_point {
	double live_bytes;
	uint32_t instant;
	float live_blocks;
	float moved_bytes; /* that came and that went since the instant before, together */
};

/** The course of a stack that was ever live. */
struct course {
	const struct frame *const *frames; /* these three as in struct snapshot_stack */
	size_t frame_count;
	const char *thread;
	enum memory_kind kind;
	bool is_truncated;
	size_t first; /* its points, in the order of time */
	size_t point_count;
};

/** Owns all it points to; what is of the last snapshot lies there. */
struct timeline {
	struct snapshot *last;	  /* the state at the end */
	struct instant *instants; /* in the order of time; the last one is the end */
	size_t instant_count;	  /* 0: nothing is known of the past */
	struct course *courses;
	size_t course_count;
	struct course_point *points;
	size_t point_count;
};

void timeline_destroy(struct timeline *timeline);

static inline void timeline_cleanup(struct timeline **timeline)
{
	timeline_destroy(*timeline);
}

#define OWNED_TIMELINE OWNED(timeline_cleanup)

/** The attach, where nothing is live yet. */
#define TIMELINE_ATTACH SIZE_MAX

/** Make the snapshot of the instant `to`, with growth since the instant `from` (TIMELINE_ATTACH: in
 *  all), which comes before it; else growth is in all that is known. It points into the timeline,
 * which must stay as long. Without instants it is the last state.
 *
 *  The end has the figures that the capture holds. Of the past no intervals are known: they are
 *  made from how noisy a byte is at the end, and do not know of what came and went within one
 *  stretch of time. A stack is as old as the time since when it always had live bytes. Ages, sizes
 *  and samples are all zero. `course_bytes` is there for both.
 *  Errors: ERROR_NO_MEMORY. snapshot_destroy() gives it back. */
MUST_CHECK bool timeline_snapshot(const struct timeline *timeline, size_t from, size_t to,
				  struct snapshot **ret, struct error *err);

/** Make the last state with all stacks that were ever live, those that are no longer with figures
 *  of zero; for what goes by their courses. Else as timeline_snapshot(). */
MUST_CHECK bool timeline_snapshot_ever(const struct timeline *timeline, struct snapshot **ret,
				       struct error *err);

/** The instant from which the timeline tells what came: TIMELINE_ATTACH, or the first one of a
 *  capture that was begun when much was live already (record --rotate). */
size_t timeline_origin(const struct timeline *timeline);

/** When that is, since attach; of the former: 0. */
double timeline_begin_seconds(const struct timeline *timeline);

/** The last instant whose stretch begins at `seconds` or before; 0 if there is none. */
size_t timeline_find(const struct timeline *timeline, double seconds);

#endif
