/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_SNAPSHOT_H
#define PROFILE_SNAPSHOT_H

/**
 * @file
 * What is known of a target at one instant: the currency between the profile (or a capture file)
 * and everything that shows it. Owns all it points to; nothing in it changes once it is made.
 */

#include <stddef.h>

#include "base/error.h"
#include "base/frame.h"
#include "base/gate_spec.h"
#include "base/stop_classes.h"

/** A figure with the interval that holds the truth with 95% confidence: value may lie anywhere in
 *  [low, high]. `error` is the half-width to print: the larger of high-value and value-low. */
struct estimate {
	double value;
	double low;
	double high;
	double error;
};

/** In how many stretches of time, at most, the course of live bytes is remembered. */
enum { STRETCHES_MAX = 16 };

/** Live blocks are also counted by age and by size, each class beginning where the one before ends;
 *  the last one has no end. */
enum { AGE_CLASSES = 12, SIZE_CLASSES = 12 };
extern const double age_class_seconds[AGE_CLASSES];
extern const double size_class_bytes[SIZE_CLASSES];

/** The figures of a stack, a site or the whole process. */
struct figures {
	struct estimate live_bytes;		   /* allocated since attach, not yet freed */
	struct estimate growth_bytes_per_second;   /* slope of live bytes over time */
	double live_blocks;			   /* estimated, unbiased */
	double oldest_seconds;			   /* age of the oldest live block sampled */
	size_t live_samples;			   /* how many samples the figures rest on */
	double kind_live_bytes[MEMORY_KIND_COUNT]; /* sums up to live_bytes.value */

	/* What follows adds up over stacks of one snapshot. A capture does not hold it: all zero.
	 */
	float course_bytes[STRETCHES_MAX]; /* live bytes on average over equal stretches of time
					    * since growth is measured; the last one goes on */
	size_t course_len;
	float age_bytes[AGE_CLASSES];
	float age_blocks[AGE_CLASSES];
	float size_bytes[SIZE_CLASSES];
};

/** One distinct call path and kind of memory. */
struct snapshot_stack {
	const struct frame *const *frames; /* innermost first */
	size_t frame_count;		   /* 0 only if nothing at all is known of the stack */
	bool is_truncated;		   /* outer frames are missing */
	const char *thread;		   /* name of the thread that allocated; printable */
	enum memory_kind kind;
	size_t course; /* its number in the timeline it comes with, from 1 on; 0: none */
	struct figures figures;
};

/** All stacks with the same innermost frame, whatever the kind. */
struct snapshot_site {
	const struct frame *frame;
	struct figures figures;
};

struct snapshot_target {
	int pid;
	char **command;	    /* NULL-terminated argument vector */
	const char *python; /* "3.11.7" */
	bool has_exited;
};

struct snapshot_capture {
	uint64_t start_realtime_ns;
	double seconds; /* since attach */
	uint64_t samples;
	uint64_t dropped;      /* samples that were lost */
	uint64_t sample_bytes; /* T now: mean bytes between samples; 1 = every allocation */
	double stops_per_second;
	double stopped_seconds;	    /* summed over threads */
	double median_stop_seconds; /* these two are not in a capture */
	double p99_stop_seconds;
	double longest_stop_seconds;
	float stop_counts[STOP_CLASSES]; /* by stop_class_seconds[]. Not in a capture */
	double budget;		     /* share of time for stops; 0: T is fixed. Not in a capture */
	double uptime_seconds;	     /* of the target; 0 if unknown. Not in a capture */
	uint64_t memory_limit_bytes; /* of its control groups; 0: none. Not in a capture */
	uint64_t rss_bytes;	     /* of the target now; 0 if unknown */
	double rss_growth_bytes_per_second;
	bool is_unfinished; /* read from a file whose recording goes on, or was cut off */
};

/** What a selection leaves out (profile/selection.h). */
struct snapshot_rest {
	size_t sites; /* of which nothing is left */
	size_t stacks;
	double live_bytes;
	double live_blocks;
	double growth_bytes_per_second;
};

struct snapshot {
	struct snapshot_target target;
	struct snapshot_capture capture;
	struct figures total;
	struct snapshot_stack
		*stacks; /* largest live_bytes first; ones without live bytes left out */
	size_t stack_count;
	struct snapshot_site *sites; /* largest live_bytes first */
	size_t site_count;
	struct snapshot_rest filtered;	 /* no figure here counts it */
	struct snapshot_rest beyond_top; /* the total counts it, but it is not listed */
	void *storage;			 /* private: what the pointers point into */
	size_t storage_bytes;		 /* private: its size */
	size_t storage_bytes_max;	 /* private; 0: none */
};

/** Give back a snapshot made by profile_snapshot() or capture_load(). Takes NULL. */
void snapshot_destroy(struct snapshot *snapshot);

static inline void snapshot_cleanup(struct snapshot **snapshot)
{
	snapshot_destroy(*snapshot);
}

#define OWNED_SNAPSHOT OWNED(snapshot_cleanup)

#endif
