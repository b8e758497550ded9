/* SPDX-License-Identifier: MIT */
#ifndef CLI_LAUNCH_H
#define CLI_LAUNCH_H

/**
 * @file
 * The command of `-- CMD`: a child of filtrace with its standard streams, neither traced nor
 * stopped.
 */

#include "base/error.h"
#include "cli/signals.h"

struct child {
	int pid;	/* 0: no child */
	int go_fd;	/* the child waits here before it becomes the command; -1: it has */
	int failure_fd; /* where it says why it could not */
	bool has_ended;
	int wait_status; /* as from waitpid(2), once it has ended */
};

/** Fork the process that will run `command` (NULL-terminated, with at least one element). It has
 *  its pid but waits; child_deinit() without child_run() ends it unseen.
 *  Errors: ERROR_INTERNAL, ERROR_NO_MEMORY. */
MUST_CHECK bool child_init(struct child *ret, char **command, struct error *err);
void child_deinit(struct child *child);

/** Let it run the command, and see it do so. Errors: ERROR_NO_PROCESS if it cannot be executed;
 *  wait_status then says EXIT_NOT_FOUND or EXIT_NOT_EXECUTABLE. */
MUST_CHECK bool child_run(struct child *child, const char *command, struct error *err);

/** Wait for the child's end and its status. Signals that are sent to filtrace meanwhile, and one
 *  that came before, are passed on. No thread may be tracing the child any more. Does nothing if
 *  it has ended. Errors: ERROR_INTERNAL. */
MUST_CHECK bool child_wait(struct child *child, struct signals *signals, struct error *err);

#endif
