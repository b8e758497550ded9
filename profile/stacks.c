/* SPDX-License-Identifier: MIT */
#include "profile/stacks.h"

#include <string.h>

#include <uthash.h>

/* What a stack says when threads of different names allocate on it. */
static const char several_threads[] = "[several threads]";

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
	struct thread_name *name;
	HASH_FIND_STR(stacks->names, text, name);
	if (!name) {
		size_t bytes = strlen(text) + 1;
		name = calloc(1, sizeof(*name) + bytes);
		if (!name)
			return error_set(err, ERROR_NO_MEMORY, "name of a thread");
		memcpy(name->text, text, bytes);
		HASH_ADD_STR(stacks->names, text, name);
	}
	*ret = name->text;
	return true;
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

bool stacks_intern(struct stacks *stacks, const struct sample *sample, uint32_t *ret,
		   struct error *err)
{
	size_t depth = sample->frame_count;
	bool is_truncated = sample->is_truncated;
	size_t depth_max = stacks->tree.nodes.len < STACKS_NODES_MAX ? FRAME_DEPTH_MAX : 1;
	if (depth > depth_max) {
		depth = depth_max;
		is_truncated = true;
	}

	struct stack item = { .kind = sample->kind, .is_truncated = is_truncated };
	if (!call_tree_intern(&stacks->tree, sample->frames, depth, &item.node, err) ||
	    !thread_intern(stacks, sample->thread, &item.thread, err))
		return false;

	uint64_t key = ((uint64_t)item.node * MEMORY_KIND_COUNT + item.kind) << 1 | is_truncated;
	if (numbering_find(&stacks->paths, key, ret)) {
		struct stack *known = &stacks->items[*ret];
		if (known->thread != item.thread)
			known->thread = several_threads;
		return true;
	}
	return item_append(stacks, &item, err) && numbering_add(&stacks->paths, key, ret, err);
}
