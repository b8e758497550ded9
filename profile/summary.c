/* SPDX-License-Identifier: MIT */
#include "profile/summary.h"

#include "profile/snapshot_build.h"

/* How many blocks or stacks ahead of their turn are looked at. */
enum { PREFETCHED = 8, CACHE_LINE_BYTES = 64 };

/* Numbers of things, ordered by what they belong to (a counting sort). */
struct groups {
	uint32_t *order;
	uint32_t *ends; /* of the groups in `order` */
};

/* What a summary works with. */
struct summary {
	const struct stacks *stacks;
	const struct live *live;
	double now_seconds;
	double interval_bytes; /* at which the whole process was sampled, on average */
	struct snapshot *snapshot;
	struct groups blocks;	     /* by stack */
	struct groups by_site;	     /* stacks by site */
	double *live_bytes;	     /* per stack */
	bool *is_shown;		     /* per stack: not one with all that is small in its site */
	const struct frame **frames; /* by number of the frame: its copy in the snapshot, or NULL */
	struct numbering texts;	     /* keys: the addresses of texts of frames, and of threads */
	const char **text_copies;    /* in the snapshot */
	size_t text_capacity;
};

/* The stacks of one site and kind that are not shown each, as one. */
struct rest {
	struct tally tally; /* unset if there are none */
	const char *thread; /* NULL: there are none */
};

static void summary_deinit(struct summary *summary)
{
	free(summary->blocks.order);
	free(summary->blocks.ends);
	free(summary->by_site.order);
	free(summary->by_site.ends);
	free(summary->live_bytes);
	free(summary->is_shown);
	free(summary->frames);
	numbering_deinit(&summary->texts);
	free(summary->text_copies);
}

static uint32_t stack_of_block(const struct summary *summary, size_t block)
{
	return summary->live->blocks[block].stack;
}

static uint32_t site_of_stack(const struct summary *summary, size_t stack)
{
	return summary->stacks->items[stack].site;
}

static bool groups_make(struct groups *groups, const struct summary *summary, size_t len,
			size_t group_count,
			uint32_t (*group_of)(const struct summary *, size_t number),
			struct error *err)
{
	groups->order = calloc(len + PREFETCHED, sizeof(*groups->order));
	groups->ends = calloc(group_count + 1, sizeof(*groups->ends));
	if (!groups->order || !groups->ends)
		return error_set(err, ERROR_NO_MEMORY, "no memory to sort %zu blocks", len);

	for (size_t i = 0; i < len; i++)
		groups->ends[group_of(summary, i) + 1]++;
	for (size_t i = 1; i <= group_count; i++)
		groups->ends[i] += groups->ends[i - 1];
	/* Now each entry is where the group begins; filling moves it to the group's end. */
	for (size_t i = 0; i < len; i++)
		groups->order[groups->ends[group_of(summary, i)]++] = (uint32_t)i;
	return true;
}

static size_t group_begin(const struct groups *groups, size_t group)
{
	return group ? groups->ends[group - 1] : 0;
}

static bool has_live_blocks(const struct summary *summary, size_t stack)
{
	return group_begin(&summary->blocks, stack) < summary->blocks.ends[stack];
}

static size_t site_count(const struct summary *summary)
{
	return summary->stacks->tree.frames.len + 1;
}

static bool groups_find(struct summary *summary, struct error *err)
{
	size_t stack_count = stacks_len(summary->stacks);
	size_t block_count = live_len(summary->live);
	summary->live_bytes = calloc(stack_count + 1, sizeof(*summary->live_bytes));
	summary->is_shown = calloc(stack_count + 1, sizeof(*summary->is_shown));
	summary->frames = calloc(site_count(summary), sizeof(*summary->frames));
	if (!summary->live_bytes || !summary->is_shown || !summary->frames)
		return error_set(err, ERROR_NO_MEMORY, "no memory for %zu stacks", stack_count);
	for (size_t i = 0; i < block_count; i++)
		summary->live_bytes[stack_of_block(summary, i)] +=
			observation_weight(&summary->live->blocks[i].seen);
	return groups_make(&summary->blocks, summary, block_count, stack_count, stack_of_block,
			   err) &&
	       groups_make(&summary->by_site, summary, stack_count, site_count(summary),
			   site_of_stack, err);
}

/* A stack that might be shown. */
struct candidate {
	double live_bytes;
	uint32_t stack;
};

/* Which of equal ones is larger does not matter, but it is the same one every time. */
static bool is_larger(const struct candidate *a, const struct candidate *b)
{
	return a->live_bytes != b->live_bytes ? a->live_bytes > b->live_bytes : a->stack < b->stack;
}

/* Put those that are larger than the one at `pivot` before it. Returns where it stands then. */
static size_t partition(struct candidate *all, size_t len, size_t pivot)
{
	struct candidate dividing = all[pivot];
	size_t larger = 0;
	all[pivot] = all[len - 1];
	for (size_t i = 0; i + 1 < len; i++) {
		struct candidate one = all[i];
		if (!is_larger(&one, &dividing))
			continue;
		all[i] = all[larger];
		all[larger++] = one;
	}
	all[len - 1] = all[larger];
	all[larger] = dividing;
	return larger;
}

/* Put the `count` largest first, in no order (Hoare, "FIND"): they are too many to be sorted twice
 * a second. */
static void largest_first(struct candidate *all, size_t len, size_t count)
{
	uint32_t random = 1; /* so that no order of theirs is the worst */
	while (len > 1 && count > 0 && count < len) {
		random = random * 1664525 + 1013904223;
		size_t place = partition(all, len, (size_t)((uint64_t)random * len >> 32));
		if (place >= count) {
			len = place;
			continue;
		}
		all += place + 1;
		len -= place + 1;
		count -= place + 1;
	}
}

/* Choose the largest stacks: what leaks most is among them, for what has leaked is live. */
static bool shown_choose(struct summary *summary, struct error *err)
{
	const struct stacks *stacks = summary->stacks;
	size_t stack_count = stacks_len(stacks), len = 0, max = stacks->limits.shown;
	OWNED_FREE struct candidate *long_ones = calloc(stack_count + 1, sizeof(*long_ones));
	if (!long_ones)
		return error_set(err, ERROR_NO_MEMORY, "no memory for %zu stacks", stack_count);

	for (size_t i = 0; i < stack_count; i++) {
		if (!has_live_blocks(summary, i))
			continue;
		if (stacks->items[i].depth <= 1)
			summary->is_shown[i] = !stack_is_cut(&stacks->items[i]);
		else
			long_ones[len++] =
				(struct candidate){ summary->live_bytes[i], (uint32_t)i };
	}
	largest_first(long_ones, len, max);
	for (size_t i = 0; i < len && i < max; i++)
		summary->is_shown[long_ones[i].stack] = true;
	return true;
}

/* Texts are shared: they are most of what frames take. */
static bool text_copy(struct summary *summary, const char *text, const char **ret,
		      struct error *err)
{
	uint32_t number;
	size_t len = summary->texts.len;
	void *copies = summary->text_copies;
	if (!array_reserve(&copies, &summary->text_capacity, len + 1, sizeof(*summary->text_copies),
			   err))
		return false;
	summary->text_copies = copies;
	if (!numbering_add(&summary->texts, (uintptr_t)text, &number, err) ||
	    (number == len &&
	     !snapshot_copy_text(summary->snapshot, text, &summary->text_copies[number], err)))
		return false;
	*ret = summary->text_copies[number];
	return true;
}

static bool frame_copy(struct summary *summary, uint32_t number, const struct frame **ret,
		       struct error *err)
{
	const struct frame *frame = call_tree_frame(&summary->stacks->tree, number);
	if (!summary->frames[number]) {
		struct frame *copy = snapshot_alloc(summary->snapshot, 1, sizeof(*copy), err);
		if (!copy || !text_copy(summary, frame->function, &copy->function, err) ||
		    !text_copy(summary, frame->file, &copy->file, err))
			return false;
		copy->line = frame->line;
		summary->frames[number] = copy;
	}
	*ret = summary->frames[number];
	return true;
}

/* Add a stack of so many frames to the snapshot. */
static bool stack_add(struct summary *summary, const struct stack *stack, size_t depth_max,
		      const struct tally *tally, struct error *err)
{
	uint32_t path[FRAME_DEPTH_MAX];
	struct snapshot *snapshot = summary->snapshot;
	struct snapshot_stack *ret = &snapshot->stacks[snapshot->stack_count++];
	size_t depth = call_tree_path(&summary->stacks->tree, stack->node, path);
	ret->is_truncated = stack->is_truncated || depth > depth_max;
	if (depth > depth_max)
		depth = depth_max;
	const struct frame **frames = snapshot_alloc(snapshot, depth, sizeof(*frames), err);
	if (!frames)
		return false;
	for (size_t i = 0; i < depth; i++) {
		if (!frame_copy(summary, path[i], &frames[i], err))
			return false;
	}
	ret->frames = frames;
	ret->frame_count = depth;
	ret->kind = stack->kind;
	tally_figures(tally, summary->interval_bytes, &ret->figures);
	return text_copy(summary, stack->thread, &ret->thread, err);
}

/* Add what is known of a stack to a tally. */
static void stack_tally(const struct summary *summary, size_t number, struct tally *tally)
{
	const struct stack *stack = &summary->stacks->items[number];
	const struct groups *blocks = &summary->blocks;
	const struct live_block *live = summary->live->blocks;
	for (size_t i = group_begin(blocks, number); i < blocks->ends[number]; i++) {
		/* They lie anywhere: most of the time would be spent waiting for them. */
		__builtin_prefetch(&live[blocks->order[i + PREFETCHED]]);
		tally_add_live(tally, &live[blocks->order[i]].seen, stack->kind);
	}
	tally_add_history(tally, &stack->history);
}

static void rest_add(const struct summary *summary, struct rest *rest, size_t number)
{
	const struct stack *stack = &summary->stacks->items[number];
	if (!rest->thread)
		tally_init(&rest->tally, summary->now_seconds);
	stack_tally(summary, number, &rest->tally);
	rest->thread = rest->thread ? stack_thread(rest->thread, stack->thread) : stack->thread;
}

/* Show one stack and sum it up into its site, or add it to what is left of that; if it has no live
 * blocks, the site has its history. */
static bool stack_write(struct summary *summary, size_t number, struct tally *site,
			struct rest *rests, struct error *err)
{
	const struct stack *stack = &summary->stacks->items[number];
	if (summary->is_shown[number]) {
		struct tally tally;
		tally_init(&tally, summary->now_seconds);
		stack_tally(summary, number, &tally);
		tally_merge(site, &tally);
		return stack_add(summary, stack, FRAME_DEPTH_MAX, &tally, err);
	}
	if (has_live_blocks(summary, number) || stack_is_cut(stack))
		rest_add(summary, &rests[stack->kind], number);
	else
		tally_add_history(site, &stack->history);
	return true;
}

/* Stacks of a site lie anywhere, too. */
static void stack_prefetch(const struct stack *stack)
{
	for (size_t i = 0; i < sizeof(*stack); i += CACHE_LINE_BYTES)
		__builtin_prefetch((const char *)stack + i);
}

/* Sum what is left of a site up into it, and show that if it has live blocks. */
static bool rest_write(struct summary *summary, uint32_t node, enum memory_kind kind,
		       const struct rest *rest, struct tally *site, struct error *err)
{
	const struct stack stack = {
		.node = node, .kind = kind, .is_truncated = true, .thread = rest->thread
	};
	if (!rest->thread)
		return true;
	tally_merge(site, &rest->tally);
	return !rest->tally.samples || stack_add(summary, &stack, 1, &rest->tally, err);
}

static bool site_add(struct summary *summary, uint32_t number, const struct tally *tally,
		     struct error *err)
{
	struct snapshot *snapshot = summary->snapshot;
	struct snapshot_site *site = &snapshot->sites[snapshot->site_count++];
	site->frame = &snapshot_unknown_frame;
	tally_figures(tally, summary->interval_bytes, &site->figures);
	return number == 0 || frame_copy(summary, number - 1, &site->frame, err);
}

/* Write the site and its stacks, if it has live blocks, and sum it up into the total. */
static bool site_write(struct summary *summary, uint32_t number, struct tally *total,
		       struct error *err)
{
	const struct groups *by_site = &summary->by_site;
	size_t begin = group_begin(by_site, number);
	if (begin == by_site->ends[number]) /* it only calls */
		return true;

	struct rest rests[MEMORY_KIND_COUNT]; /* large, and mostly not needed */
	struct tally site;
	tally_init(&site, summary->now_seconds);
	for (size_t kind = 0; kind < MEMORY_KIND_COUNT; kind++)
		rests[kind].thread = NULL;
	for (size_t i = begin; i < by_site->ends[number]; i++) {
		stack_prefetch(&summary->stacks->items[by_site->order[i + PREFETCHED]]);
		if (!stack_write(summary, by_site->order[i], &site, rests, err))
			return false;
	}
	uint32_t node = summary->stacks->items[by_site->order[begin]].node;
	for (int kind = 0; kind < MEMORY_KIND_COUNT; kind++) {
		if (!rest_write(summary, node, (enum memory_kind)kind, &rests[kind], &site, err))
			return false;
	}
	tally_merge(total, &site);
	return site.samples == 0 || site_add(summary, number, &site, err);
}

/* Make room for as many stacks and sites as there can be. */
static bool room_make(struct summary *summary, struct error *err)
{
	struct snapshot *snapshot = summary->snapshot;
	size_t stacks = 0, sites = 0;
	for (size_t i = 0; i < site_count(summary); i++) {
		size_t hidden = 0, live = 0;
		for (size_t j = group_begin(&summary->by_site, i); j < summary->by_site.ends[i];
		     j++) {
			uint32_t stack = summary->by_site.order[j];
			stacks += summary->is_shown[stack];
			live += has_live_blocks(summary, stack);
			hidden += has_live_blocks(summary, stack) && !summary->is_shown[stack];
		}
		stacks += hidden < MEMORY_KIND_COUNT ? hidden : MEMORY_KIND_COUNT;
		sites += live > 0;
	}
	snapshot->stacks = snapshot_alloc(snapshot, stacks, sizeof(*snapshot->stacks), err);
	snapshot->sites = snapshot_alloc(snapshot, sites, sizeof(*snapshot->sites), err);
	return snapshot->stacks && snapshot->sites;
}

static double process_interval(const struct stacks *stacks, const struct live *live,
			       const struct snapshot *snapshot)
{
	struct mean_interval mean = { 0 };
	for (size_t i = 0; i < stacks_len(stacks); i++)
		mean_interval_add_history(&mean, &stacks->items[i].history);
	for (size_t i = 0; i < live_len(live); i++)
		mean_interval_add_live(&mean, &live->blocks[i].seen);
	return mean_interval_bytes(&mean, (double)snapshot->capture.sample_bytes);
}

bool summary_write(const struct stacks *stacks, const struct live *live, double now_seconds,
		   struct snapshot *snapshot, struct error *err)
{
	OWNED(summary_deinit)
	struct summary summary = {
		.stacks = stacks,
		.live = live,
		.now_seconds = now_seconds,
		.interval_bytes = process_interval(stacks, live, snapshot),
		.snapshot = snapshot,
	};
	if (!groups_find(&summary, err) || !shown_choose(&summary, err) ||
	    !room_make(&summary, err))
		return false;

	struct tally total;
	tally_init(&total, now_seconds);
	for (size_t i = 0; i < site_count(&summary); i++) {
		if (!site_write(&summary, (uint32_t)i, &total, err))
			return false;
	}
	tally_figures(&total, summary.interval_bytes, &snapshot->total);
	return true;
}
