/* SPDX-License-Identifier: MIT */
#ifndef TUI_TREE_H
#define TUI_TREE_H

/**
 * @file
 * The call paths of a snapshot as the rows of a table that unfold: of three shapes, of all stacks
 * or of some.
 *
 * Snapshots come and go, so what is unfolded and what is selected is remembered by identity: a hash
 * of the functions, files and lines from the top to the row. Rows are made only below rows that are
 * unfolded, so that the cost is that of what is seen.
 */

#include <stdint.h>

#include "profile/snapshot.h"
#include "tui/columns.h"
#include "tui/folds.h"

/** The most rows there are; see struct tree's is_cut. */
enum { TREE_ROWS_MAX = 20000 };

/** What stands on top, and what unfolds below it. */
enum tree_shape {
	TREE_SITES,   /* sites; their callers, out to where the thread began */
	TREE_CALLS,   /* where threads began; whom they called, in to the sites */
	TREE_THREADS, /* threads; the sites of each, and their callers */
};

enum { TREE_TEXT_SIZE = 64 };

struct tree_row {
	struct frame frame; /* its texts are valid as long as the snapshot shown */
	struct figures figures;
	double share;	     /* of the live bytes of the whole process, 0 to 1 */
	double change_bytes; /* of live bytes since the baseline; 0 without one */
	uint64_t identity;
	size_t parent; /* index of the row it was unfolded from; TREE_NO_ROW on top */
	size_t first;  /* its stacks: a range of struct tree's entries */
	size_t stack_count;
	size_t rank;	 /* where it stood before, if the order is held; SIZE_MAX: nowhere */
	unsigned depth;	 /* rows above it, out to the top */
	unsigned indent; /* the same, without lone ones */
	bool is_lone;	 /* the only one below its parent: the same figures, hence not repeated */
	bool is_last;	 /* of those below its parent */
	bool is_hot;	 /* on the hot path */
	bool is_thread;	 /* frame.function is the name of a thread */
	bool has_children;
	bool is_open;
};

#define TREE_NO_ROW SIZE_MAX

/** A stack that is shown, or that was there when the baseline was taken. */
struct tree_entry {
	const struct snapshot_stack *stack;
	bool is_baseline;
};

struct tree {
	const struct snapshot *snapshot; /* borrowed; NULL before the first */
	const struct snapshot *baseline; /* borrowed; changes are from there on. NULL: none */

	/* What to show of it: set by anybody, who then calls tree_rebuild(). */
	enum tree_shape shape;
	enum column_id sort;
	bool is_reversed;
	bool is_held;	      /* rows stay in the order they have; new ones come last */
	bool is_by_function;  /* lines of one function are one row */
	bool hides_imports;   /* without what was allocated while a module was imported */
	bool is_all_open;     /* what was not folded by hand is unfolded */
	bool is_ageless;      /* of a capture: ages of blocks are not known */
	size_t min_age_class; /* only blocks of this class of age_class_seconds[] and older ones */
	uint64_t hot;	      /* identity of a row below which the hot path is open; 0: none */
	char filter[TREE_TEXT_SIZE]; /* only stacks with a frame that holds this; "": all */
	char thread[TREE_TEXT_SIZE]; /* only this thread's stacks; "": all */
	struct folds folds;

	/* The rows, as tree_rebuild() makes them. */
	struct tree_entry *entries; /* largest live bytes first within each row, baseline last */
	size_t entry_count;
	struct tree_row *rows;
	size_t row_count;
	double shown_bytes; /* live bytes of the rows on top */
	size_t selected;    /* index into rows; 0 if there are none */
	uint64_t wanted;    /* identity to select with the next rebuild; 0: the one selected */
	bool is_following;  /* the selection stays on its item, not on the first row */
	bool is_cut;	    /* there would be more than TREE_ROWS_MAX rows */
};

/** Set up an empty tree of sites, sorted by live bytes. */
void tree_init(struct tree *tree);
void tree_deinit(struct tree *tree);

/** Show a snapshot, which must stay until the next one is shown. On failure the tree still shows
 *  the one before. Errors: ERROR_NO_MEMORY. */
MUST_CHECK bool tree_show(struct tree *tree, const struct snapshot *snapshot, struct error *err);

/** Make the rows again, after what to show has changed. The selection stays on its item; if that
 *  is gone, on the nearest one above it. Errors: ERROR_NO_MEMORY. */
MUST_CHECK bool tree_rebuild(struct tree *tree, struct error *err);

/** Tell whether only a part of all live memory is shown. */
bool tree_is_filtered(const struct tree *tree);

/** Select a row, and stay on it; row 0 again means: whatever comes first. */
void tree_select(struct tree *tree, size_t row);

/** Unfold or fold the selected row; call tree_rebuild() after it. Folding one without anything
 *  visible below it selects the one above instead. */
void tree_unfold(struct tree *tree);
void tree_fold(struct tree *tree);

/** Unfold every row, or fold every one; call tree_rebuild() after it. */
void tree_toggle_all(struct tree *tree);

/** Unfold the selected row, and below it always the one that holds most; call tree_rebuild(). */
void tree_open_hot_path(struct tree *tree);

/** Select the next row from the selected one on that holds a text, or before it if `step` is -1;
 *  the selected one itself comes last, or first if `step` is 0. False if no row has it. */
bool tree_find(struct tree *tree, const char *text, int step);

/** Unfold the rows to the largest stack with a frame that holds a text, and select that; call
 *  tree_rebuild() after it. False if there is none. */
bool tree_reveal(struct tree *tree, const char *text);

/** The largest stack of a row that is there now; NULL if there is none. */
const struct snapshot_stack *tree_largest_stack(const struct tree *tree,
						const struct tree_row *row);

#endif
