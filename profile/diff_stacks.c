/* SPDX-License-Identifier: MIT */
#include "profile/diff_build.h"

#include <string.h>

#include "profile/estimate.h"
#include "profile/redact.h"
#include "profile/snapshot_build.h"

/* A stack of one side, as functions. */
struct part {
	const uint32_t *functions;
	const struct snapshot_stack *stack;
	enum side side;
};

struct parts {
	struct part *items;
	size_t len;
	uint32_t *functions;	     /* of one part after the other */
	bool *is_listed[SIDE_COUNT]; /* by number of the frame: that of a site that is listed */
	const struct frame **shown;  /* by function: the frame to show, or NULL */
};

static void parts_deinit(struct parts *parts)
{
	free(parts->items);
	free(parts->functions);
	free(parts->is_listed[SIDE_OLD]);
	free(parts->is_listed[SIDE_NEW]);
	free(parts->shown);
}

static bool parts_init(struct parts *parts, const struct diff_work *work, struct error *err)
{
	size_t count = 0, frame_count = 0;
	*parts = (struct parts){ 0 };
	for (int side = 0; side < SIDE_COUNT; side++) {
		const struct snapshot *snapshot = work->diff->snapshots[side];
		count += snapshot->stack_count;
		for (size_t i = 0; i < snapshot->stack_count; i++)
			frame_count += snapshot->stacks[i].frame_count;
		parts->is_listed[side] = calloc(work->prints.frames[side].len + 1, sizeof(bool));
	}
	parts->items = calloc(count + 1, sizeof(*parts->items));
	parts->functions = calloc(frame_count + 1, sizeof(*parts->functions));
	parts->shown = calloc(work->prints.function_count + 1, sizeof(*parts->shown));
	if (!parts->items || !parts->functions || !parts->shown || !parts->is_listed[SIDE_OLD] ||
	    !parts->is_listed[SIDE_NEW])
		return error_set(err, ERROR_NO_MEMORY, "no memory for %zu stacks", count);
	return true;
}

static uint32_t frame_number(const struct diff_work *work, enum side side,
			     const struct frame *frame)
{
	uint32_t number = 0;
	(void)numbering_find(&work->prints.frames[side], (uint64_t)(uintptr_t)frame, &number);
	return number;
}

static void mark_listed(struct parts *parts, const struct diff_work *work)
{
	const struct diff *diff = work->diff;
	for (size_t i = 0; i < diff->site_count; i++) {
		for (int side = 0; side < SIDE_COUNT; side++) {
			const struct frame *frame = diff->sites[i].frames[side];
			if (frame)
				parts->is_listed[side][frame_number(work, side, frame)] = true;
		}
	}
}

/* A stack without frames belongs to no site that could be found: it is listed if all are. */
static bool is_listed(const struct parts *parts, const struct diff_work *work, enum side side,
		      const struct snapshot_stack *stack)
{
	return work->diff->beyond_top == 0 ||
	       (stack->frame_count &&
		parts->is_listed[side][frame_number(work, side, stack->frames[0])]);
}

static void find_parts(struct parts *parts, const struct diff_work *work)
{
	uint32_t *next = parts->functions;
	for (int side = 0; side < SIDE_COUNT; side++) {
		const struct snapshot *snapshot = work->diff->snapshots[side];
		for (size_t i = 0; i < snapshot->stack_count; i++) {
			const struct snapshot_stack *stack = &snapshot->stacks[i];
			if (!is_listed(parts, work, side, stack))
				continue;
			parts->items[parts->len++] = (struct part){ next, stack, side };
			for (size_t j = 0; j < stack->frame_count; j++)
				*next++ = fingerprints_of(&work->prints, side, stack->frames[j]);
		}
	}
}

/* By what is put together. */
static int key_compare(const struct part *left, const struct part *right)
{
	const struct snapshot_stack *a = left->stack, *b = right->stack;
	if (a->frame_count != b->frame_count)
		return a->frame_count < b->frame_count ? -1 : 1;
	int order = a->frame_count ? memcmp(left->functions, right->functions,
					    a->frame_count * sizeof(*left->functions))
				   : 0;
	if (order == 0)
		order = (int)a->kind - (int)b->kind;
	if (order == 0)
		order = a->is_truncated - b->is_truncated;
	return order ? order : strcmp(a->thread, b->thread);
}

static int part_compare(const void *a, const void *b)
{
	const struct part *left = a, *right = b;
	int order = key_compare(left, right);
	if (order == 0)
		order = (int)left->side - (int)right->side;
	return order ? order : (left->stack > right->stack) - (left->stack < right->stack);
}

/* Sum up the stacks of one side, of which there is one at least. */
static void sum_up(const struct snapshot_capture *capture, const struct part *parts, size_t count,
		   struct figures *ret)
{
	*ret = parts[0].stack->figures;
	if (count == 1)
		return;
	struct figures_sum sum;
	figures_sum_init(&sum, capture->seconds, (double)capture->sample_bytes);
	for (size_t i = 0; i < count; i++)
		figures_sum_add(&sum, &parts[i].stack->figures);
	figures_sum_write(&sum, ret);
}

/* The frame that stands for a function. */
static bool shown_frame(struct parts *parts, struct diff_work *work, uint32_t function,
			const struct frame **ret, struct error *err)
{
	if (!parts->shown[function]) {
		const struct frame *example = work->prints.examples[function];
		struct frame *frame = snapshot_alloc(work->diff->storage, 1, sizeof(*frame), err);
		if (!frame)
			return false;
		*frame = (struct frame){ example->function, example->file, 0 };
		if (work->options->is_redacted)
			frame->file = redact_path(frame->file);
		parts->shown[function] = frame;
	}
	*ret = parts->shown[function];
	return true;
}

/* Make one stack of some that go together: old ones first. */
static bool merge(struct parts *parts, struct diff_work *work, const struct part *items,
		  size_t count, struct error *err)
{
	struct diff *diff = work->diff;
	struct diff_stack *ret = &diff->stacks[diff->stack_count++];
	size_t depth = items->stack->frame_count, counts[SIDE_COUNT] = { 0 };
	const struct frame **frames = snapshot_alloc(diff->storage, depth, sizeof(*frames), err);
	if (!frames)
		return false;
	for (size_t i = 0; i < depth; i++) {
		if (!shown_frame(parts, work, items->functions[i], &frames[i], err))
			return false;
	}
	for (size_t i = 0; i < count; i++)
		counts[items[i].side]++;

	const struct figures *sides[SIDE_COUNT] = { NULL };
	struct figures figures[SIDE_COUNT];
	for (int side = 0; side < SIDE_COUNT; side++) {
		if (!counts[side])
			continue;
		sum_up(&diff->snapshots[side]->capture,
		       items + (side == SIDE_NEW ? counts[SIDE_OLD] : 0), counts[side],
		       &figures[side]);
		sides[side] = &figures[side];
		ret->is_in[side] = true;
	}
	ret->stack = *items->stack;
	ret->stack.frames = frames;
	ret->stack.figures = (struct figures){ 0 };
	diff_figures_make(work->scales, sides, &ret->difference);
	return true;
}

static int stack_compare(const void *a, const void *b)
{
	const struct diff_stack *left = a, *right = b;
	double left_value = left->difference.growth.difference.value;
	double right_value = right->difference.growth.difference.value;
	return (left_value < right_value) - (left_value > right_value);
}

bool diff_merge_stacks(struct diff_work *work, struct error *err)
{
	OWNED(parts_deinit) struct parts parts;
	struct diff *diff = work->diff;
	if (!parts_init(&parts, work, err))
		return false;
	mark_listed(&parts, work);
	find_parts(&parts, work);
	qsort(parts.items, parts.len, sizeof(*parts.items), part_compare);
	diff->stacks = snapshot_alloc(diff->storage, parts.len, sizeof(*diff->stacks), err);
	if (!diff->stacks)
		return false;
	for (size_t begin = 0, end; begin < parts.len; begin = end) {
		for (end = begin + 1;
		     end < parts.len && key_compare(&parts.items[begin], &parts.items[end]) == 0;
		     end++)
			;
		if (!merge(&parts, work, parts.items + begin, end - begin, err))
			return false;
	}
	if (diff->stack_count)
		qsort(diff->stacks, diff->stack_count, sizeof(*diff->stacks), stack_compare);
	return true;
}
