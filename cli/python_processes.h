/* SPDX-License-Identifier: MIT */
#ifndef CLI_PYTHON_PROCESSES_H
#define CLI_PYTHON_PROCESSES_H

/**
 * @file
 * The Python processes of this machine, found from /proc and the files that they run. Nobody is
 * stopped, and nothing is read from anybody's memory but four bytes of an ELF header, by which the
 * kernel tells whether we would be allowed to attach.
 */

#include "report/processes.h"

struct python_processes {
	struct report_process *list; /* the largest first; the commands are owned as well */
	size_t len;
	size_t unseen; /* processes that may be Python or not: others' */
};

/** Find them. Who ends meanwhile is left out, and so is this program itself.
 *  Errors: ERROR_NO_PROCESS (no /proc), ERROR_NO_MEMORY. */
MUST_CHECK bool python_processes_find(struct python_processes *ret, struct error *err);

void python_processes_deinit(struct python_processes *processes);

/** The part of an error's sentence that is not known yet beside a pid: "process 12 is stopped"
 *  becomes "is stopped". */
const char *python_processes_reason(const char *context, int pid);

#endif
