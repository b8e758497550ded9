/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_SELECTION_H
#define PROFILE_SELECTION_H

/**
 * @file
 * A part of a snapshot, the same for whatever shows it. Pure.
 */

#include "profile/patterns.h"
#include "profile/snapshot.h"

/** What is to be shown. All zero: everything. */
struct selection {
	double min_age_seconds;	 /* stacks whose oldest live block is younger are left out */
	struct patterns only;	 /* if there are any: stacks none of whose frames they fit are */
	struct patterns exclude; /* stacks with a frame that they fit are left out */
	const char *thread;	 /* extended regular expression that the thread's name must hold;
				  * NULL: any. The caller's */
	size_t top;		 /* sites to list, with their stacks; 0: all */
	bool is_redacted;	 /* paths and arguments are shortened: profile/redact.h */
};

void selection_deinit(struct selection *selection);

/** Make a snapshot of what is selected. Filters come first: what they leave out is counted in
 *  `filtered` and in no other figure. Then `top`: what it leaves out is counted in `beyond_top` and
 *  in the total. Sites, and the total, of which nothing was left out keep their figures; those of
 *  others are put together from their stacks' (struct figures_sum). snapshot_destroy() gives `ret`
 *  back. Errors: ERROR_NO_MEMORY, ERROR_USAGE (no regular expression). */
MUST_CHECK bool selection_apply(const struct selection *selection, const struct snapshot *snapshot,
				struct snapshot **ret, struct error *err);

#endif
