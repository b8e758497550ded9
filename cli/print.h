/* SPDX-License-Identifier: MIT */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

/**
 * @file
 * The report that the options ask for.
 */

#include "cli/options.h"
#include "profile/snapshot.h"
#include "profile/timeline.h"

/** Print a snapshot in the format that was asked for, or else in `otherwise`; FORMAT_DEFAULT prints
 *  nothing. Errors: ERROR_FILE, ERROR_NO_MEMORY, ERROR_USAGE (not for a terminal). */
MUST_CHECK bool print_report(const struct options *options, enum format otherwise,
			     const struct snapshot *snapshot, FILE *out, struct error *err);

/** Print the page of a whole capture, with the chart of its time. Errors: as above. */
MUST_CHECK bool print_past(const struct options *options, const struct timeline *timeline,
			   FILE *out, struct error *err);

#endif
