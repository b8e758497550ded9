/* SPDX-License-Identifier: MIT */
#ifndef CLI_DOCTOR_CHECKS_H
#define CLI_DOCTOR_CHECKS_H

/**
 * @file
 * What the facts mean: a line for each check, and the first cause that stands in the way. Pure.
 */

#include "cli/doctor_facts.h"
#include "cli/exit_code.h"
#include "report/doctor.h"

enum { DOCTOR_CHECKS_MAX = 24 };

/** Owns all its text. */
struct doctor_diagnosis {
	enum obstacle obstacle; /* the first; OBSTACLE_NONE: attachable */
	enum exit_code code;
	struct doctor_check checks[DOCTOR_CHECKS_MAX];
	size_t check_count;
	struct doctor_fix fixes[PLACE_COUNT];
	struct error cause; /* its context is the sentence; of no meaning without an obstacle */
};

void doctor_judge(const struct doctor_facts *facts, struct doctor_diagnosis *ret);

/** The same as a document. Valid as long as both. */
void doctor_describe(const struct doctor_facts *facts, const struct doctor_diagnosis *diagnosis,
		     struct report_doctor *ret);

#endif
