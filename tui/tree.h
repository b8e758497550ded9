/* SPDX-License-Identifier: MIT */
#ifndef TUI_TREE_H
#define TUI_TREE_H

/**
 * @file
 * The call tree of a snapshot as the rows of a table: sites on top, unfolded ones followed by their
 * callers, those by theirs, out to where the thread began.
 *
 * Snapshots come and go, so what is unfolded and what is selected is remembered by identity: a hash
 * of the functions, files and lines from the site to the row. Callers are made only for rows that
 * are unfolded, so that the cost is that of what is seen.
 */

#include <stdint.h>

#include "profile/snapshot.h"
#include "tui/columns.h"

/** The most rows there are; see struct tree's is_cut. */
enum { TREE_ROWS_MAX = 20000 };

struct tree_row {
	const struct frame *frame; /* valid as long as the snapshot shown */
	struct figures figures;
	uint64_t identity;
	size_t parent; /* index of the callee's row; TREE_NO_ROW for a site */
	size_t first;  /* its stacks: a range of struct tree's */
	size_t stack_count;
	unsigned depth;	 /* frames outside the site's */
	unsigned indent; /* the same, without lone callers */
	bool is_lone;	 /* the only caller of its callee: the same figures, hence not repeated */
	bool is_last;	 /* of the callers of its callee */
	bool has_callers;
	bool is_open;
};

#define TREE_NO_ROW SIZE_MAX

struct tree_fold; /* what a person said about one row */

struct tree {
	const struct snapshot *snapshot;      /* borrowed; NULL before the first */
	const struct snapshot_stack **stacks; /* sorted by their frames, innermost first */
	const struct snapshot_site **sites;   /* sorted by frame */
	struct tree_row *rows;
	size_t row_count;
	size_t selected;   /* index into rows; 0 if there are none */
	bool is_following; /* the selection stays on its item, not on the first row */
	bool is_cut;	   /* there would be more than TREE_ROWS_MAX rows */
	enum column_id sort;
	bool is_reversed;
	bool is_all_open;	 /* what was not folded by hand is unfolded */
	struct tree_fold *folds; /* sorted by identity */
	size_t fold_count;
};

/** Set up an empty tree, sorted by live bytes. */
void tree_init(struct tree *tree);
void tree_deinit(struct tree *tree);

/** Show a snapshot, which must stay until the next one is shown. On failure the tree still shows
 *  the one before. Errors: ERROR_NO_MEMORY. */
MUST_CHECK bool tree_show(struct tree *tree, const struct snapshot *snapshot, struct error *err);

/** Make the rows again, after sort or folds have changed. The selection stays on its item; if that
 *  is gone, on the callee nearest to it. Errors: ERROR_NO_MEMORY. */
MUST_CHECK bool tree_rebuild(struct tree *tree, struct error *err);

/** Select a row, and stay on it; row 0 again means: whatever comes first. */
void tree_select(struct tree *tree, size_t row);

/** Unfold or fold the selected row; call tree_rebuild() after it. Folding one without visible
 *  callers selects its callee instead. */
void tree_unfold(struct tree *tree);
void tree_fold(struct tree *tree);

/** Unfold every row, or fold every one; call tree_rebuild() after it. */
void tree_toggle_all(struct tree *tree);

#endif
