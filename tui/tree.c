/* SPDX-License-Identifier: MIT */
#include "tui/tree.h"

#include <math.h>
#include <string.h>

#include "profile/snapshot_build.h"

struct tree_fold {
	uint64_t identity;
	bool is_open;
};

/* A list of rows that grows. */
struct rows {
	struct tree_row *row;
	size_t count;
	size_t capacity;
};

static void rows_cleanup(struct rows *rows)
{
	free(rows->row);
}

static bool rows_push(struct rows *rows, const struct tree_row *row, struct error *err)
{
	if (rows->count == rows->capacity) {
		size_t capacity = rows->capacity ? 2 * rows->capacity : 64;
		struct tree_row *grown = reallocarray(rows->row, capacity, sizeof(*grown));
		if (!grown)
			return error_set(err, ERROR_NO_MEMORY, "%zu rows", capacity);
		rows->row = grown;
		rows->capacity = capacity;
	}
	rows->row[rows->count++] = *row;
	return true;
}

void tree_init(struct tree *tree)
{
	*tree = (struct tree){ .sort = COLUMN_LIVE };
}

void tree_deinit(struct tree *tree)
{
	free(tree->stacks);
	free(tree->sites);
	free(tree->rows);
	free(tree->folds);
	tree_init(tree);
}

/* The frame so many callers out, or NULL beyond the outermost. Gaps are shown as what they are. */
static const struct frame *frame_at(const struct snapshot_stack *stack, size_t depth)
{
	static const struct frame missing = { .function = "[outer frames not read]", .file = "" };

	if (depth < stack->frame_count)
		return stack->frames[depth];
	if (depth > stack->frame_count)
		return NULL;
	if (depth == 0)
		return &snapshot_unknown_frame;
	return stack->is_truncated ? &missing : NULL;
}

static int frame_compare(const struct frame *a, const struct frame *b)
{
	if (a == b)
		return 0;
	if (!a || !b)
		return a ? 1 : -1;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	int order = strcmp(a->function, b->function);
	return order ? order : strcmp(a->file, b->file);
}

/* By frames from the innermost outwards, so that the stacks of any row lie together. */
static int stack_compare(const void *left, const void *right)
{
	const struct snapshot_stack *a = *(const struct snapshot_stack *const *)left;
	const struct snapshot_stack *b = *(const struct snapshot_stack *const *)right;
	for (size_t depth = 0;; depth++) {
		const struct frame *frame = frame_at(a, depth);
		int order = frame_compare(frame, frame_at(b, depth));
		if (order || !frame)
			return order;
	}
}

static int site_compare(const void *left, const void *right)
{
	const struct snapshot_site *a = *(const struct snapshot_site *const *)left;
	const struct snapshot_site *b = *(const struct snapshot_site *const *)right;
	return frame_compare(a->frame, b->frame);
}

/* FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t len)
{
	for (const unsigned char *byte = bytes; len > 0; byte++, len--)
		hash = (hash ^ *byte) * UINT64_C(0x100000001b3);
	return hash;
}

static uint64_t frame_identity(uint64_t callee, const struct frame *frame)
{
	uint64_t hash = hash_bytes(UINT64_C(0xcbf29ce484222325), &callee, sizeof(callee));
	hash = hash_bytes(hash, frame->function, strlen(frame->function) + 1);
	hash = hash_bytes(hash, frame->file, strlen(frame->file) + 1);
	return hash_bytes(hash, &frame->line, sizeof(frame->line));
}

/* Sum up two estimates that err independently. */
static struct estimate estimate_sum(const struct estimate *a, const struct estimate *b)
{
	double value = a->value + b->value;
	double below = hypot(a->value - a->low, b->value - b->low);
	double above = hypot(a->high - a->value, b->high - b->value);
	return (struct estimate){ .value = value,
				  .low = value - below,
				  .high = value + above,
				  .error = fmax(below, above) };
}

static void figures_add(struct figures *sum, const struct figures *figures)
{
	sum->live_bytes = estimate_sum(&sum->live_bytes, &figures->live_bytes);
	sum->growth_bytes_per_second =
		estimate_sum(&sum->growth_bytes_per_second, &figures->growth_bytes_per_second);
	sum->live_blocks += figures->live_blocks;
	sum->oldest_seconds = fmax(sum->oldest_seconds, figures->oldest_seconds);
	sum->live_samples += figures->live_samples;
	for (size_t kind = 0; kind < MEMORY_KIND_COUNT; kind++)
		sum->kind_live_bytes[kind] += figures->kind_live_bytes[kind];
}

/* A site's figures as the snapshot has them, which is better than a sum of its stacks'. */
static const struct figures *site_figures(const struct tree *tree, const struct frame *frame)
{
	struct snapshot_site wanted = { .frame = frame };
	const struct snapshot_site *key = &wanted;
	const struct snapshot_site **found =
		tree->snapshot->site_count ? bsearch(&key, tree->sites, tree->snapshot->site_count,
						     sizeof(key), site_compare)
					   : NULL;
	return found ? &(*found)->figures : NULL;
}

static int fold_compare(const void *left, const void *right)
{
	const struct tree_fold *a = left;
	const struct tree_fold *b = right;
	return (a->identity > b->identity) - (a->identity < b->identity);
}

static struct tree_fold *find_fold(const struct tree *tree, uint64_t identity)
{
	struct tree_fold wanted = { .identity = identity };
	if (!tree->fold_count)
		return NULL;
	return bsearch(&wanted, tree->folds, tree->fold_count, sizeof(wanted), fold_compare);
}

/* What a person said; else a lone caller is open, so that a chain unfolds at once. */
static bool is_open(const struct tree *tree, const struct tree_row *row)
{
	const struct tree_fold *fold = find_fold(tree, row->identity);
	return fold ? fold->is_open : row->is_lone || tree->is_all_open;
}

/* Describe the row of the stacks [first, first + count), which share `depth` + 1 frames. */
static struct tree_row row_of(const struct tree *tree, size_t first, size_t count, unsigned depth,
			      uint64_t callee)
{
	const struct snapshot_stack **stacks = tree->stacks + first;
	struct tree_row row = { .frame = frame_at(stacks[0], depth),
				.parent = TREE_NO_ROW,
				.first = first,
				.stack_count = count,
				.depth = depth };
	row.identity = frame_identity(callee, row.frame);
	/* A stack that ends here sorts before those that go on. */
	row.has_callers = frame_at(stacks[count - 1], (size_t)depth + 1);

	const struct figures *site = depth == 0 ? site_figures(tree, row.frame) : NULL;
	if (site)
		row.figures = *site;
	for (size_t i = 0; !site && i < count; i++)
		figures_add(&row.figures, &stacks[i]->figures);
	return row;
}

/* Find the end of the stacks that have the same frame at `depth` as the one at `first`. */
static size_t group_end(const struct tree *tree, size_t first, size_t end, unsigned depth)
{
	const struct frame *frame = frame_at(tree->stacks[first], depth);
	size_t next = first + 1;
	while (next < end && frame_compare(frame, frame_at(tree->stacks[next], depth)) == 0)
		next++;
	return next;
}

/* The order of rows, last row first: they are taken from the end. */
static int row_compare(const void *left, const void *right, void *context)
{
	const struct tree_row *a = left;
	const struct tree_row *b = right;
	const struct tree *tree = context;
	double difference =
		columns[tree->sort].value(&a->figures) - columns[tree->sort].value(&b->figures);
	if (difference == 0)
		difference = columns[COLUMN_LIVE].value(&a->figures) -
			     columns[COLUMN_LIVE].value(&b->figures);
	if (difference == 0)
		return frame_compare(b->frame, a->frame);
	return (difference > 0) == tree->is_reversed ? -1 : 1;
}

static void place_callers(const struct tree *tree, struct tree_row *rows, size_t count,
			  const struct tree_row *callee, size_t callee_index)
{
	qsort_r(rows, count, sizeof(*rows), row_compare, (void *)tree);
	for (size_t i = 0; i < count; i++) {
		struct tree_row *row = &rows[i];
		row->is_last = i == 0;
		if (callee) {
			row->parent = callee_index;
			row->is_lone = row->stack_count == callee->stack_count;
			row->indent = callee->indent + (callee->indent == 0 || !row->is_lone);
		}
		row->is_open = row->has_callers && is_open(tree, row);
	}
}

/* Put the callers of a row on the pending ones, or the sites if `callee` is NULL. */
static bool push_callers(const struct tree *tree, struct rows *pending,
			 const struct tree_row *callee, size_t callee_index, struct error *err)
{
	size_t next = callee ? callee->first : 0;
	size_t end = callee ? callee->first + callee->stack_count : tree->snapshot->stack_count;
	unsigned depth = callee ? callee->depth + 1 : 0;
	size_t pushed = pending->count;

	while (next < end && !frame_at(tree->stacks[next], depth))
		next++;
	while (next < end) {
		size_t first = next;
		next = group_end(tree, first, end, depth);
		struct tree_row row =
			row_of(tree, first, next - first, depth, callee ? callee->identity : 0);
		if (!rows_push(pending, &row, err))
			return false;
	}
	if (pending->count > pushed)
		place_callers(tree, pending->row + pushed, pending->count - pushed, callee,
			      callee_index);
	return true;
}

static bool make_rows(const struct tree *tree, struct rows *rows, bool *is_cut_ret,
		      struct error *err)
{
	OWNED(rows_cleanup) struct rows pending = { 0 };
	if (!push_callers(tree, &pending, NULL, TREE_NO_ROW, err))
		return false;
	while (pending.count && rows->count < TREE_ROWS_MAX) {
		struct tree_row row = pending.row[--pending.count];
		if (!rows_push(rows, &row, err))
			return false;
		if (row.is_open && !push_callers(tree, &pending, &row, rows->count - 1, err))
			return false;
	}
	*is_cut_ret = pending.count > 0;
	return true;
}

static size_t find_row(const struct rows *rows, uint64_t identity)
{
	for (size_t i = 0; i < rows->count; i++)
		if (rows->row[i].identity == identity)
			return i;
	return TREE_NO_ROW;
}

/* Find the selected item among the new rows: itself, else its callee, else the same place. */
static size_t follow_selection(const struct tree *tree, const struct rows *rows)
{
	if (!tree->is_following || tree->row_count == 0 || rows->count == 0)
		return 0;
	for (size_t old = tree->selected; old != TREE_NO_ROW; old = tree->rows[old].parent) {
		size_t found = find_row(rows, tree->rows[old].identity);
		if (found != TREE_NO_ROW)
			return found;
	}
	return tree->selected < rows->count ? tree->selected : rows->count - 1;
}

bool tree_rebuild(struct tree *tree, struct error *err)
{
	if (!tree->snapshot)
		return true;

	OWNED(rows_cleanup) struct rows rows = { 0 };
	bool is_cut;
	if (!make_rows(tree, &rows, &is_cut, err))
		return error_context(err, "call tree");

	tree->selected = follow_selection(tree, &rows);
	free(tree->rows);
	tree->rows = MOVE_PTR(rows.row);
	tree->row_count = rows.count;
	tree->is_cut = is_cut;
	return true;
}

bool tree_show(struct tree *tree, const struct snapshot *snapshot, struct error *err)
{
	OWNED_FREE const struct snapshot_stack **stacks =
		calloc(snapshot->stack_count + 1, sizeof(*stacks));
	OWNED_FREE const struct snapshot_site **sites =
		calloc(snapshot->site_count + 1, sizeof(*sites));
	if (!stacks || !sites)
		return error_set(err, ERROR_NO_MEMORY, "%zu stacks", snapshot->stack_count);

	for (size_t i = 0; i < snapshot->stack_count; i++)
		stacks[i] = &snapshot->stacks[i];
	for (size_t i = 0; i < snapshot->site_count; i++)
		sites[i] = &snapshot->sites[i];
	qsort(stacks, snapshot->stack_count, sizeof(*stacks), stack_compare);
	qsort(sites, snapshot->site_count, sizeof(*sites), site_compare);

	struct tree next = *tree;
	next.snapshot = snapshot;
	next.stacks = stacks;
	next.sites = sites;
	if (!tree_rebuild(&next, err))
		return false;

	free(tree->stacks);
	free(tree->sites);
	*tree = next;
	(void)MOVE_PTR(stacks);
	(void)MOVE_PTR(sites);
	return true;
}

void tree_select(struct tree *tree, size_t row)
{
	if (row >= tree->row_count)
		return;
	tree->selected = row;
	tree->is_following = row > 0;
}

/* Remember what a person said about a row. Without memory it is as if nothing was said. */
static void remember_fold(struct tree *tree, uint64_t identity, bool open)
{
	struct tree_fold *fold = find_fold(tree, identity);
	if (fold) {
		fold->is_open = open;
		return;
	}
	struct tree_fold *folds = reallocarray(tree->folds, tree->fold_count + 1, sizeof(*folds));
	if (!folds)
		return;
	folds[tree->fold_count] = (struct tree_fold){ .identity = identity, .is_open = open };
	tree->folds = folds;
	tree->fold_count++;
	qsort(folds, tree->fold_count, sizeof(*folds), fold_compare);
}

void tree_unfold(struct tree *tree)
{
	if (tree->row_count == 0)
		return;
	tree->is_following = true;
	remember_fold(tree, tree->rows[tree->selected].identity, true);
}

void tree_fold(struct tree *tree)
{
	if (tree->row_count == 0)
		return;
	const struct tree_row *row = &tree->rows[tree->selected];
	tree->is_following = true;
	if (row->is_open)
		remember_fold(tree, row->identity, false);
	else if (row->parent != TREE_NO_ROW)
		tree->selected = row->parent;
}

void tree_toggle_all(struct tree *tree)
{
	tree->is_all_open = !tree->is_all_open;
	tree->fold_count = 0;
}
