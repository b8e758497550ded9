/* SPDX-License-Identifier: MIT */
#ifndef CLI_TOLD_STACK_H
#define CLI_TOLD_STACK_H

/**
 * @file
 * Stacks on their way from one thread to the other. Two samples in a row mostly share their outer
 * frames: both sides keep the last stack, and only the frames that are new are told. So a queue
 * holds many stacks, however deep a recursion. Pure.
 */

#include <stddef.h>

#include "base/frame.h"

/** All zero: no stack yet. */
struct told_stack {
	size_t len;
	const struct frame *frames[FRAME_DEPTH_MAX]; /* outermost first */
};

/** Make this stack, innermost first, the last one. Returns how many frames, from the innermost on,
 *  have to be told. */
size_t told_stack_tell(struct told_stack *told, const struct frame *const *frames, size_t len);

/** The other side: make the stack of `len` frames the last one, of which the `new_len` innermost
 *  were told, and write all of it into `ret`, innermost first. */
void told_stack_hear(struct told_stack *told, const struct frame *const *frames, size_t new_len,
		     size_t len, const struct frame **ret);

#endif
