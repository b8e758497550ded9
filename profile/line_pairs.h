/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_LINE_PAIRS_H
#define PROFILE_LINE_PAIRS_H

/**
 * @file
 * Which line of a function became which, when all that is known of two versions are some line
 * numbers. Pure.
 */

#include <stddef.h>

#include "base/error.h"

/** Of more lines than this in one function, the first are paired in their order. */
enum { LINE_PAIRS_MAX = 64 };

/** Pair all lines of the side that has fewer, in order, such that the fewest lines must have been
 *  inserted or removed between them, and before the first; of equally good ways, the one with the
 *  earlier lines. `olds` and `news` go up. `old_of_ret` has room for `new_count` numbers: for each
 *  new line the number of its old one, or SIZE_MAX. */
void line_pairs(const int *olds, size_t old_count, const int *news, size_t new_count,
		size_t *old_of_ret);

#endif
