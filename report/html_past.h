/* SPDX-License-Identifier: MIT */
#ifndef REPORT_HTML_PAST_H
#define REPORT_HTML_PAST_H

/**
 * @file
 * What a page tells of the past: some instants, and the courses of the largest stacks.
 */

#include "report/html_page.h"
#include "report/report.h"

/** What was chosen of it. */
struct html_past {
	const struct report_past *past;
	struct snapshot rows; /* stacks alone: those that are live, and those with a course */
	uint32_t *instants;   /* of the timeline */
	size_t instant_count;
	bool *has_course; /* by number of the course, from 1 on */
	double *sums; /* of the courses that were not chosen, instant by instant, kind by kind */
};

/** Choose. The past has to live as long. Errors: ERROR_NO_MEMORY. */
MUST_CHECK bool html_past_init(struct html_past *ret, const struct report_past *past,
			       struct error *err);
void html_past_deinit(struct html_past *past);

/** Write the member "timeline"; `paths` are those of the rows. report/html/timeline.js reads it.
 *  Errors: ERROR_NO_MEMORY. */
MUST_CHECK bool html_past_write(const struct html_past *past, const struct paths *paths, FILE *out,
				struct error *err);

#endif
