/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_SUMMARY_H
#define PROFILE_SUMMARY_H

/**
 * @file
 * Sums blocks up to stacks, stacks to sites and sites to the whole process.
 */

#include "profile/live.h"
#include "profile/snapshot.h"
#include "profile/stacks.h"

/** Fill in the stacks, sites and total of a snapshot, unsorted. capture.sample_bytes must be set.
 *  Errors: ERROR_NO_MEMORY. */
MUST_CHECK bool summary_write(const struct stacks *stacks, const struct live *live,
			      double now_seconds, struct snapshot *snapshot, struct error *err);

#endif
