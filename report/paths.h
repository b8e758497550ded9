/* SPDX-License-Identifier: MIT */
#ifndef REPORT_PATHS_H
#define REPORT_PATHS_H

/**
 * @file
 * The paths of all stacks of a snapshot, as numbers of frames: for formats that write each frame
 * once.
 */

#include "profile/numbering.h"
#include "report/path.h"

struct paths {
	struct numbering frames; /* keys: the addresses of frames */
	uint32_t *numbers;	 /* of frames, path after path, each as path_make() has it */
	size_t len;		 /* of numbers */
	size_t capacity;
	size_t *ends;	 /* by number of the stack: where its path ends */
	uint32_t *order; /* numbers of the stacks, such that paths with equal outer frames stand
			  * together */
	size_t stack_count;
};

/** Number all frames, in the order in which the stacks have them. The snapshot has to live as long.
 *  Errors: ERROR_NO_MEMORY. */
MUST_CHECK bool paths_init(struct paths *paths, const struct snapshot *snapshot, struct error *err);
void paths_deinit(struct paths *paths);

/** The path of a stack. */
const uint32_t *paths_of(const struct paths *paths, size_t stack, size_t *len_ret);

/** The frame with this number. */
const struct frame *paths_frame(const struct paths *paths, size_t number);

#endif
