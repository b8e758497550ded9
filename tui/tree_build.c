/* SPDX-License-Identifier: MIT */
#include "tui/tree_build.h"

#include <string.h>

#include "tui/figures.h"
#include "tui/frame_table.h"
#include "tui/tree_path.h"

/* While rows are made. */
struct builder {
	const struct tree *tree;
	struct frame_table frames;
	struct numbering ranks; /* keys: identities of the rows before; numbers: their order */
	struct numbering sites; /* keys: hashes of the snapshot's sites; numbers: their indices */
	struct tree_entry *scratch;
	uint32_t *groups;	  /* per entry of the row at hand */
	size_t *ends;		  /* of its groups, in its entries */
	struct tree_rows done;	  /* rows in their final order, and all entries */
	struct tree_rows pending; /* rows to come, last one first */
};

void tree_rows_deinit(struct tree_rows *rows)
{
	free(rows->entries);
	free(rows->row);
}

static void builder_deinit(struct builder *builder)
{
	frame_table_deinit(&builder->frames);
	numbering_deinit(&builder->ranks);
	numbering_deinit(&builder->sites);
	free(builder->scratch);
	free(builder->groups);
	free(builder->ends);
	tree_rows_deinit(&builder->done);
	tree_rows_deinit(&builder->pending);
}

static bool rows_push(struct tree_rows *rows, const struct tree_row *row, struct error *err)
{
	void *moved = rows->row;
	if (!array_reserve(&moved, &rows->capacity, rows->count + 1, sizeof(*rows->row), err))
		return false;
	rows->row = moved;
	rows->row[rows->count++] = *row;
	return true;
}

/* Which stacks are shown. */

static bool is_shown(struct builder *builder, const struct snapshot_stack *stack, bool *ret,
		     struct error *err)
{
	const struct tree *tree = builder->tree;
	bool is_matching = !*tree->filter;
	bool is_import = false;
	*ret = !*tree->thread || strcmp(tree->thread, tree_path_thread(stack).function) == 0;
	if (!*ret)
		return true;

	size_t len = tree_path_len(TREE_SITES, stack);
	for (size_t i = 0; i < len && !(is_matching && !tree->hides_imports); i++) {
		const struct frame_facts *facts;
		if (!frame_table_find(&builder->frames, tree_path_frame(TREE_SITES, stack, i),
				      &facts, err))
			return false;
		is_matching = is_matching || facts->is_matching;
		is_import = is_import || facts->is_import;
	}
	*ret = is_matching && !(is_import && tree->hides_imports);
	return true;
}

static bool add_entries(struct builder *builder, const struct snapshot *snapshot, bool is_baseline,
			struct error *err)
{
	struct tree_rows *done = &builder->done;
	for (size_t i = 0; snapshot && i < snapshot->stack_count; i++) {
		bool shown;
		if (!is_shown(builder, &snapshot->stacks[i], &shown, err))
			return false;
		if (shown)
			done->entries[done->entry_count++] =
				(struct tree_entry){ &snapshot->stacks[i], is_baseline };
	}
	return true;
}

static bool collect_entries(struct builder *builder, struct error *err)
{
	const struct tree *tree = builder->tree;
	size_t count = tree->snapshot->stack_count;
	if (tree->baseline)
		count += tree->baseline->stack_count;
	builder->done.entries = calloc(count + 1, sizeof(*builder->done.entries));
	builder->scratch = calloc(count + 1, sizeof(*builder->scratch));
	builder->groups = calloc(count + 1, sizeof(*builder->groups));
	builder->ends = calloc(count + 2, sizeof(*builder->ends));
	if (!builder->done.entries || !builder->scratch || !builder->groups || !builder->ends)
		return error_set(err, ERROR_NO_MEMORY, "%zu stacks", count);
	return add_entries(builder, tree->snapshot, false, err) &&
	       add_entries(builder, tree->baseline, true, err);
}

/* Number the sites, where a row may be one. A sum of stacks knows less than the snapshot does. */
static bool collect_sites(struct builder *builder, struct error *err)
{
	const struct tree *tree = builder->tree;
	if (tree->shape != TREE_SITES || tree->is_by_function || *tree->filter || *tree->thread ||
	    tree->hides_imports)
		return true;
	for (size_t i = 0; i < tree->snapshot->site_count; i++) {
		const struct frame_facts *facts;
		uint32_t number;
		if (!frame_table_find(&builder->frames, tree->snapshot->sites[i].frame, &facts,
				      err) ||
		    !numbering_add(&builder->sites, facts->hash, &number, err))
			return false;
	}
	return true;
}

static bool collect_ranks(struct builder *builder, struct error *err)
{
	const struct tree *tree = builder->tree;
	for (size_t i = 0; tree->is_held && i < tree->row_count; i++) {
		uint32_t number;
		if (!numbering_add(&builder->ranks, tree->rows[i].identity, &number, err))
			return false;
	}
	return true;
}

/* One row. */

static struct frame shown_frame(const struct tree *tree, const struct snapshot_stack *stack,
				unsigned depth)
{
	const struct frame *frame = tree_path_frame(tree->shape, stack, depth);
	struct frame ret = frame ? *frame : tree_path_thread(stack);
	if (tree->is_by_function)
		ret.line = 0;
	return ret;
}

static bool entry_hash(struct builder *builder, const struct tree_entry *entry, unsigned depth,
		       uint64_t *ret, struct error *err)
{
	const struct tree *tree = builder->tree;
	const struct frame_facts *facts;
	const struct frame *frame = tree_path_frame(tree->shape, entry->stack, depth);
	if (!frame) {
		struct frame thread = tree_path_thread(entry->stack);
		*ret = frame_hash(&thread, false);
		return true;
	}
	if (!frame_table_find(&builder->frames, frame, &facts, err))
		return false;
	*ret = facts->hash;
	return true;
}

/* The figures of a row that are known as a whole: those of the process, of the row above if it has
 * the same stacks, of a site. NULL: they are the sum of its stacks'. */
static const struct figures *known_figures(const struct builder *builder,
					   const struct tree_row *row,
					   const struct tree_row *parent, uint64_t hash)
{
	const struct snapshot *snapshot = builder->tree->snapshot;
	uint32_t number;
	if (parent)
		return row->stack_count == parent->stack_count ? &parent->figures : NULL;
	/* Of the past, the process knows of stacks that are no longer there. */
	if (row->stack_count == snapshot->stack_count && !builder->tree->baseline &&
	    !builder->tree->is_ageless)
		return &snapshot->total;
	if (numbering_find(&builder->sites, hash, &number))
		return &snapshot->sites[number].figures;
	return NULL;
}

static void sum_figures(const struct builder *builder, struct tree_row *row,
			const struct tree_row *parent, uint64_t hash)
{
	const struct tree *tree = builder->tree;
	const struct figures *known = known_figures(builder, row, parent, hash);
	double bytes_before = 0;
	if (known)
		row->figures = *known;
	for (size_t i = row->first; i < row->first + row->stack_count; i++) {
		const struct tree_entry *entry = &builder->done.entries[i];
		if (entry->is_baseline)
			bytes_before +=
				figures_old_bytes(&entry->stack->figures, tree->min_age_class);
		else if (!known)
			figures_add(&row->figures, &entry->stack->figures);
		else if (!tree->baseline)
			break;
	}
	figures_keep_old(&row->figures, tree->min_age_class);

	double total = tree->snapshot->total.live_bytes.value;
	row->share = total > 0 ? row->figures.live_bytes.value / total : 0;
	if (tree->baseline)
		row->change_bytes = row->figures.live_bytes.value - bytes_before;
}

/* Describe the row of the stacks [first, first + count), which share `depth` + 1 frames. */
static bool row_make(struct builder *builder, size_t first, size_t count, unsigned depth,
		     const struct tree_row *parent, struct tree_row *ret, struct error *err)
{
	const struct tree *tree = builder->tree;
	const struct tree_entry *entries = builder->done.entries + first;
	uint64_t hash;
	uint32_t rank;
	if (!entry_hash(builder, &entries[0], depth, &hash, err))
		return false;

	*ret = (struct tree_row){ .frame = shown_frame(tree, entries[0].stack, depth),
				  .identity =
					  tree_path_identity(parent ? parent->identity : 0, hash),
				  .parent = TREE_NO_ROW,
				  .first = first,
				  .stack_count = count,
				  .rank = SIZE_MAX,
				  .depth = depth };
	ret->is_thread = tree->shape == TREE_THREADS && depth == 0;
	if (numbering_find(&builder->ranks, ret->identity, &rank))
		ret->rank = rank;
	for (size_t i = 0; i < count && !ret->has_children; i++)
		ret->has_children = tree_path_len(tree->shape, entries[i].stack) > depth + 1;
	sum_figures(builder, ret, parent, hash);
	return true;
}

/* The rows below one. */

/* The order of rows, last row first: they are taken from the end. */
static int row_compare(const void *left, const void *right, void *context)
{
	const struct tree_row *a = left;
	const struct tree_row *b = right;
	const struct tree *tree = context;
	if (a->rank != b->rank)
		return a->rank > b->rank ? -1 : 1;
	double difference = columns[tree->sort].value(a) - columns[tree->sort].value(b);
	if (difference == 0)
		difference = columns[COLUMN_LIVE].value(a) - columns[COLUMN_LIVE].value(b);
	if (difference != 0)
		return (difference > 0) == tree->is_reversed ? -1 : 1;
	int order = a->frame.line < b->frame.line ? 1 : -(a->frame.line > b->frame.line);
	order = order ? order : strcmp(b->frame.function, a->frame.function);
	order = order ? order : strcmp(b->frame.file, a->frame.file);
	return order ? order : (a->identity < b->identity) - (a->identity > b->identity);
}

static void mark_hot(const struct tree *tree, struct tree_row *rows, size_t count,
		     const struct tree_row *parent)
{
	struct tree_row *largest = rows;
	for (struct tree_row *row = rows; row < rows + count; row++) {
		row->is_hot = tree->hot == row->identity;
		if (columns[COLUMN_LIVE].value(row) > columns[COLUMN_LIVE].value(largest))
			largest = row;
	}
	if (parent && parent->is_hot)
		largest->is_hot = true;
}

static void place_rows(const struct tree *tree, struct tree_row *rows, size_t count,
		       const struct tree_row *parent, size_t parent_index)
{
	qsort_r(rows, count, sizeof(*rows), row_compare, (void *)tree);
	mark_hot(tree, rows, count, parent);
	for (size_t i = 0; i < count; i++) {
		struct tree_row *row = &rows[i];
		row->is_last = i == 0;
		if (parent) {
			row->parent = parent_index;
			row->is_lone = row->stack_count == parent->stack_count;
			row->indent = parent->indent + (parent->indent == 0 || !row->is_lone);
		}
		/* A lone row is open, so that a chain unfolds at once. */
		bool otherwise = row->is_lone || row->is_hot || tree->is_all_open;
		row->is_open =
			row->has_children && folds_is_open(&tree->folds, row->identity, otherwise);
	}
}

/* Put the entries of a row in order by their frame at `depth`: first those that have none, which
 * are group 0, then group by group. */
static bool group_entries(struct builder *builder, size_t first, size_t count, unsigned depth,
			  size_t *group_count_ret, struct error *err)
{
	OWNED(numbering_deinit) struct numbering numbers = { 0 };
	struct tree_entry *entries = builder->done.entries + first;
	size_t *ends = builder->ends;
	uint32_t group;
	if (count == 1) { /* most rows of a tree that is unfolded are of one stack */
		ends[0] = 0;
		ends[1] = 1;
		*group_count_ret =
			tree_path_len(builder->tree->shape, entries[0].stack) > depth ? 2 : 1;
		return true;
	}
	if (!numbering_add(&numbers, 0, &group, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		uint64_t hash = 0;
		if (tree_path_len(builder->tree->shape, entries[i].stack) > depth &&
		    !entry_hash(builder, &entries[i], depth, &hash, err))
			return false;
		if (!numbering_add(&numbers, hash, &builder->groups[i], err))
			return false;
	}

	memset(ends, 0, (numbers.len + 1) * sizeof(*ends));
	for (size_t i = 0; i < count; i++)
		ends[builder->groups[i] + 1]++;
	for (size_t i = 1; i <= numbers.len; i++)
		ends[i] += ends[i - 1];
	/* Now each element is where its group begins; filling moves it to the end. */
	for (size_t i = 0; i < count; i++)
		builder->scratch[ends[builder->groups[i]]++] = entries[i];
	memcpy(entries, builder->scratch, count * sizeof(*entries));
	*group_count_ret = numbers.len;
	return true;
}

/* Nothing of it is old enough, now or when the baseline was taken. */
static bool is_empty(const struct tree *tree, const struct tree_row *row)
{
	return tree->min_age_class > 0 && !(row->figures.live_bytes.value > 0) &&
	       row->change_bytes == 0;
}

/* Put the rows below a row on the pending ones, or those on top if `parent` is NULL. */
static bool push_below(struct builder *builder, const struct tree_row *parent, size_t parent_index,
		       struct error *err)
{
	struct tree_rows *pending = &builder->pending;
	size_t first = parent ? parent->first : 0;
	size_t count = parent ? parent->stack_count : builder->done.entry_count;
	unsigned depth = parent ? parent->depth + 1 : 0;
	size_t pushed = pending->count;
	size_t group_count = 0;
	if (!group_entries(builder, first, count, depth, &group_count, err))
		return false;

	const size_t *ends = builder->ends;
	for (size_t group = 1; group < group_count; group++) {
		struct tree_row row;
		if (!row_make(builder, first + ends[group - 1], ends[group] - ends[group - 1],
			      depth, parent, &row, err))
			return false;
		if (!is_empty(builder->tree, &row) && !rows_push(pending, &row, err))
			return false;
	}
	if (pending->count > pushed)
		place_rows(builder->tree, pending->row + pushed, pending->count - pushed, parent,
			   parent_index);
	return true;
}

static bool make_rows(struct builder *builder, struct error *err)
{
	struct tree_rows *done = &builder->done;
	struct tree_rows *pending = &builder->pending;
	if (!push_below(builder, NULL, TREE_NO_ROW, err))
		return false;
	for (size_t i = 0; i < pending->count; i++)
		done->shown_bytes += columns[COLUMN_LIVE].value(&pending->row[i]);
	while (pending->count && done->count < TREE_ROWS_MAX) {
		if (!rows_push(done, &pending->row[--pending->count], err))
			return false;
		const struct tree_row *row = &done->row[done->count - 1];
		if (row->is_open && !push_below(builder, row, done->count - 1, err))
			return false;
	}
	done->is_cut = pending->count > 0;
	return true;
}

bool tree_build(const struct tree *tree, struct tree_rows *ret, struct error *err)
{
	OWNED(builder_deinit)
	struct builder builder = {
		.tree = tree,
		.frames = { .is_by_function = tree->is_by_function,
			    .pattern = *tree->filter ? tree->filter : NULL },
	};
	if (!collect_entries(&builder, err) || !collect_sites(&builder, err) ||
	    !collect_ranks(&builder, err) || !make_rows(&builder, err))
		return false;
	*ret = builder.done;
	builder.done = (struct tree_rows){ 0 };
	return true;
}
