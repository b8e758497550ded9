/* SPDX-License-Identifier: MIT */
#include "profile/selection.h"

#include <regex.h>
#include <string.h>

#include "base/text.h"
#include "profile/estimate.h"
#include "profile/numbering.h"
#include "profile/redact.h"
#include "profile/snapshot_build.h"

enum {
	THREAD_BYTES_MAX = 256, /* of a name that are looked at */
	SITE_NONE = UINT32_MAX,
};

/* What is known of a frame of the source. */
struct seen_frame {
	bool is_asked; /* whether patterns fit */
	bool is_wanted;
	bool is_excluded;
	uint32_t site;		  /* number in the source, or SITE_NONE */
	const struct frame *copy; /* in the result, or NULL */
};

/* What is left of a site of the source. */
struct site_part {
	size_t stack_count; /* in the source */
	size_t kept_count;
	bool is_listed;
	struct figures figures; /* of what is kept */
};

struct work {
	const struct selection *selection;
	const struct snapshot *from;
	struct snapshot *to;
	regex_t thread;
	bool has_thread;
	struct numbering frames; /* keys: addresses of frames of the source */
	struct seen_frame *seen; /* by number */
	size_t seen_capacity;
	struct site_part *sites; /* by number in the source; the last is for stacks without one */
	uint32_t *site_of;	 /* by number of the stack */
	bool *is_kept;		 /* by number of the stack */
};

static void work_deinit(struct work *work)
{
	snapshot_destroy(work->to);
	if (work->has_thread)
		regfree(&work->thread);
	numbering_deinit(&work->frames);
	free(work->seen);
	free(work->sites);
	free(work->site_of);
	free(work->is_kept);
}

void selection_deinit(struct selection *selection)
{
	patterns_deinit(&selection->only);
	patterns_deinit(&selection->exclude);
}

static bool has_filters(const struct selection *selection)
{
	return selection->min_age_seconds > 0 || selection->only.count ||
	       selection->exclude.count || selection->thread;
}

static bool compile_thread(struct work *work, struct error *err)
{
	const char *expression = work->selection->thread;
	if (!expression)
		return true;
	int status = regcomp(&work->thread, expression, REG_EXTENDED | REG_NOSUB);
	if (status != 0) {
		char reason[128];
		regerror(status, &work->thread, reason, sizeof(reason));
		return error_set(err, ERROR_USAGE, "--thread: '%s': %s", expression, reason);
	}
	work->has_thread = true;
	return true;
}

/* Find what is known of a frame. What it points to moves with the next frame. */
static bool see_frame(struct work *work, const struct frame *frame, struct seen_frame **ret,
		      struct error *err)
{
	uint32_t number;
	void *seen = work->seen;
	size_t known = work->frames.len;
	if (!array_reserve(&seen, &work->seen_capacity, known + 1, sizeof(*work->seen), err))
		return false;
	work->seen = seen;
	if (!numbering_add(&work->frames, (uint64_t)(uintptr_t)frame, &number, err))
		return false;
	if (number == known)
		work->seen[number] = (struct seen_frame){ .site = SITE_NONE };
	*ret = &work->seen[number];
	return true;
}

static bool number_sites(struct work *work, struct error *err)
{
	const struct snapshot *from = work->from;
	work->sites = calloc(from->site_count + 1, sizeof(*work->sites));
	work->site_of = calloc(from->stack_count + 1, sizeof(*work->site_of));
	work->is_kept = calloc(from->stack_count + 1, sizeof(*work->is_kept));
	if (!work->sites || !work->site_of || !work->is_kept)
		return error_set(err, ERROR_NO_MEMORY, "no memory for a selection");
	for (size_t i = 0; i < from->site_count; i++) {
		struct seen_frame *seen;
		if (!see_frame(work, from->sites[i].frame, &seen, err))
			return false;
		seen->site = (uint32_t)i;
	}
	return true;
}

static bool is_unknown(const struct frame *frame)
{
	return !*frame->file && strcmp(frame->function, snapshot_unknown_frame.function) == 0;
}

/* Find the site of each stack. That of stacks without frames is the one of the unknown frame, which
 * a capture has a copy of. */
static bool find_sites(struct work *work, struct error *err)
{
	const struct snapshot *from = work->from;
	uint32_t none = (uint32_t)from->site_count, unknown = none;
	for (size_t i = 0; i < from->site_count; i++)
		unknown = is_unknown(from->sites[i].frame) ? (uint32_t)i : unknown;

	for (size_t i = 0; i < from->stack_count; i++) {
		const struct snapshot_stack *stack = &from->stacks[i];
		uint32_t site = unknown;
		if (stack->frame_count) {
			struct seen_frame *seen;
			if (!see_frame(work, stack->frames[0], &seen, err))
				return false;
			site = seen->site == SITE_NONE ? none : seen->site;
		}
		work->site_of[i] = site;
		work->sites[site].stack_count++;
	}
	return true;
}

static bool ask_patterns(struct work *work, struct seen_frame *seen, const struct frame *frame,
			 struct error *err)
{
	if (seen->is_asked)
		return true;
	if (!patterns_match(&work->selection->only, frame, &seen->is_wanted, err) ||
	    !patterns_match(&work->selection->exclude, frame, &seen->is_excluded, err))
		return false;
	seen->is_asked = true;
	return true;
}

static bool fits_patterns(struct work *work, const struct snapshot_stack *stack, bool *ret,
			  struct error *err)
{
	bool is_wanted = work->selection->only.count == 0, is_excluded = false;
	for (size_t i = 0; i < stack->frame_count; i++) {
		struct seen_frame *seen;
		if (!see_frame(work, stack->frames[i], &seen, err) ||
		    !ask_patterns(work, seen, stack->frames[i], err))
			return false;
		is_wanted |= seen->is_wanted;
		is_excluded |= seen->is_excluded;
	}
	*ret = is_wanted && !is_excluded;
	return true;
}

static bool fits_thread(const struct work *work, const struct snapshot_stack *stack)
{
	char name[THREAD_BYTES_MAX];
	if (!work->has_thread)
		return true;
	text_printable(stack->thread, name, sizeof(name));
	return regexec(&work->thread, name, 0, NULL, 0) == 0;
}

static bool fits(struct work *work, const struct snapshot_stack *stack, bool *ret,
		 struct error *err)
{
	*ret = stack->figures.oldest_seconds >= work->selection->min_age_seconds &&
	       fits_thread(work, stack);
	return !*ret || fits_patterns(work, stack, ret, err);
}

static void rest_add(struct snapshot_rest *rest, const struct snapshot_stack *stack)
{
	rest->stacks++;
	rest->live_bytes += stack->figures.live_bytes.value;
	rest->live_blocks += stack->figures.live_blocks;
	rest->growth_bytes_per_second += stack->figures.growth_bytes_per_second.value;
}

static bool filter_stacks(struct work *work, struct error *err)
{
	for (size_t i = 0; i < work->from->stack_count; i++) {
		const struct snapshot_stack *stack = &work->from->stacks[i];
		if (!fits(work, stack, &work->is_kept[i], err))
			return false;
		if (work->is_kept[i])
			work->sites[work->site_of[i]].kept_count++;
		else
			rest_add(&work->to->filtered, stack);
	}
	return true;
}

/* A site is kept if one of its stacks is; one without stacks, if there are no filters. */
static bool is_site_kept(const struct work *work, const struct site_part *part)
{
	return part->kept_count || (!part->stack_count && !has_filters(work->selection));
}

/* Put the figures together of what is kept. */
static bool sum_up(struct work *work, struct error *err)
{
	const struct snapshot *from = work->from;
	struct figures_sum total, empty;
	figures_sum_init(&empty, from->capture.seconds, (double)from->capture.sample_bytes);
	total = empty;
	OWNED_FREE struct figures_sum *sums = calloc(from->site_count + 1, sizeof(*sums));
	if (!sums)
		return error_set(err, ERROR_NO_MEMORY, "no memory for a selection");

	for (size_t i = 0; i < from->stack_count; i++) {
		struct figures_sum *sum = &sums[work->site_of[i]];
		const struct site_part *part = &work->sites[work->site_of[i]];
		if (!work->is_kept[i])
			continue;
		figures_sum_add(&total, &from->stacks[i].figures);
		if (part->kept_count == part->stack_count)
			continue;		     /* as it was */
		if (sum->tally.stretch_seconds == 0) /* not begun */
			*sum = empty;
		figures_sum_add(sum, &from->stacks[i].figures);
	}
	for (size_t i = 0; i < from->site_count; i++) {
		struct site_part *part = &work->sites[i];
		work->to->filtered.sites += !is_site_kept(work, part);
		if (part->kept_count == part->stack_count)
			part->figures = from->sites[i].figures;
		else if (part->kept_count)
			figures_sum_write(&sums[i], &part->figures);
	}
	work->to->total = from->total;
	if (work->to->filtered.stacks || work->to->filtered.sites)
		figures_sum_write(&total, &work->to->total);
	return true;
}

static int part_compare(const void *a, const void *b, void *context)
{
	const struct work *work = context;
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	double left_bytes = work->sites[left].figures.live_bytes.value;
	double right_bytes = work->sites[right].figures.live_bytes.value;
	if (left_bytes != right_bytes)
		return left_bytes > right_bytes ? -1 : 1;
	return (left > right) - (left < right);
}

/* Choose the largest sites of what is kept. */
static bool choose_top(struct work *work, struct error *err)
{
	size_t site_count = work->from->site_count, kept = 0;
	size_t top = work->selection->top;
	OWNED_FREE uint32_t *order = calloc(site_count + 1, sizeof(*order));
	if (!order)
		return error_set(err, ERROR_NO_MEMORY, "no memory for a selection");
	for (size_t i = 0; i < site_count; i++) {
		if (is_site_kept(work, &work->sites[i]))
			order[kept++] = (uint32_t)i;
	}
	qsort_r(order, kept, sizeof(*order), part_compare, work);
	for (size_t i = 0; i < kept; i++)
		work->sites[order[i]].is_listed = top == 0 || i < top;
	work->to->beyond_top.sites = top && kept > top ? kept - top : 0;
	/* Stacks that no site tells of. */
	work->sites[site_count].is_listed = top == 0;
	return true;
}

static bool copy_frame(struct work *work, const struct frame *frame, const struct frame **ret,
		       struct error *err)
{
	struct seen_frame *seen;
	if (!see_frame(work, frame, &seen, err))
		return false;
	struct frame shown = *frame;
	if (work->selection->is_redacted)
		shown.file = redact_path(frame->file);
	if (!seen->copy && !snapshot_copy_frame(work->to, &shown, &seen->copy, err))
		return false;
	*ret = seen->copy;
	return true;
}

static bool write_sites(struct work *work, struct error *err)
{
	const struct snapshot *from = work->from;
	struct snapshot *to = work->to;
	to->sites = snapshot_alloc(to, from->site_count, sizeof(*to->sites), err);
	if (!to->sites)
		return false;
	for (size_t i = 0; i < from->site_count; i++) {
		if (!work->sites[i].is_listed)
			continue;
		struct snapshot_site *site = &to->sites[to->site_count++];
		site->figures = work->sites[i].figures;
		if (!copy_frame(work, from->sites[i].frame, &site->frame, err))
			return false;
	}
	return true;
}

static bool copy_stack(struct work *work, const struct snapshot_stack *stack,
		       struct snapshot_stack *ret, struct error *err)
{
	const struct frame **frames =
		snapshot_alloc(work->to, stack->frame_count, sizeof(*frames), err);
	if (!frames)
		return false;
	*ret = *stack;
	ret->frames = frames;
	for (size_t i = 0; i < stack->frame_count; i++) {
		if (!copy_frame(work, stack->frames[i], &frames[i], err))
			return false;
	}
	return snapshot_copy_text(work->to, stack->thread, &ret->thread, err);
}

static bool write_stacks(struct work *work, struct error *err)
{
	const struct snapshot *from = work->from;
	struct snapshot *to = work->to;
	to->stacks = snapshot_alloc(to, from->stack_count, sizeof(*to->stacks), err);
	if (!to->stacks)
		return false;
	for (size_t i = 0; i < from->stack_count; i++) {
		if (!work->is_kept[i])
			continue;
		if (!work->sites[work->site_of[i]].is_listed)
			rest_add(&to->beyond_top, &from->stacks[i]);
		else if (!copy_stack(work, &from->stacks[i], &to->stacks[to->stack_count++], err))
			return false;
	}
	return true;
}

static bool write_target(struct work *work, struct error *err)
{
	struct snapshot_target target = work->from->target;
	char *command[REDACTED_ARGUMENTS_MAX + 1] = { NULL };
	if (work->selection->is_redacted) {
		redact_command(target.command, (const char **)command);
		target.command = command;
	}
	return snapshot_copy_target(work->to, &target, err);
}

bool selection_apply(const struct selection *selection, const struct snapshot *snapshot,
		     struct snapshot **ret, struct error *err)
{
	OWNED(work_deinit) struct work work = { .selection = selection, .from = snapshot };
	if (!snapshot_create(&work.to, err) || !compile_thread(&work, err) ||
	    !number_sites(&work, err) || !find_sites(&work, err) || !filter_stacks(&work, err) ||
	    !sum_up(&work, err) || !choose_top(&work, err) || !write_sites(&work, err) ||
	    !write_stacks(&work, err) || !write_target(&work, err))
		return false;
	work.to->capture = snapshot->capture;
	snapshot_sort(work.to);
	*ret = MOVE_PTR(work.to);
	return true;
}
