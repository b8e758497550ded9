/* SPDX-License-Identifier: MIT */
#include "cli/told_stack.h"

size_t told_stack_tell(struct told_stack *told, const struct frame *const *frames, size_t len)
{
	size_t shared = 0;
	while (shared < len && shared < told->len &&
	       frames[len - 1 - shared] == told->frames[shared])
		shared++;
	for (size_t i = shared; i < len; i++)
		told->frames[i] = frames[len - 1 - i];
	told->len = len;
	return len - shared;
}

void told_stack_hear(struct told_stack *told, const struct frame *const *frames, size_t new_len,
		     size_t len, const struct frame **ret)
{
	size_t shared = len - new_len;
	for (size_t i = 0; i < new_len; i++)
		told->frames[shared + i] = frames[new_len - 1 - i];
	told->len = len;
	for (size_t i = 0; i < len; i++)
		ret[i] = told->frames[len - 1 - i];
}
