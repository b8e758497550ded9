/* SPDX-License-Identifier: MIT */
#ifndef TRACER_SHARED_FILE_H
#define TRACER_SHARED_FILE_H

/**
 * @file
 * The file behind the shared pages, as the target names it: which may be anything, and another
 * thing a moment later.
 */

#include "base/error.h"

/** Open for reading and writing what `path` leads to, if it is a file of SHARED_BYTES that has no
 *  name but `link`; nothing else is opened, since that alone could have an effect. With
 *  `is_sealed`, nobody can cut it short any more.
 *  Errors: ERROR_TIMEOUT (there is nothing, any more or yet), ERROR_UNSAFE (something else). */
MUST_CHECK bool shared_file_open(const char *path, const char *link, bool is_sealed, int *ret,
				 struct error *err);

#endif
