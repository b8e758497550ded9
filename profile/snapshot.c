/* SPDX-License-Identifier: MIT */
#include "profile/snapshot_build.h"

#include <stdalign.h>
#include <string.h>

const struct frame snapshot_unknown_frame = { .function = "[unknown]", .file = "" };

const char several_threads[] = "[several threads]";

const double age_class_seconds[AGE_CLASSES] = { 0,   1,	  3,	10,   30,    60,
						180, 600, 1800, 3600, 10800, 86400 };

const double size_class_bytes[SIZE_CLASSES] = { 0,     33,     129,    513,	2049,	 8193,
						32769, 131073, 524289, 2097153, 8388609, 33554433 };

/* Memory that is only ever given back as a whole. */
struct chunk {
	struct chunk *next;
	size_t used;
	size_t size;
	alignas(max_align_t) char bytes[];
};

enum { CHUNK_BYTES = 128 * 1024 };

bool snapshot_create(struct snapshot **ret, struct error *err)
{
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
	if (!snapshot)
		return error_set(err, ERROR_NO_MEMORY, "no memory for a snapshot");
	*ret = snapshot;
	return true;
}

void snapshot_limit(struct snapshot *snapshot, size_t bytes_max)
{
	snapshot->storage_bytes_max = bytes_max;
}

void snapshot_destroy(struct snapshot *snapshot)
{
	if (!snapshot)
		return;
	for (struct chunk *chunk = snapshot->storage; chunk;) {
		struct chunk *next = chunk->next;
		free(chunk);
		chunk = next;
	}
	free(snapshot);
}

/* Put a chunk in front that has room for `size` bytes at least. NULL on failure. */
static struct chunk *chunk_add(struct snapshot *snapshot, size_t size, struct error *err)
{
	size_t room = size > CHUNK_BYTES ? size : CHUNK_BYTES;
	size_t max = snapshot->storage_bytes_max;
	if (max && (snapshot->storage_bytes > max || room > max - snapshot->storage_bytes)) {
		error_set(err, ERROR_FILE, "the file says more than one of its size can hold");
		return NULL;
	}
	struct chunk *chunk = size > PTRDIFF_MAX / 2 ? NULL : calloc(1, sizeof(*chunk) + room);
	if (!chunk) {
		error_set(err, ERROR_NO_MEMORY, "no memory for a snapshot of this size");
		return NULL;
	}
	snapshot->storage_bytes += room;
	chunk->size = room;
	chunk->next = snapshot->storage;
	snapshot->storage = chunk;
	return chunk;
}

void *snapshot_alloc(struct snapshot *snapshot, size_t count, size_t element_bytes,
		     struct error *err)
{
	size_t size;
	struct chunk *chunk = snapshot->storage;
	if (__builtin_mul_overflow(count, element_bytes, &size))
		size = SIZE_MAX;
	if (!chunk || chunk->size - chunk->used < size)
		chunk = chunk_add(snapshot, size, err);
	if (!chunk)
		return NULL;

	void *ret = chunk->bytes + chunk->used;
	size_t rounded = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	size_t left = chunk->size - chunk->used;
	chunk->used += rounded < left ? rounded : left;
	return ret;
}

bool snapshot_copy_text(struct snapshot *snapshot, const char *text, const char **ret,
			struct error *err)
{
	if (!text) {
		*ret = NULL;
		return true;
	}
	size_t bytes = strlen(text) + 1;
	char *copy = snapshot_alloc(snapshot, bytes, 1, err);
	if (!copy)
		return false;
	*ret = memcpy(copy, text, bytes);
	return true;
}

bool snapshot_copy_frame(struct snapshot *snapshot, const struct frame *frame,
			 const struct frame **ret, struct error *err)
{
	struct frame *copy = snapshot_alloc(snapshot, 1, sizeof(*copy), err);
	if (!copy || !snapshot_copy_text(snapshot, frame->function, &copy->function, err) ||
	    !snapshot_copy_text(snapshot, frame->file, &copy->file, err))
		return false;
	copy->line = frame->line;
	*ret = copy;
	return true;
}

bool snapshot_copy_target(struct snapshot *snapshot, const struct snapshot_target *target,
			  struct error *err)
{
	struct snapshot_target *copy = &snapshot->target;
	size_t count = 0;
	while (target->command && target->command[count])
		count++;

	copy->pid = target->pid;
	copy->has_exited = target->has_exited;
	copy->command = snapshot_alloc(snapshot, count + 1, sizeof(*copy->command), err);
	if (!copy->command ||
	    !snapshot_copy_text(snapshot, target->python ? target->python : "", &copy->python, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		const char *argument;
		if (!snapshot_copy_text(snapshot, target->command[i], &argument, err))
			return false;
		copy->command[i] = (char *)argument;
	}
	return true;
}

static int frame_compare(const struct frame *a, const struct frame *b)
{
	int order = strcmp(a->file, b->file);
	if (order == 0)
		order = (a->line > b->line) - (a->line < b->line);
	return order ? order : strcmp(a->function, b->function);
}

static int figures_compare(const struct figures *a, const struct figures *b)
{
	double left = a->live_bytes.value, right = b->live_bytes.value;
	return (left < right) - (left > right);
}

static int site_compare(const void *a, const void *b)
{
	const struct snapshot_site *left = a, *right = b;
	int order = figures_compare(&left->figures, &right->figures);
	return order ? order : frame_compare(left->frame, right->frame);
}

static int stack_compare(const void *a, const void *b)
{
	const struct snapshot_stack *left = a, *right = b;
	int order = figures_compare(&left->figures, &right->figures);
	for (size_t i = 0; order == 0 && i < left->frame_count && i < right->frame_count; i++) {
		if (left->frames[i] != right->frames[i])
			order = frame_compare(left->frames[i], right->frames[i]);
	}
	if (order == 0)
		order = (left->frame_count > right->frame_count) -
			(left->frame_count < right->frame_count);
	return order ? order : (int)left->kind - (int)right->kind;
}

/* Stacks are large and there may be many: what mostly decides is sorted in their place. */
struct stack_rank {
	double live_bytes;
	size_t number; /* of the stack before sorting; then of the one that comes here */
};

static int stack_rank_compare(const void *a, const void *b, void *context)
{
	const struct stack_rank *left = a, *right = b;
	const struct snapshot_stack *stacks = context;
	if (left->live_bytes != right->live_bytes)
		return left->live_bytes < right->live_bytes ? 1 : -1;
	return stack_compare(&stacks[left->number], &stacks[right->number]);
}

/* Move every stack to its place, one cycle of moves after another. */
static void stacks_permute(struct snapshot_stack *stacks, struct stack_rank *ranks, size_t count)
{
	for (size_t start = 0; start < count; start++) {
		size_t here = start;
		if (ranks[start].number == start)
			continue;
		struct snapshot_stack first = stacks[start];
		for (size_t from; (from = ranks[here].number) != start; here = from) {
			stacks[here] = stacks[from];
			ranks[here].number = here;
		}
		stacks[here] = first;
		ranks[here].number = here;
	}
}

static void stacks_sort(struct snapshot_stack *stacks, size_t count)
{
	OWNED_FREE struct stack_rank *ranks = calloc(count, sizeof(*ranks));
	if (!ranks) {
		qsort(stacks, count, sizeof(*stacks), stack_compare);
		return;
	}
	for (size_t i = 0; i < count; i++)
		ranks[i] = (struct stack_rank){ stacks[i].figures.live_bytes.value, i };
	qsort_r(ranks, count, sizeof(*ranks), stack_rank_compare, stacks);
	stacks_permute(stacks, ranks, count);
}

void snapshot_sort(struct snapshot *snapshot)
{
	if (snapshot->stack_count)
		stacks_sort(snapshot->stacks, snapshot->stack_count);
	if (snapshot->site_count)
		qsort(snapshot->sites, snapshot->site_count, sizeof(*snapshot->sites),
		      site_compare);
}
