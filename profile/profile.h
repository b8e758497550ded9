/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_PROFILE_H
#define PROFILE_PROFILE_H

/**
 * @file
 * Samples and frees in, live bytes per call path out. Knows neither target nor terminal; one thread
 * uses it.
 */

#include "base/error.h"
#include "base/frame.h"
#include "base/gate_spec.h"
#include "profile/snapshot.h"

struct profile;

/** What bounds the memory of a profile and of its snapshots, however long it is kept and whatever
 *  the target does. Beyond these, stacks that hold little are cut to their innermost frame: each
 *  site and the whole process keep their figures. */
struct profile_limits {
	size_t stacks; /* that are told apart */
	size_t nodes;  /* of the tree of their paths */
	size_t shown;  /* stacks of a snapshot that have more than one frame */
};

/** What a profile has if nobody says otherwise. */
extern const struct profile_limits profile_limits_default;

/** One sampled allocation. */
struct sample {
	uint64_t time_ns; /* CLOCK_MONOTONIC */
	raddr block;
	uint64_t size_bytes;
	uint64_t interval_bytes; /* T that it was drawn with: p = 1 - exp(-size/T); 1: p = 1 */
	enum memory_kind kind;
	int tid;
	const char *thread;		   /* name; copied */
	const struct frame *const *frames; /* innermost first; interned by the caller, and valid
					    * until the profile is destroyed */
	size_t frame_count;
	bool is_truncated;
};

/** Make an empty profile whose time starts at `start_ns` (CLOCK_MONOTONIC).
 *  Errors: ERROR_NO_MEMORY. profile_destroy() gives it back. */
MUST_CHECK bool profile_create(uint64_t start_ns, struct profile **ret, struct error *err);
void profile_destroy(struct profile *profile);

/** Set limits, which are copied. To be done before the first sample. */
void profile_limit(struct profile *profile, const struct profile_limits *limits);

/** Take in a sample. A live block at the same address counts as freed just before.
 *  Errors: ERROR_NO_MEMORY. */
MUST_CHECK bool profile_add(struct profile *profile, const struct sample *sample,
			    struct error *err);

/** The block at this address was freed. Unknown addresses are ignored. */
void profile_free(struct profile *profile, raddr block, uint64_t time_ns);

/** Thinning, which bounds the number of live samples: the tracer picks half of the live blocks at
 *  random; for each of those profile_drop() forgets the block as if it had never been sampled, then
 *  one profile_double() halves the sampling probability of all that stay. */
void profile_drop(struct profile *profile, raddr block);
void profile_double(struct profile *profile);

/** Measure growth anew from now on, as after a warm-up: what lives now is there from the start.
 * Ages and live bytes stay. */
void profile_restart_growth(struct profile *profile, uint64_t now_ns);

/** Describe the instant `now_ns`. target and capture are copied in as they are, strings and all.
 *  capture->sample_bytes serves the intervals as long as there is no sample at all.
 *  Errors: ERROR_NO_MEMORY. snapshot_destroy() gives it back. */
MUST_CHECK bool profile_snapshot(const struct profile *profile, uint64_t now_ns,
				 const struct snapshot_target *target,
				 const struct snapshot_capture *capture, struct snapshot **ret,
				 struct error *err);

#endif
