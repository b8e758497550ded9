/* SPDX-License-Identifier: MIT */
#ifndef REPORT_FIGURE_H
#define REPORT_FIGURE_H

/**
 * @file
 * Figures as programs read them.
 */

#include <math.h>
#include <stdint.h>

#include "profile/snapshot.h"

/** A figure without a fraction, in the range in which every reader is exact. */
static inline int64_t figure_whole(double number)
{
	static const double exact_max = 9007199254740992.0;
	return (int64_t)round(fmin(fmax(number, -exact_max), exact_max));
}

/** Live bytes by kind. Sums are rounded, not parts, so that the parts add up to the rounded sum. */
static inline void figure_kinds(const struct figures *figures, int64_t ret[MEMORY_KIND_COUNT])
{
	double sum = 0;
	int64_t rounded = 0;
	for (int kind = 0; kind < MEMORY_KIND_COUNT; kind++) {
		sum += figures->kind_live_bytes[kind];
		ret[kind] = figure_whole(sum) - rounded;
		rounded = figure_whole(sum);
	}
}

#endif
