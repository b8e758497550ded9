/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_DIFF_BUILD_H
#define PROFILE_DIFF_BUILD_H

/**
 * @file
 * What the two parts that make a diff share: sites (profile/diff.c) and stacks
 * (profile/diff_stacks.c).
 */

#include "profile/diff_figures.h"
#include "profile/fingerprints.h"

struct diff_work {
	const struct diff_options *options;
	struct diff *diff;
	struct diff_scale scales[SIDE_COUNT];
	struct fingerprints prints;
};

/** Put together the stacks of the sites that are listed, which still have the frames of their
 *  snapshots. Errors: ERROR_NO_MEMORY. */
MUST_CHECK bool diff_merge_stacks(struct diff_work *work, struct error *err);

#endif
