/* SPDX-License-Identifier: MIT */
#ifndef CLI_EXPORT_H
#define CLI_EXPORT_H

/**
 * @file
 * A report of what the live view shows, in a file that a person names.
 */

#include "cli/options.h"
#include "profile/snapshot.h"

/** Tell the format from how a file's name ends. Errors: ERROR_USAGE (it names the endings). */
MUST_CHECK bool export_format(const char *file, enum format *ret, struct error *err);

/** Write a snapshot to the file of this name, whose %p, %h and %t are expanded into `name_ret`. An
 *  existing regular file is replaced if `is_forced`. Prints nothing. Errors: ERROR_USAGE (the
 * name), ERROR_FILE (os_errno is EEXIST if `is_forced` would help), ERROR_NO_MEMORY. */
MUST_CHECK bool export_write(const struct options *options, const struct snapshot *snapshot,
			     const char *file, bool is_forced, char *name_ret, size_t size,
			     struct error *err);

#endif
