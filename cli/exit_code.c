/* SPDX-License-Identifier: MIT */
#include "cli/exit_code.h"

#include <sys/wait.h>

enum exit_code exit_code_of_error(enum error_kind kind)
{
	static const enum exit_code codes[] = {
		[ERROR_INTERNAL] = EXIT_INTERNAL_ERROR,
		[ERROR_USAGE] = EXIT_WRONG_USAGE,
		[ERROR_NOT_PERMITTED] = EXIT_NOT_PERMITTED,
		[ERROR_NO_PROCESS] = EXIT_NO_PROCESS,
		[ERROR_UNSUPPORTED] = EXIT_UNSUPPORTED,
		[ERROR_NO_DATA] = EXIT_INCONCLUSIVE,
		[ERROR_UNSAFE] = EXIT_STOPPED_EARLY,
		[ERROR_FILE] = EXIT_BAD_FILE,
		/* Target memory that is not what it should be: a target that is not understood. */
		[ERROR_READ] = EXIT_UNSUPPORTED,
		[ERROR_FORMAT] = EXIT_UNSUPPORTED,
		[ERROR_NO_MEMORY] = EXIT_INTERNAL_ERROR,
		/* A target that does not answer is left alone. */
		[ERROR_TIMEOUT] = EXIT_STOPPED_EARLY,
	};
	return (size_t)kind < ARRAY_LEN(codes) ? codes[kind] : EXIT_INTERNAL_ERROR;
}

static int status_of_child(int wait_status)
{
	if (WIFSIGNALED(wait_status))
		return EXIT_SIGNAL_BASE + WTERMSIG(wait_status);
	return WEXITSTATUS(wait_status);
}

int exit_code_with_child(int wait_status, enum exit_code own)
{
	int status = status_of_child(wait_status);
	if (status != 0)
		return status;
	if (own == EXIT_DONE || own == EXIT_LEAK || own == EXIT_INCONCLUSIVE)
		return own;
	return EXIT_OWN_FAILURE;
}
