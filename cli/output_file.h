/* SPDX-License-Identifier: MIT */
#ifndef CLI_OUTPUT_FILE_H
#define CLI_OUTPUT_FILE_H

/**
 * @file
 * The file that a report goes to.
 */

#include "cli/options.h"

/** Create the file that -o names, mode 0600, never through a symlink; `pid` is what %p stands for.
 *  Without -o, `ret` becomes NULL. fclose() gives it back. Errors: ERROR_FILE, ERROR_USAGE. */
MUST_CHECK bool output_file_create(const struct options *options, int pid, FILE **ret,
				   struct error *err);

/** Create the file of this name in the same way; one that exists is emptied if `is_forced`. Errors:
 *  ERROR_FILE; os_errno is EEXIST if it exists and `is_forced` would help. */
MUST_CHECK bool output_file_create_at(const char *path, bool is_forced, FILE **ret,
				      struct error *err);

#endif
