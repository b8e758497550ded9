/* SPDX-License-Identifier: MIT */
#ifndef PYFRAMES_EFFORT_H
#define PYFRAMES_EFFORT_H

/**
 * @file
 * A limit to how much is read of a target at a time. Each structure has its own bounds, but a
 * hostile target may use up all of them, one inside the other, while a thread of it waits.
 */

#include "base/memory.h"

struct effort {
	struct memory memory; /* the seam: reads through `target` */
	struct memory *target;
	uint64_t left;
};

void effort_init(struct effort *effort, struct memory *target);

/** Allow so many pieces of at most 1 KiB to be read from now on. After that every read fails with
 *  ERROR_FORMAT. */
void effort_allow(struct effort *effort, uint64_t pieces);

#endif
