/* SPDX-License-Identifier: MIT */
#ifndef REPORT_DOCTOR_H
#define REPORT_DOCTOR_H

/**
 * @file
 * What `filtrace doctor` found, as lines for people and as JSON for programs. As in report.h,
 * foreign text is made printable here, and ERROR_FILE tells that not everything could be written.
 */

#include <stddef.h>
#include <stdio.h>

#include "base/error.h"

enum doctor_state {
	DOCTOR_OK,
	DOCTOR_NO,
	DOCTOR_UNKNOWN,
};

struct doctor_check {
	const char *name; /* "own seccomp" */
	enum doctor_state state;
	char text[256];
};

/** Lines that remove the cause, for one place. */
struct doctor_fix {
	const char *place; /* "docker" */
	char text[256];	   /* "": nothing that could be done there */
};

struct report_doctor {
	int pid;	     /* 0: the machine in general */
	int code;	     /* the exit status */
	const char *verdict; /* "attachable", ... */
	const struct doctor_check *checks;
	size_t check_count;
	const char *cause_name; /* "yama"; NULL: nothing stands in the way */
	const char *cause;	/* a sentence */
	const struct doctor_fix *fixes;
	size_t fix_count;
	size_t pythons;	   /* without a pid: that were found, ... */
	size_t attachable; /* ... and can be attached to */
};

/** Write one line for each check, then the verdict, with the cause and its fixes. */
MUST_CHECK bool report_doctor_text(const struct report_doctor *doctor, FILE *out,
				   struct error *err);

/** Write the JSON document `filtrace.doctor/1` (docs/doctor.schema.json). */
MUST_CHECK bool report_doctor_json(const struct report_doctor *doctor, FILE *out,
				   struct error *err);

#endif
