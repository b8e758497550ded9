/* SPDX-License-Identifier: MIT */
#ifndef REPORT_PATH_H
#define REPORT_PATH_H

/**
 * @file
 * Stacks as flame graphs draw them.
 */

#include "profile/snapshot.h"

/** Frames, outermost first; one at least. They live as long as the snapshot. */
struct path {
	const struct frame *frames[FRAME_DEPTH_MAX + 2];
	size_t len;
};

/** Turn a stack round. Where outer frames are missing, the first is called "[not read]"; where
 *  nothing is known, the only one "[unknown]". Of a stack with more than FRAME_DEPTH_MAX frames
 *  the outer ones are left out. */
void path_make(const struct snapshot_stack *stack, struct path *ret);

#endif
