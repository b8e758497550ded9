/* SPDX-License-Identifier: MIT */
#ifndef TRACER_PROCFS_H
#define TRACER_PROCFS_H

/**
 * @file
 * Files under /proc/PID as text in memory.
 */

#include <stddef.h>

#include "base/error.h"

/** Read /proc/PID/`name` whole; a zero follows the last byte. The caller frees `ret`.
 *  Errors: ERROR_NO_PROCESS, ERROR_NOT_PERMITTED, ERROR_FORMAT (longer than any such file),
 *  ERROR_NO_MEMORY. */
MUST_CHECK bool procfs_read(int pid, const char *name, char **ret, size_t *len_ret,
			    struct error *err);

/** The most that procfs_read_head() reads. */
enum { PROCFS_HEAD_BYTES = 64 * 1024 };

/** The same, but a longer file is cut, not refused: for what the process itself can make as long as
 *  it likes. */
MUST_CHECK bool procfs_read_head(int pid, const char *name, char **ret, size_t *len_ret,
				 struct error *err);

/** Parse one number of `base` 8 to 16 without sign or blanks, which `end` must follow, and step
 *  over it and `end`. False, with `at` untouched, if there is none or it exceeds 64 bits. */
MUST_CHECK bool procfs_take_number(const char **at, unsigned base, char end, uint64_t *ret);

#endif
