/* SPDX-License-Identifier: MIT */
#include "tui/tree_path.h"

#include "profile/snapshot_build.h"

/* Frames innermost first, the gap at the outer end among them. */
static size_t frames_len(const struct snapshot_stack *stack)
{
	return stack->frame_count ? stack->frame_count + stack->is_truncated : 1;
}

static const struct frame *frame_outwards(const struct snapshot_stack *stack, size_t number)
{
	static const struct frame missing = { .function = "[outer frames not read]", .file = "" };

	if (number < stack->frame_count)
		return stack->frames[number];
	return stack->frame_count ? &missing : &snapshot_unknown_frame;
}

size_t tree_path_len(enum tree_shape shape, const struct snapshot_stack *stack)
{
	return frames_len(stack) + (shape == TREE_THREADS);
}

const struct frame *tree_path_frame(enum tree_shape shape, const struct snapshot_stack *stack,
				    size_t depth)
{
	switch (shape) {
	case TREE_SITES:
		return frame_outwards(stack, depth);
	case TREE_CALLS:
		return frame_outwards(stack, frames_len(stack) - 1 - depth);
	case TREE_THREADS:
		return depth == 0 ? NULL : frame_outwards(stack, depth - 1);
	}
	return NULL;
}

struct frame tree_path_thread(const struct snapshot_stack *stack)
{
	const char *name = stack->thread && *stack->thread ? stack->thread : "[unnamed thread]";
	return (struct frame){ .function = name, .file = "" };
}

uint64_t tree_path_identity(uint64_t above, uint64_t hash)
{
	/* splitmix64's finalizer, https://prng.di.unimi.it/splitmix64.c */
	uint64_t mixed = above + hash * UINT64_C(0x9e3779b97f4a7c15);
	mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
	mixed ^= mixed >> 31;
	return mixed ? mixed : 1;
}
