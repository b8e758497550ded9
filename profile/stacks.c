/* SPDX-License-Identifier: MIT */
#include "profile/stacks.h"

#include <string.h>

#include "base/hash.h"
#include "profile/snapshot_build.h"

struct thread_name {
	UT_hash_handle hh;
	char text[];
};

void stacks_deinit(struct stacks *stacks)
{
	call_tree_deinit(&stacks->tree);
	numbering_deinit(&stacks->paths);
	free(stacks->items);

	struct thread_name *name, *next;
	HASH_ITER(hh, stacks->names, name, next) {
		HASH_DEL(stacks->names, name);
		free(name);
	}
	*stacks = (struct stacks){ 0 };
}

size_t stacks_len(const struct stacks *stacks)
{
	return stacks->paths.len;
}

static bool thread_intern(struct stacks *stacks, const char *text, const char **ret,
			  struct error *err)
{
	struct thread_name *known;
	HASH_FIND_STR(stacks->names, text, known);
	if (!known) {
		size_t bytes = strlen(text) + 1;
		OWNED_FREE struct thread_name *added = calloc(1, sizeof(*added) + bytes);
		if (!added)
			return error_set(err, ERROR_NO_MEMORY, "name of a thread");
		memcpy(added->text, text, bytes);
		HASH_ADD_STR(stacks->names, text, added);
		if (!added->hh.tbl)
			return error_set(err, ERROR_NO_MEMORY, "names of threads");
		known = MOVE_PTR(added);
	}
	*ret = known->text;
	return true;
}

const char *stack_thread(const char *one, const char *other)
{
	return one == other ? one : several_threads;
}

bool stacks_have_room(const struct stacks *stacks, size_t frame_count)
{
	return stacks_len(stacks) < stacks->limits.stacks &&
	       stacks->tree.nodes.len + frame_count <= stacks->limits.nodes;
}

static bool item_append(struct stacks *stacks, const struct stack *item, struct error *err)
{
	void *items = stacks->items;
	if (!array_reserve(&items, &stacks->capacity, stacks_len(stacks) + 1, sizeof(*item), err))
		return false;
	stacks->items = items;
	stacks->items[stacks_len(stacks)] = *item;
	return true;
}

static uint64_t stack_key(const struct stack *stack)
{
	return ((uint64_t)stack->node * MEMORY_KIND_COUNT + stack->kind) << 1 | stack->is_truncated;
}

/* Say where a stack's path lies in a tree. */
static void stack_locate(struct stack *stack, const struct call_tree *tree, uint32_t node,
			 size_t depth)
{
	stack->node = node;
	stack->site = node ? call_tree_innermost(tree, node) + 1 : 0;
	stack->depth = (uint16_t)depth;
}

bool stacks_intern(struct stacks *stacks, const struct sample *sample, uint32_t *ret,
		   struct error *err)
{
	size_t depth = sample->frame_count;
	if (depth > FRAME_DEPTH_MAX)
		depth = FRAME_DEPTH_MAX;
	if (depth > 1 && !stacks_have_room(stacks, depth))
		depth = 1;

	uint32_t node;
	struct stack item = { .kind = sample->kind,
			      .is_truncated = sample->is_truncated || depth < sample->frame_count };
	if (!call_tree_intern(&stacks->tree, sample->frames, depth, &node, err) ||
	    !thread_intern(stacks, sample->thread, &item.thread, err))
		return false;
	stack_locate(&item, &stacks->tree, node, depth);

	if (numbering_find(&stacks->paths, stack_key(&item), ret)) {
		struct stack *known = &stacks->items[*ret];
		known->thread = stack_thread(known->thread, item.thread);
		return true;
	}
	return item_append(stacks, &item, err) &&
	       numbering_add(&stacks->paths, stack_key(&item), ret, err);
}

/* What compacting works with. */
struct compaction {
	const struct stacks *from;
	double *live_bytes; /* by number */
	uint32_t *order;    /* numbers; those that hold most come first */
	uint32_t *numbers;  /* the new ones, by number */
	struct call_tree tree;
	struct numbering paths;
};

static void compaction_deinit(struct compaction *compaction)
{
	free(compaction->live_bytes);
	free(compaction->order);
	free(compaction->numbers);
	call_tree_deinit(&compaction->tree);
	numbering_deinit(&compaction->paths);
}

/* Most live bytes first, then most that ever were. */
static int rank_compare(const void *a, const void *b, void *context)
{
	const struct compaction *compaction = context;
	const struct stack *items = compaction->from->items;
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	double left_bytes = compaction->live_bytes[left];
	double right_bytes = compaction->live_bytes[right];
	if (left_bytes == right_bytes) {
		left_bytes = items[left].history.weight;
		right_bytes = items[right].history.weight;
	}
	return (left_bytes < right_bytes) - (left_bytes > right_bytes);
}

static bool rank(struct compaction *compaction, const struct live *live, struct error *err)
{
	size_t len = stacks_len(compaction->from);
	compaction->live_bytes = calloc(len + 1, sizeof(*compaction->live_bytes));
	compaction->order = calloc(len + 1, sizeof(*compaction->order));
	compaction->numbers = calloc(len + 1, sizeof(*compaction->numbers));
	if (!compaction->live_bytes || !compaction->order || !compaction->numbers)
		return error_set(err, ERROR_NO_MEMORY, "no memory to compact %zu stacks", len);

	for (size_t i = 0; i < live_len(live); i++)
		compaction->live_bytes[live->blocks[i].stack] +=
			observation_weight(&live->blocks[i].seen);
	for (size_t i = 0; i < len; i++)
		compaction->order[i] = (uint32_t)i;
	qsort_r(compaction->order, len, sizeof(*compaction->order), rank_compare, compaction);
	return true;
}

/* Three eighths of all room are for stacks as they are, half is for sites, and an eighth, at least,
 * for what comes. */
static bool has_room_for_path(const struct compaction *compaction, size_t depth)
{
	const struct profile_limits *limits = &compaction->from->limits;
	return compaction->paths.len < limits->stacks / 8 * 3 &&
	       compaction->tree.nodes.len + depth <= limits->nodes / 2;
}

static bool has_room_for_site(const struct compaction *compaction, const struct stack *stack)
{
	uint32_t known;
	return compaction->paths.len < compaction->from->limits.stacks / 8 * 7 ||
	       numbering_find(&compaction->paths, stack_key(stack), &known);
}

/* Give a stack its new number: that of its path, of its site, or of what nothing is known of. */
static bool place(struct compaction *compaction, uint32_t number, struct error *err)
{
	const struct call_tree *tree = &compaction->from->tree;
	const struct stack *stack = &compaction->from->items[number];
	struct stack placed = { .kind = stack->kind, .is_truncated = stack->is_truncated };
	uint32_t path[FRAME_DEPTH_MAX];
	const struct frame *frames[FRAME_DEPTH_MAX];
	size_t depth = call_tree_path(tree, stack->node, path);
	if (depth > 1 && !has_room_for_path(compaction, depth)) {
		depth = 1;
		placed.is_truncated = true;
	}
	for (size_t i = 0; i < depth; i++)
		frames[i] = call_tree_frame(tree, path[i]);
	if (!call_tree_intern(&compaction->tree, frames, depth, &placed.node, err))
		return false;
	if (depth == 1 && !has_room_for_site(compaction, &placed)) {
		placed.node = 0;
		placed.is_truncated = true;
	}
	return numbering_add(&compaction->paths, stack_key(&placed), &compaction->numbers[number],
			     err);
}

/* Put the stacks themselves where their ranks are. */
static void permute(const struct compaction *compaction, struct stack *items)
{
	for (size_t i = 0; i < stacks_len(compaction->from); i++) {
		size_t at = compaction->order[i];
		while (at < i) /* it has moved since */
			at = compaction->order[at];
		struct stack moved = items[i];
		items[i] = items[at];
		items[at] = moved;
	}
}

/* Make one of those that share a new number. New numbers count up with the ranks. */
static void merge(const struct compaction *compaction, struct stack *items)
{
	size_t len = 0;
	for (size_t i = 0; i < stacks_len(compaction->from); i++) {
		struct stack item = items[i];
		uint32_t number = compaction->numbers[compaction->order[i]];
		if (number < len) {
			items[number].thread = stack_thread(items[number].thread, item.thread);
			history_merge(&items[number].history, &item.history);
			continue;
		}
		uint64_t key = compaction->paths.keys[number];
		uint32_t node = (uint32_t)((key >> 1) / MEMORY_KIND_COUNT);
		bool is_short = node == 0 || call_tree_caller(&compaction->tree, node) == 0;
		stack_locate(&item, &compaction->tree, node, is_short ? node != 0 : item.depth);
		item.is_truncated = key & 1;
		items[len++] = item;
	}
}

bool stacks_compact(struct stacks *stacks, struct live *live, struct error *err)
{
	OWNED(compaction_deinit) struct compaction compaction = { .from = stacks };
	if (!rank(&compaction, live, err))
		return false;
	for (size_t i = 0; i < stacks_len(stacks); i++) {
		if (!place(&compaction, compaction.order[i], err))
			return false;
	}

	for (size_t i = 0; i < live_len(live); i++)
		live->blocks[i].stack = compaction.numbers[live->blocks[i].stack];
	permute(&compaction, stacks->items);
	merge(&compaction, stacks->items);
	call_tree_deinit(&stacks->tree);
	numbering_deinit(&stacks->paths);
	stacks->tree = compaction.tree;
	stacks->paths = compaction.paths;
	compaction.tree = (struct call_tree){ 0 };
	compaction.paths = (struct numbering){ 0 };
	return true;
}
