/* SPDX-License-Identifier: MIT */
#ifndef CLI_POSSIBLE_H
#define CLI_POSSIBLE_H

/**
 * @file
 * How long threads stood still is counted in pages that the target can write. Whatever it makes of
 * them: no stop is longer than the time since planting, and no more threads stand still at a time
 * than there are.
 */

#include <math.h>

#include "tracer/tracer.h"

/** Bound what a tracer tells by what is possible, `seconds` after planting in a target that had so
 *  many threads at most. */
static inline void possible_stats(struct tracer_stats *stats, double seconds, int threads)
{
	stats->stopped_seconds = fmin(stats->stopped_seconds, seconds * threads);
	stats->median_stop_seconds = fmin(stats->median_stop_seconds, seconds);
	stats->p99_stop_seconds = fmin(stats->p99_stop_seconds, seconds);
	stats->longest_stop_seconds = fmin(stats->longest_stop_seconds, seconds);
}

#endif
