/* SPDX-License-Identifier: MIT */
#ifndef CLI_OUTPUT_NAME_H
#define CLI_OUTPUT_NAME_H

/**
 * @file
 * Names of files to be written.
 */

#include <stddef.h>
#include <time.h>

#include "base/error.h"

/** What the placeholders of a name stand for. */
struct output_facts {
	int pid;
	const char *host;
	time_t time; /* shown in UTC: 20261122T120000Z */
};

/** Expand %p (pid), %h (host), %t (time) and %% in `pattern`. A slash in the host's name becomes
 *  '_'. Errors: ERROR_USAGE (another letter after %), ERROR_FILE (longer than `size` - 1). */
MUST_CHECK bool output_name_expand(const char *pattern, const struct output_facts *facts, char *ret,
				   size_t size, struct error *err);

/** The same for this host and this moment. */
MUST_CHECK bool output_name_make(const char *pattern, int pid, char *ret, size_t size,
				 struct error *err);

/** Tell early whether a file could be written: its directory exists and allows it, and nothing is
 *  there or, if `is_forced`, a regular file. Creates nothing. Errors: ERROR_FILE. */
MUST_CHECK bool output_name_check(const char *path, bool is_forced, struct error *err);

#endif
