/* SPDX-License-Identifier: MIT */
#ifndef TUI_TREE_PATH_H
#define TUI_TREE_PATH_H

/**
 * @file
 * The way of one stack through a tree: which frame it has in which depth. Private to the tree.
 */

#include "tui/tree.h"

/** How many rows a stack passes through. */
size_t tree_path_len(enum tree_shape shape, const struct snapshot_stack *stack);

/** The frame of a stack so many rows below the top; NULL for a thread's row. Gaps are shown as what
 *  they are. `depth` is less than tree_path_len(). */
const struct frame *tree_path_frame(enum tree_shape shape, const struct snapshot_stack *stack,
				    size_t depth);

/** The name of a stack's thread as a frame. */
struct frame tree_path_thread(const struct snapshot_stack *stack);

/** The identity of a row: that of the one above it (0 on top), and the hash of its own frame. */
uint64_t tree_path_identity(uint64_t above, uint64_t hash);

#endif
