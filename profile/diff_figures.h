/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_DIFF_FIGURES_H
#define PROFILE_DIFF_FIGURES_H

/**
 * @file
 * The arithmetic of a diff. Pure.
 */

#include "profile/diff.h"

/** What makes the figures of one side comparable. */
struct diff_scale {
	double live; /* factors */
	double growth;
	struct figures nothing; /* of what this side has no sample of */
};

/** `operations` as in struct diff_options. */
void diff_scale_init(struct diff_scale *scale, const struct snapshot_capture *capture,
		     double operations);

/** Compare; NULL stands for nothing. */
void diff_figures_make(const struct diff_scale scales[SIDE_COUNT],
		       const struct figures *const sides[SIDE_COUNT], struct diff_figures *ret);

/** What the interval says if it is stretched by this factor. */
enum diff_change diff_change_of(const struct estimate *difference, double stretch);

/** By how much an interval of 95% is to be stretched to hold for each of `count` figures at once.
 */
double diff_stretch(size_t count);

#endif
