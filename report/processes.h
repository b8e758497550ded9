/* SPDX-License-Identifier: MIT */
#ifndef REPORT_PROCESSES_H
#define REPORT_PROCESSES_H

/**
 * @file
 * A list of Python processes as a table for people and as JSON for programs. As in report.h,
 * foreign text is made printable here, and ERROR_FILE tells that not everything could be written.
 */

#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

struct report_process {
	int pid;
	char python[24]; /* "3.11.7"; "" if it cannot be told */
	unsigned uid;	 /* effective */
	char user[64];	 /* its name; "" without one */
	uint64_t rss_bytes;
	double uptime_seconds;
	char name[64];	  /* of the program; stands for a command that is empty */
	char **command;	  /* NULL-terminated; NULL: none */
	char reason[256]; /* why it cannot be attached to; "" if it can */
};

/** Write a table, in the given order: one line for each process, and another one with the reason if
 *  it cannot be attached to. Commands are cut to fit lines of `columns` (0: not at all). Nothing,
 *  not even the head, is written without processes. */
MUST_CHECK bool report_processes_text(const struct report_process *list, size_t len, int columns,
				      FILE *out, struct error *err);

/** Write the JSON document `filtrace.ps/1` (docs/ps.schema.json). */
MUST_CHECK bool report_processes_json(const struct report_process *list, size_t len, FILE *out,
				      struct error *err);

#endif
