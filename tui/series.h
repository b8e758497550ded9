/* SPDX-License-Identifier: MIT */
#ifndef TUI_SERIES_H
#define TUI_SERIES_H

/**
 * @file
 * A figure over time, from the beginning until now, in constant memory: the longer it takes, the
 * longer is what each value is the mean of.
 */

#include <stddef.h>

enum { SERIES_LEN_MAX = 64 };

/** All zero: empty. */
struct series {
	float value[SERIES_LEN_MAX];
	size_t len;
	size_t every; /* how many figures make one value */
	size_t taken; /* of those of the value to come */
	double sum;
};

void series_add(struct series *series, double value);

#endif
