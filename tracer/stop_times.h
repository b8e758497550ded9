/* SPDX-License-Identifier: MIT */
#ifndef TRACER_STOP_TIMES_H
#define TRACER_STOP_TIMES_H

/**
 * @file
 * How long stops took, as pads count them: classes of equal relative width, eight to each power of
 * two. A value's class is its highest bit and the three bits behind it.
 */

#include <stdint.h>

/** The ticks that this share (0 to 1) of all stops did not exceed, at most an eighth too high;
 *  0 if there was no stop. `counts` has TIMES_COUNT classes, which the target may change at any
 *  time. */
uint64_t stop_times_quantile(const uint32_t *counts, double share);

#endif
