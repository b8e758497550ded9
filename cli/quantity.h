/* SPDX-License-Identifier: MIT */
#ifndef CLI_QUANTITY_H
#define CLI_QUANTITY_H

/**
 * @file
 * Durations, sizes and rates as people type them. Pure.
 *
 * A number is decimal digits with at most one point ("90", "1.5"); no sign, no exponent, no spaces.
 * All functions fail with ERROR_USAGE, naming the text and what was expected, on anything else and
 * on what does not fit the result.
 */

#include <stdint.h>

#include "base/error.h"

/** DUR: 90, 90s, 10m, 2h. Nanoseconds. */
MUST_CHECK bool quantity_duration(const char *text, uint64_t *ret_ns, struct error *err);

/** SIZE: 4096, 512K, 10M, 1G, of 1024 each. Bytes. */
MUST_CHECK bool quantity_size(const char *text, uint64_t *ret_bytes, struct error *err);

/** SIZE/UNIT with UNIT s, min or h: 1M/min. Bytes per second. */
MUST_CHECK bool quantity_rate(const char *text, double *ret_bytes_per_second, struct error *err);

/** A percentage, "1" or "0.5%", as a share: 0.01. More than 0, at most 100%. */
MUST_CHECK bool quantity_percent(const char *text, double *ret, struct error *err);

/** A probability of at least 0.5 and below 1. */
MUST_CHECK bool quantity_confidence(const char *text, double *ret, struct error *err);

/** A whole number from 1 to `max`. */
MUST_CHECK bool quantity_count(const char *text, int max, int *ret, struct error *err);

/** Two whole numbers from 1 to 2^53 - 1 with a comma between them: "12000,13500". */
MUST_CHECK bool quantity_two_counts(const char *text, double ret[2], struct error *err);

#endif
