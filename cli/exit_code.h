/* SPDX-License-Identifier: MIT */
#ifndef CLI_EXIT_CODE_H
#define CLI_EXIT_CODE_H

/**
 * @file
 * What filtrace tells its caller by its exit status: a contract with scripts.
 */

#include "base/error.h"

enum exit_code {
	EXIT_DONE = 0, /* check: within the limits */
	EXIT_LEAK = 1, /* check: a limit is exceeded */
	EXIT_WRONG_USAGE = 2,
	EXIT_NOT_PERMITTED = 3,
	EXIT_NO_PROCESS = 4, /* or it ended before enough data */
	EXIT_UNSUPPORTED = 5,
	EXIT_INCONCLUSIVE = 6,	/* too short, or too few samples */
	EXIT_STOPPED_EARLY = 7, /* for the target's safety; data kept */
	EXIT_BAD_FILE = 8,
	EXIT_INTERNAL_ERROR = 70,

	/* With `-- CMD`, as env(1) and timeout(1) have it. */
	EXIT_OWN_FAILURE = 125,
	EXIT_NOT_EXECUTABLE = 126,
	EXIT_NOT_FOUND = 127,
	EXIT_SIGNAL_BASE = 128,
};

/** The exit code for a failure of this kind. */
enum exit_code exit_code_of_error(enum error_kind kind);

/** The exit code with `-- CMD`, once the command line is understood: the child's own status if that
 * is not 0; else 125 if filtrace failed; else filtrace's result. `wait_status` as from waitpid(2).
 */
int exit_code_with_child(int wait_status, enum exit_code own);

#endif
