/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_MODULES_H
#define PROFILE_MODULES_H

/**
 * @file
 * Which files of two programs are the same module, wherever each is installed. Pure.
 *
 * The first rule that fits decides, and a module has at most one path on each side:
 * - the paths are equal;
 * - both lie in packages or in the standard library, and what follows the directory of those is
 *   equal (redact_library());
 * - the paths end in the same directories and file, the longest such ends first; an __init__.py or
 *   __main__.py needs its directory besides. Where several fit equally well, they are taken in the
 *   order of their names.
 */

#include <stddef.h>

#include "base/error.h"

enum side { SIDE_OLD, SIDE_NEW, SIDE_COUNT };

struct module_file {
	const char *path; /* the caller's */
	enum side side;
	uint32_t module; /* what modules_match() finds */
};

/** Give each file the number of its module, which is less than `count`. Files may be given several
 *  times. Errors: ERROR_NO_MEMORY. */
MUST_CHECK bool modules_match(struct module_file *files, size_t count, struct error *err);

#endif
