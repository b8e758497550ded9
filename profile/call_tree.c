/* SPDX-License-Identifier: MIT */
#include "profile/call_tree.h"

void call_tree_deinit(struct call_tree *tree)
{
	numbering_deinit(&tree->frames);
	numbering_deinit(&tree->nodes);
}

static uint64_t node_key(uint32_t caller, uint32_t frame)
{
	return (uint64_t)caller << 32 | frame;
}

bool call_tree_intern(struct call_tree *tree, const struct frame *const *frames, size_t count,
		      uint32_t *ret, struct error *err)
{
	uint32_t node = 0;
	for (size_t i = count; i-- > 0;) {
		uint32_t frame, number;
		if (!numbering_add(&tree->frames, (uintptr_t)frames[i], &frame, err) ||
		    !numbering_add(&tree->nodes, node_key(node, frame), &number, err))
			return false;
		node = number + 1;
	}
	*ret = node;
	return true;
}

uint32_t call_tree_innermost(const struct call_tree *tree, uint32_t node)
{
	return (uint32_t)tree->nodes.keys[node - 1];
}

uint32_t call_tree_caller(const struct call_tree *tree, uint32_t node)
{
	return (uint32_t)(tree->nodes.keys[node - 1] >> 32);
}

size_t call_tree_path(const struct call_tree *tree, uint32_t node, uint32_t *ret)
{
	size_t len = 0;
	for (; node; node = call_tree_caller(tree, node))
		ret[len++] = call_tree_innermost(tree, node);
	return len;
}

const struct frame *call_tree_frame(const struct call_tree *tree, uint32_t number)
{
	return (const struct frame *)(uintptr_t)tree->frames.keys[number];
}
