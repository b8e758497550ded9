/* SPDX-License-Identifier: MIT */
#ifndef REPORT_OUTPUT_H
#define REPORT_OUTPUT_H

/**
 * @file
 * The end of every writer.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

/** Flush what was written, and tell whether all of it arrived. Errors: ERROR_FILE. */
MUST_CHECK static inline bool output_finish(FILE *out, struct error *err)
{
	errno = 0;
	bool is_written = fflush(out) == 0;
	if (is_written && !ferror(out))
		return true;
	int os_errno = errno;
	error_set(err, ERROR_FILE, "cannot write the report: %s",
		  os_errno ? strerror(os_errno) : "not all of it could be written");
	err->os_errno = os_errno;
	return false;
}

#endif
