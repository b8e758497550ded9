/* SPDX-License-Identifier: MIT */
#include "tui/tree.h"

#include "tui/frame_table.h"
#include "tui/tree_build.h"
#include "tui/tree_path.h"

void tree_init(struct tree *tree)
{
	*tree = (struct tree){ .sort = COLUMN_LIVE };
}

void tree_deinit(struct tree *tree)
{
	free(tree->entries);
	free(tree->rows);
	folds_deinit(&tree->folds);
	tree_init(tree);
}

static size_t find_identity(const struct tree_rows *rows, uint64_t identity)
{
	for (size_t i = 0; i < rows->count; i++)
		if (rows->row[i].identity == identity)
			return i;
	return TREE_NO_ROW;
}

/* Find the selected item among the new rows: itself, else the one above, else the same place. */
static size_t follow_selection(const struct tree *tree, const struct tree_rows *rows)
{
	size_t wanted = tree->wanted ? find_identity(rows, tree->wanted) : TREE_NO_ROW;
	if (wanted != TREE_NO_ROW)
		return wanted;
	if (!tree->is_following || tree->row_count == 0 || rows->count == 0)
		return 0;
	for (size_t old = tree->selected; old != TREE_NO_ROW; old = tree->rows[old].parent) {
		size_t found = find_identity(rows, tree->rows[old].identity);
		if (found != TREE_NO_ROW)
			return found;
	}
	return tree->selected < rows->count ? tree->selected : rows->count - 1;
}

bool tree_rebuild(struct tree *tree, struct error *err)
{
	if (!tree->snapshot)
		return true;

	struct tree_rows rows;
	if (!tree_build(tree, &rows, err))
		return error_context(err, "call tree");

	tree->selected = follow_selection(tree, &rows);
	tree->wanted = 0;
	free(tree->entries);
	free(tree->rows);
	tree->entries = rows.entries;
	tree->entry_count = rows.entry_count;
	tree->rows = rows.row;
	tree->row_count = rows.count;
	tree->shown_bytes = rows.shown_bytes;
	tree->is_cut = rows.is_cut;
	return true;
}

bool tree_show(struct tree *tree, const struct snapshot *snapshot, struct error *err)
{
	const struct snapshot *before = tree->snapshot;
	tree->snapshot = snapshot;
	if (tree_rebuild(tree, err))
		return true;
	tree->snapshot = before;
	return false;
}

bool tree_is_filtered(const struct tree *tree)
{
	return *tree->filter || *tree->thread || tree->hides_imports || tree->min_age_class;
}

void tree_select(struct tree *tree, size_t row)
{
	if (row >= tree->row_count)
		return;
	tree->selected = row;
	tree->is_following = row > 0;
}

void tree_unfold(struct tree *tree)
{
	if (tree->row_count == 0)
		return;
	tree->is_following = true;
	folds_set(&tree->folds, tree->rows[tree->selected].identity, true);
}

void tree_fold(struct tree *tree)
{
	if (tree->row_count == 0)
		return;
	const struct tree_row *row = &tree->rows[tree->selected];
	tree->is_following = true;
	if (row->is_open)
		folds_set(&tree->folds, row->identity, false);
	else if (row->parent != TREE_NO_ROW)
		tree->selected = row->parent;
}

void tree_toggle_all(struct tree *tree)
{
	tree->is_all_open = !tree->is_all_open;
	tree->hot = 0;
	folds_deinit(&tree->folds);
}

void tree_open_hot_path(struct tree *tree)
{
	if (tree->row_count == 0)
		return;
	tree_unfold(tree);
	tree->hot = tree->rows[tree->selected].identity;
}

bool tree_find(struct tree *tree, const char *text, int step)
{
	size_t count = tree->row_count;
	size_t stride = step < 0 ? count - 1 : 1;
	size_t row = tree->selected;
	for (size_t i = 0; *text && i < count; i++) {
		if (step != 0 || i > 0)
			row = (row + stride) % count;
		if (frame_matches(&tree->rows[row].frame, text)) {
			tree_select(tree, row);
			tree->is_following = true;
			return true;
		}
	}
	return false;
}

static struct frame path_frame(const struct tree *tree, const struct snapshot_stack *stack,
			       size_t depth)
{
	const struct frame *frame = tree_path_frame(tree->shape, stack, depth);
	return frame ? *frame : tree_path_thread(stack);
}

/* Unfold the rows of a stack above `depth`, and want that one. */
static void open_path(struct tree *tree, const struct snapshot_stack *stack, size_t depth)
{
	uint64_t identity = 0;
	for (size_t i = 0; i <= depth; i++) {
		struct frame frame = path_frame(tree, stack, i);
		bool is_thread = !tree_path_frame(tree->shape, stack, i);
		uint64_t hash = frame_hash(&frame, tree->is_by_function && !is_thread);
		identity = tree_path_identity(identity, hash);
		if (i < depth)
			folds_set(&tree->folds, identity, true);
	}
	tree->wanted = identity;
	tree->is_following = true;
}

/* Find the outermost row of a stack that holds the table's pattern. */
static bool find_depth(const struct tree *tree, struct frame_table *frames,
		       const struct snapshot_stack *stack, size_t *ret)
{
	struct error ignored;
	size_t len = tree_path_len(tree->shape, stack);
	for (size_t depth = 0; depth < len; depth++) {
		const struct frame *frame = tree_path_frame(tree->shape, stack, depth);
		struct frame thread = tree_path_thread(stack);
		const struct frame_facts *facts;
		*ret = depth;
		if (!frame && frame_matches(&thread, frames->pattern))
			return true;
		if (frame && frame_table_find(frames, frame, &facts, &ignored) &&
		    facts->is_matching)
			return true;
	}
	return false;
}

bool tree_reveal(struct tree *tree, const char *text)
{
	OWNED(frame_table_deinit) struct frame_table frames = { .pattern = text };
	const struct snapshot_stack *largest = NULL;
	size_t largest_depth = 0;
	for (size_t i = 0; *text && i < tree->entry_count; i++) {
		const struct snapshot_stack *stack = tree->entries[i].stack;
		size_t depth;
		if (tree->entries[i].is_baseline ||
		    (largest &&
		     stack->figures.live_bytes.value <= largest->figures.live_bytes.value) ||
		    !find_depth(tree, &frames, stack, &depth))
			continue;
		largest = stack;
		largest_depth = depth;
	}
	if (largest)
		open_path(tree, largest, largest_depth);
	return largest;
}

const struct snapshot_stack *tree_largest_stack(const struct tree *tree, const struct tree_row *row)
{
	for (size_t i = row->first; i < row->first + row->stack_count; i++)
		if (!tree->entries[i].is_baseline)
			return tree->entries[i].stack;
	return NULL;
}
