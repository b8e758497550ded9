/* SPDX-License-Identifier: MIT */
#ifndef CLI_PART_H
#define CLI_PART_H

/**
 * @file
 * The part of a snapshot that the options ask for.
 */

#include "cli/options.h"
#include "profile/snapshot.h"

/** Make a snapshot of what is to be shown; it is given back with snapshot_destroy(). Where that is
 *  everything, `ret` becomes NULL, and the snapshot itself is to be shown. Errors: ERROR_FILE (the
 *  suppressions), ERROR_USAGE, ERROR_NO_MEMORY. */
MUST_CHECK bool part_select(const struct options *options, const struct snapshot *snapshot,
			    struct snapshot **ret, struct error *err);

#endif
