/* SPDX-License-Identifier: MIT */
#ifndef CLI_SOURCE_LINE_H
#define CLI_SOURCE_LINE_H

/**
 * @file
 * Lines of source code, from the files as the target sees them. Names of files are the target's
 * word and not to be trusted: they lead nowhere outside its root, and only to regular files.
 */

#include <stdbool.h>
#include <stddef.h>

/** Read a line, counted from 1, without its indentation; of a long one, the beginning. A relative
 *  name counts from the target's working directory. The text may hold anything but zero bytes.
 *  False if there is no such line, or it lies beyond the first 4 MiB. */
bool source_line_read(int pid, const char *file, int line, char *ret, size_t size);

#endif
