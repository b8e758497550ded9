/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_CALL_TREE_H
#define PROFILE_CALL_TREE_H

/**
 * @file
 * Call paths as numbers. Paths share their outer frames, so that one costs memory only for what is
 * new in it.
 */

#include "base/frame.h"
#include "profile/numbering.h"

/** All zero: empty. */
struct call_tree {
	struct numbering frames; /* keys: the addresses of frames */
	struct numbering nodes;	 /* keys: the caller's node, and the number of the frame */
};

void call_tree_deinit(struct call_tree *tree);

/** Give the node of a path of interned frames, innermost first. Nodes count from 1; 0 is the path
 *  without frames. Errors: ERROR_NO_MEMORY. */
MUST_CHECK bool call_tree_intern(struct call_tree *tree, const struct frame *const *frames,
				 size_t count, uint32_t *ret, struct error *err);

/** The number of a node's own frame, which is the innermost of its path. Not for node 0. */
uint32_t call_tree_innermost(const struct call_tree *tree, uint32_t node);

/** The node of a node's caller; 0 for the outermost frame. Not for node 0. */
uint32_t call_tree_caller(const struct call_tree *tree, uint32_t node);

/** Put the numbers of a path's frames into `ret`, innermost first. Returns how many there are: as
 *  many as were interned. */
size_t call_tree_path(const struct call_tree *tree, uint32_t node, uint32_t *ret);

/** The frame with this number. */
const struct frame *call_tree_frame(const struct call_tree *tree, uint32_t number);

#endif
