/* SPDX-License-Identifier: MIT */
#include "profile/summary.h"

#include "profile/snapshot_build.h"

/* What a summary works with. */
struct summary {
	const struct stacks *stacks;
	const struct live *live;
	double now_seconds;
	struct snapshot *snapshot;
	size_t *ends;	       /* per stack: where its blocks end in `order` */
	uint32_t *order;       /* numbers of the live blocks, stack by stack */
	uint32_t *site_of;     /* by innermost_of(): number of the site plus 1, or 0 */
	struct tally *sites;   /* by number of the site */
	uint32_t *site_frames; /* innermost_of() of each site */
	size_t site_count;
	const struct frame **frames; /* by number of the frame: its copy in the snapshot, or NULL */
};

static void summary_deinit(struct summary *summary)
{
	free(summary->ends);
	free(summary->order);
	free(summary->site_of);
	free(summary->sites);
	free(summary->site_frames);
	free(summary->frames);
}

/* Order the blocks by stack (a counting sort). */
static bool blocks_order(struct summary *summary, struct error *err)
{
	size_t stack_count = stacks_len(summary->stacks);
	size_t block_count = live_len(summary->live);
	const struct live_block *blocks = summary->live->blocks;
	summary->ends = calloc(stack_count + 1, sizeof(*summary->ends));
	summary->order = calloc(block_count + 1, sizeof(*summary->order));
	if (!summary->ends || !summary->order)
		return error_set(err, ERROR_NO_MEMORY, "no memory to sort %zu blocks", block_count);

	for (size_t i = 0; i < block_count; i++)
		summary->ends[blocks[i].stack + 1]++;
	for (size_t i = 1; i <= stack_count; i++)
		summary->ends[i] += summary->ends[i - 1];
	/* Now each entry is where the stack's blocks begin; filling moves it to their end. */
	for (size_t i = 0; i < block_count; i++)
		summary->order[summary->ends[blocks[i].stack]++] = (uint32_t)i;
	return true;
}

/* The number of the innermost frame plus one; 0 if no frame is known. */
static uint32_t innermost_of(const struct stacks *stacks, const struct stack *stack)
{
	return stack->node ? call_tree_innermost(&stacks->tree, stack->node) + 1 : 0;
}

/* Give every innermost frame a tally. */
static bool sites_find(struct summary *summary, struct error *err)
{
	const struct stacks *stacks = summary->stacks;
	size_t frame_count = stacks->tree.frames.len;
	summary->site_of = calloc(frame_count + 1, sizeof(*summary->site_of));
	summary->site_frames = calloc(frame_count + 1, sizeof(*summary->site_frames));
	summary->frames = calloc(frame_count + 1, sizeof(*summary->frames));
	if (!summary->site_of || !summary->site_frames || !summary->frames)
		return error_set(err, ERROR_NO_MEMORY, "no memory for %zu frames", frame_count);

	for (size_t i = 0; i < stacks_len(stacks); i++) {
		uint32_t innermost = innermost_of(stacks, &stacks->items[i]);
		if (summary->site_of[innermost])
			continue;
		summary->site_frames[summary->site_count++] = innermost;
		summary->site_of[innermost] = (uint32_t)summary->site_count;
	}

	summary->sites = calloc(summary->site_count + 1, sizeof(*summary->sites));
	if (!summary->sites)
		return error_set(err, ERROR_NO_MEMORY, "no memory for sites");
	for (size_t i = 0; i < summary->site_count; i++)
		tally_init(&summary->sites[i], summary->now_seconds);
	return true;
}

static bool frame_copy(struct summary *summary, uint32_t number, const struct frame **ret,
		       struct error *err)
{
	const struct frame **copy = &summary->frames[number];
	if (!*copy &&
	    !snapshot_copy_frame(summary->snapshot, call_tree_frame(&summary->stacks->tree, number),
				 copy, err))
		return false;
	*ret = *copy;
	return true;
}

/* Describe one stack, all but its figures. */
static bool stack_copy(struct summary *summary, const struct stack *stack,
		       struct snapshot_stack *ret, struct error *err)
{
	uint32_t path[FRAME_DEPTH_MAX];
	size_t depth = call_tree_path(&summary->stacks->tree, stack->node, path);
	const struct frame **frames =
		snapshot_alloc(summary->snapshot, depth, sizeof(*frames), err);
	if (!frames)
		return false;
	for (size_t i = 0; i < depth; i++) {
		if (!frame_copy(summary, path[i], &frames[i], err))
			return false;
	}
	ret->frames = frames;
	ret->frame_count = depth;
	ret->is_truncated = stack->is_truncated;
	ret->kind = stack->kind;
	return snapshot_copy_text(summary->snapshot, stack->thread, &ret->thread, err);
}

static struct tally *site_tally(struct summary *summary, const struct stack *stack)
{
	uint32_t innermost = innermost_of(summary->stacks, stack);
	return &summary->sites[summary->site_of[innermost] - 1];
}

/* Sum one stack up into its site, and show it if it has live blocks. */
static bool stack_write(struct summary *summary, size_t number, struct error *err)
{
	const struct stack *stack = &summary->stacks->items[number];
	size_t begin = number ? summary->ends[number - 1] : 0;
	size_t end = summary->ends[number];
	if (begin == end) {
		tally_add_history(site_tally(summary, stack), &stack->history);
		return true;
	}

	struct tally tally;
	tally_init(&tally, summary->now_seconds);
	for (size_t i = begin; i < end; i++)
		tally_add_live(&tally, &summary->live->blocks[summary->order[i]].seen, stack->kind);
	tally_add_history(&tally, &stack->history);
	tally_merge(site_tally(summary, stack), &tally);

	struct snapshot *snapshot = summary->snapshot;
	struct snapshot_stack *ret = &snapshot->stacks[snapshot->stack_count++];
	tally_figures(&tally, (double)snapshot->capture.sample_bytes, &ret->figures);
	return stack_copy(summary, stack, ret, err);
}

static bool stacks_write(struct summary *summary, struct error *err)
{
	size_t stack_count = stacks_len(summary->stacks);
	size_t shown = 0;
	for (size_t i = 0; i < stack_count; i++)
		shown += summary->ends[i] > (i ? summary->ends[i - 1] : 0);

	struct snapshot *snapshot = summary->snapshot;
	snapshot->stacks = snapshot_alloc(snapshot, shown, sizeof(*snapshot->stacks), err);
	if (!snapshot->stacks)
		return false;
	for (size_t i = 0; i < stack_count; i++) {
		if (!stack_write(summary, i, err))
			return false;
	}
	return true;
}

/* Show the sites that have live blocks, and sum all up to the total. */
static bool sites_write(struct summary *summary, struct error *err)
{
	struct snapshot *snapshot = summary->snapshot;
	double interval_bytes = (double)snapshot->capture.sample_bytes;
	snapshot->sites =
		snapshot_alloc(snapshot, summary->site_count, sizeof(*snapshot->sites), err);
	if (!snapshot->sites)
		return false;

	struct tally total;
	tally_init(&total, summary->now_seconds);
	for (size_t i = 0; i < summary->site_count; i++) {
		const struct tally *tally = &summary->sites[i];
		tally_merge(&total, tally);
		if (tally->samples == 0)
			continue;

		struct snapshot_site *site = &snapshot->sites[snapshot->site_count++];
		uint32_t innermost = summary->site_frames[i];
		site->frame = &snapshot_unknown_frame;
		if (innermost && !frame_copy(summary, innermost - 1, &site->frame, err))
			return false;
		tally_figures(tally, interval_bytes, &site->figures);
	}
	tally_figures(&total, interval_bytes, &snapshot->total);
	return true;
}

bool summary_write(const struct stacks *stacks, const struct live *live, double now_seconds,
		   struct snapshot *snapshot, struct error *err)
{
	OWNED(summary_deinit)
	struct summary summary = {
		.stacks = stacks,
		.live = live,
		.now_seconds = now_seconds,
		.snapshot = snapshot,
	};
	return blocks_order(&summary, err) && sites_find(&summary, err) &&
	       stacks_write(&summary, err) && sites_write(&summary, err);
}
