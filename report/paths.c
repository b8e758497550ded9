/* SPDX-License-Identifier: MIT */
#include "report/paths.h"

void paths_deinit(struct paths *paths)
{
	numbering_deinit(&paths->frames);
	free(paths->numbers);
	free(paths->ends);
	free(paths->order);
}

const uint32_t *paths_of(const struct paths *paths, size_t stack, size_t *len_ret)
{
	size_t begin = stack ? paths->ends[stack - 1] : 0;
	*len_ret = paths->ends[stack] - begin;
	return paths->numbers + begin;
}

const struct frame *paths_frame(const struct paths *paths, size_t number)
{
	return (const struct frame *)(uintptr_t)paths->frames.keys[number];
}

static bool path_add(struct paths *paths, const struct snapshot_stack *stack, struct error *err)
{
	struct path path;
	void *numbers = paths->numbers;
	path_make(stack, &path);
	if (!array_reserve(&numbers, &paths->capacity, paths->len + path.len,
			   sizeof(*paths->numbers), err))
		return false;
	paths->numbers = numbers;
	for (size_t i = 0; i < path.len; i++) {
		if (!numbering_add(&paths->frames, (uint64_t)(uintptr_t)path.frames[i],
				   &paths->numbers[paths->len], err))
			return false;
		paths->len++;
	}
	paths->ends[paths->stack_count++] = paths->len;
	return true;
}

static int stack_compare(const void *a, const void *b, void *context)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	size_t left_len, right_len;
	const uint32_t *left_path = paths_of(context, left, &left_len);
	const uint32_t *right_path = paths_of(context, right, &right_len);
	for (size_t i = 0; i < left_len && i < right_len; i++) {
		if (left_path[i] != right_path[i])
			return left_path[i] < right_path[i] ? -1 : 1;
	}
	if (left_len != right_len)
		return left_len < right_len ? -1 : 1;
	return (left > right) - (left < right);
}

bool paths_init(struct paths *paths, const struct snapshot *snapshot, struct error *err)
{
	size_t count = snapshot->stack_count;
	*paths = (struct paths){
		.ends = calloc(count + 1, sizeof(*paths->ends)),
		.order = calloc(count + 1, sizeof(*paths->order)),
	};
	if (!paths->ends || !paths->order)
		return error_set(err, ERROR_NO_MEMORY, "no memory for %zu paths", count);
	for (size_t i = 0; i < count; i++) {
		paths->order[i] = (uint32_t)i;
		if (!path_add(paths, &snapshot->stacks[i], err))
			return false;
	}
	qsort_r(paths->order, count, sizeof(*paths->order), stack_compare, paths);
	return true;
}
