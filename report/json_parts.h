/* SPDX-License-Identifier: MIT */
#ifndef REPORT_JSON_PARTS_H
#define REPORT_JSON_PARTS_H

/**
 * @file
 * Parts of a snapshot that several JSON documents have. All are NULL without memory.
 */

#include <jansson.h>

#include "profile/snapshot.h"

/** {"function", "file", "line"} */
json_t *json_frame(const struct frame *frame);

/** The figures that totals, sites and stacks have in common. */
json_t *json_figures(const struct figures *figures);

/** What is not in the lists. */
json_t *json_rest(const struct snapshot_rest *rest);

json_t *json_target(const struct snapshot_target *target);
json_t *json_capture(const struct snapshot_capture *capture);

#endif
