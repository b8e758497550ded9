/* SPDX-License-Identifier: MIT */
#ifndef REPORT_DIFF_H
#define REPORT_DIFF_H

/**
 * @file
 * What is different between two captures, as text for people, JSON for programs, and a page. As in
 * report/report.h, names become printable, and all functions fail with ERROR_FILE if not everything
 * could be written, or with ERROR_NO_MEMORY.
 */

#include <stdio.h>

#include "base/error.h"
#include "profile/diff.h"

/** Write the text, at most 100 columns wide, and 20 lines long unless `has_all_sites`. */
MUST_CHECK bool report_diff_text(const struct diff *diff, bool has_all_sites, FILE *out,
				 struct error *err);

/** Write the JSON document `filtrace.diff/1` (docs/diff.schema.json). */
MUST_CHECK bool report_diff_json(const struct diff *diff, FILE *out, struct error *err);

/** Write a page that needs nothing else, and no network: a flame graph of what the new side keeps,
 *  red where it is more and blue where it is less. No name can become markup. */
MUST_CHECK bool report_diff_html(const struct diff *diff, FILE *out, struct error *err);

/** What people read a diff per: "min" or "op". The figures times the factor are in that unit. */
const char *report_diff_unit(const struct diff *diff);
double report_diff_factor(const struct diff *diff);

enum { DIFF_HEADLINE_BYTES = 160 };

/** Write the answer in one sentence: "grows by 1.2 ±0.3 MiB/min more than before; 3 sites worse, 1
 *  better, of 41". Returns `ret`. */
char *report_diff_headline(const struct diff *diff, char ret[DIFF_HEADLINE_BYTES]);

#endif
