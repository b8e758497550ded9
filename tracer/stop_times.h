/* SPDX-License-Identifier: MIT */
#ifndef TRACER_STOP_TIMES_H
#define TRACER_STOP_TIMES_H

/**
 * @file
 * How long stops took, counted by pads or by the tracer in TIMES_COUNT classes of equal relative
 * width, eight to each power of two. A value's class is its highest bit and the three bits behind
 * it.
 */

#include <stdint.h>

#include "base/stop_classes.h"

/** The ticks that this share (0 to 1) of all stops did not exceed, at most an eighth too high;
 *  0 if there was no stop. The target may change `counts` at any time. */
uint64_t stop_times_quantile(const uint32_t *counts, double share);

/** Count one more that took so many ticks. */
void stop_times_count(uint32_t *counts, uint64_t ticks);

/** Count stops by the classes of stop_class_seconds[]: a class of ours goes whole where its highest
 *  value belongs. `counts` as above. */
void stop_times_classify(const uint32_t *counts, double seconds_per_tick,
			 uint64_t ret[STOP_CLASSES]);

#endif
