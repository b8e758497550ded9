/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_FRAME_SET_H
#define PROFILE_FRAME_SET_H

/**
 * @file
 * Frames of many snapshots, each once: equal frames become one pointer.
 */

#include "base/error.h"
#include "base/frame.h"

/** NULL: empty. */
struct frame_set {
	struct known_frame *frames;
};

void frame_set_deinit(struct frame_set *set);

/** Give the one copy of a frame, which lives as long as the set. Errors: ERROR_NO_MEMORY. */
MUST_CHECK bool frame_set_intern(struct frame_set *set, const struct frame *frame,
				 const struct frame **ret, struct error *err);

#endif
