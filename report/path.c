/* SPDX-License-Identifier: MIT */
#include "report/path.h"

static const struct frame unknown = { .function = "[unknown]", .file = "" };
static const struct frame not_read = { .function = "[not read]", .file = "" };

void path_make(const struct snapshot_stack *stack, struct path *ret)
{
	bool is_deep = stack->frame_count > FRAME_DEPTH_MAX;
	size_t count = is_deep ? FRAME_DEPTH_MAX : stack->frame_count;
	ret->len = 0;
	if (stack->is_truncated || is_deep)
		ret->frames[ret->len++] = &not_read;
	for (size_t i = count; i > 0; i--)
		ret->frames[ret->len++] = stack->frames[i - 1];
	if (ret->len == 0)
		ret->frames[ret->len++] = &unknown;
}
