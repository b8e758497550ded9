/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_COURSE_H
#define PROFILE_COURSE_H

/**
 * @file
 * The arithmetic of a timeline: the points of a course in, figures with intervals out. Pure.
 *
 * What changed in the stretch before an instant is taken to have come evenly over it. Growth is the
 * least-squares slope, as profile/estimate.h has it, of what came within a span. Intervals are made
 * as they are there, of the noise that the figures at the end tell.
 */

#include "profile/timeline.h"

/** A part of a timeline. */
struct span {
	const struct timeline *timeline;
	size_t first; /* the first instant after its begin */
	size_t to;    /* the one at its end */
	double begin_seconds;
	double end_seconds;
};

/** How many points of a course there are at an instant. */
size_t course_points_until(const struct timeline *timeline, const struct course *course,
			   size_t instant);

/** Tell what a stack has at the end of a span, and how that came. `end_figures` are those of the
 *  stack at the end of the timeline, or of the whole process if the stack has none. */
void course_figures(const struct span *span, const struct course *course,
		    const struct figures *end_figures, struct figures *ret);

/** The same of the whole process: its total, RSS, time and samples. */
void course_total(const struct span *span, struct snapshot *ret);

#endif
