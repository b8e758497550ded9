/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_PATTERNS_H
#define PROFILE_PATTERNS_H

/**
 * @file
 * Patterns over frames: globs, and the lines of suppressions files. Pure.
 *
 * In a glob * stands for any text, ? for any character, and \ takes the meaning of the next one. A
 * glob fits a frame if it fits the whole function, the whole file or a part of it that follows a
 * slash, each of the latter with ":LINE" behind it or not: "app.py:11", "*.render".
 *
 * A suppression is a line "leak:TEXT" as LeakSanitizer takes it: TEXT may stand anywhere in the
 * function, the file, or the file with its line; * stands for any text, and ^ in front and $ behind
 * tie it to the beginning and the end. Empty lines, and those that begin with #, are comments.
 */

#include <stddef.h>

#include "base/error.h"
#include "base/frame.h"

/** All zero: empty. */
struct patterns {
	char **globs;
	size_t count;
	size_t capacity;
};

void patterns_deinit(struct patterns *patterns);

/** Errors: ERROR_NO_MEMORY. */
MUST_CHECK bool patterns_add_glob(struct patterns *patterns, const char *glob, struct error *err);

/** Add all lines of a suppressions file. Errors: ERROR_FILE (the number of a line that is none),
 *  ERROR_NO_MEMORY. */
MUST_CHECK bool patterns_add_suppressions(struct patterns *patterns, const char *text,
					  struct error *err);

/** Tell whether any pattern fits the frame. Errors: ERROR_NO_MEMORY. */
MUST_CHECK bool patterns_match(const struct patterns *patterns, const struct frame *frame,
			       bool *ret, struct error *err);

/** Tell whether a glob fits a whole text. Time is at most the product of their lengths. */
bool pattern_fits(const char *glob, const char *text);

#endif
