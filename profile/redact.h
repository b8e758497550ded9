/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_REDACT_H
#define PROFILE_REDACT_H

/**
 * @file
 * Paths and arguments shortened to what is needed to find a line: no home directories, no secrets
 * of a command line. Pure. Results point into what was given, or are static.
 */

#include <stddef.h>

/** What follows site-packages, dist-packages or the directory of the standard library; NULL if the
 *  path leads through none of them. */
const char *redact_library(const char *path);

/** The end of a path that is needed: what follows site-packages, dist-packages or the directory of
 *  the standard library; else the last directory below a home directory, and the file. What has no
 *  slash stays as it is. */
const char *redact_path(const char *path);

/** The most texts that are left of a command. */
enum { REDACTED_ARGUMENTS_MAX = 4 };

/** Put what is left of a NULL-terminated command into `ret`: the program's name; if that is a
 *  Python, the script's name, or -m and the module; an ellipsis for what was taken away. Returns
 *  how many texts there are. */
size_t redact_command(char *const *command, const char *ret[REDACTED_ARGUMENTS_MAX]);

#endif
