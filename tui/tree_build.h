/* SPDX-License-Identifier: MIT */
#ifndef TUI_TREE_BUILD_H
#define TUI_TREE_BUILD_H

/**
 * @file
 * From a snapshot, and what a person wants to see of it, to rows. Private to the tree.
 */

#include "tui/tree.h"

/** What was built; whoever takes the arrays over sets the pointers to NULL. */
struct tree_rows {
	struct tree_entry *entries;
	size_t entry_count;
	struct tree_row *row;
	size_t count;
	size_t capacity;
	double shown_bytes;
	bool is_cut;
};

void tree_rows_deinit(struct tree_rows *rows);

/** Make the rows of a tree, which must have a snapshot. Errors: ERROR_NO_MEMORY. */
MUST_CHECK bool tree_build(const struct tree *tree, struct tree_rows *ret, struct error *err);

#endif
