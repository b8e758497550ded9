/* SPDX-License-Identifier: MIT */
#ifndef REPORT_REST_H
#define REPORT_REST_H

/**
 * @file
 * What a report does not show, said in the report.
 */

#include "profile/snapshot.h"

enum { REST_BYTES = 160 };

/** Write "3.2 MiB in 12 stacks left out by filters": what no total counts. An empty text if that is
 *  nothing. Returns `ret`. */
char *rest_filtered(const struct snapshot *snapshot, char ret[REST_BYTES]);

/** Write "3.2 MiB in 12 stacks left out by filters, 1.1 MiB in 30 stacks beyond the top", or one of
 *  the two: what sums of listed stacks do not count. An empty text if everything is shown. Returns
 *  `ret`. */
char *rest_text(const struct snapshot *snapshot, char ret[REST_BYTES]);

#endif
