/* SPDX-License-Identifier: MIT */
#include "profile/diff.h"

#include <math.h>
#include <string.h>

#include "profile/diff_build.h"
#include "profile/diff_figures.h"
#include "profile/fingerprints.h"
#include "profile/line_pairs.h"
#include "profile/redact.h"
#include "profile/snapshot_build.h"

const char *diff_change_name(enum diff_change change)
{
	static const char *const names[] = {
		[DIFF_UNCLEAR] = "unclear",
		[DIFF_WORSE] = "worse",
		[DIFF_BETTER] = "better",
	};
	return names[change];
}

void diff_destroy(struct diff *diff)
{
	if (diff)
		snapshot_destroy(diff->storage);
	free(diff);
}

/* A site of one side on its way into a row. */
struct entry {
	uint32_t function;
	enum side side;
	const struct snapshot_site *site;
};

static int entry_compare(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;
	if (left->function != right->function)
		return left->function < right->function ? -1 : 1;
	if (left->side != right->side)
		return (int)left->side - (int)right->side;
	int left_line = left->site->frame->line, right_line = right->site->frame->line;
	return (left_line > right_line) - (left_line < right_line);
}

static void add_row(struct diff *diff, const struct entry *old, const struct entry *new)
{
	const struct entry *const entries[SIDE_COUNT] = { old, new };
	struct diff_site *row = &diff->sites[diff->site_count++];
	*row = (struct diff_site){ 0 };
	for (int side = 0; side < SIDE_COUNT; side++) {
		if (!entries[side])
			continue;
		row->frames[side] = entries[side]->site->frame;
		row->figures[side] = &entries[side]->site->figures;
		diff->only_counts[side] += !entries[!side];
	}
}

/* Make rows of the sites of one function: old ones first, each side's lines going up. `numbers` and
 * `lines` have room for all of them. */
static void pair_function(struct diff *diff, const struct entry *entries, size_t old_count,
			  size_t count, size_t *numbers, int *lines)
{
	const struct entry *news = entries + old_count;
	size_t new_count = count - old_count;
	for (size_t i = 0; i < count; i++)
		lines[i] = entries[i].site->frame->line;
	line_pairs(lines, old_count, lines + old_count, new_count, numbers);

	size_t next_old = 0;
	for (size_t i = 0; i < new_count; i++) {
		bool is_paired = numbers[i] != SIZE_MAX;
		while (is_paired && next_old < numbers[i])
			add_row(diff, &entries[next_old++], NULL);
		add_row(diff, is_paired ? &entries[next_old++] : NULL, &news[i]);
	}
	while (next_old < old_count)
		add_row(diff, &entries[next_old++], NULL);
}

static bool pair_sites(struct diff_work *work, struct error *err)
{
	struct diff *diff = work->diff;
	size_t count = 0;
	for (int side = 0; side < SIDE_COUNT; side++)
		count += diff->snapshots[side]->site_count;
	OWNED_FREE struct entry *entries = calloc(count + 1, sizeof(*entries));
	OWNED_FREE size_t *numbers = calloc(count + 1, sizeof(*numbers));
	OWNED_FREE int *lines = calloc(count + 1, sizeof(*lines));
	diff->sites = snapshot_alloc(diff->storage, count, sizeof(*diff->sites), err);
	if (!diff->sites)
		return false;
	if (!entries || !numbers || !lines)
		return error_set(err, ERROR_NO_MEMORY, "no memory for %zu sites", count);

	size_t len = 0;
	for (int side = 0; side < SIDE_COUNT; side++) {
		const struct snapshot *snapshot = diff->snapshots[side];
		for (size_t i = 0; i < snapshot->site_count; i++) {
			const struct snapshot_site *site = &snapshot->sites[i];
			uint32_t function = fingerprints_of(&work->prints, side, site->frame);
			entries[len++] = (struct entry){ function, side, site };
		}
	}
	qsort(entries, count, sizeof(*entries), entry_compare);
	for (size_t begin = 0, end; begin < count; begin = end) {
		size_t old_count = 0;
		for (end = begin; end < count && entries[end].function == entries[begin].function;
		     end++)
			old_count += entries[end].side == SIDE_OLD;
		pair_function(diff, entries + begin, old_count, end - begin, numbers, lines);
	}
	return true;
}

static int rank_of(enum diff_change change)
{
	return change == DIFF_WORSE ? 0 : change == DIFF_BETTER ? 1 : 2;
}

static const struct frame *newest_frame(const struct diff_site *site)
{
	return site->frames[SIDE_NEW] ? site->frames[SIDE_NEW] : site->frames[SIDE_OLD];
}

static int site_compare(const void *a, const void *b)
{
	const struct diff_site *left = a, *right = b;
	int order = rank_of(left->change) - rank_of(right->change);
	double left_size = fabs(left->difference.growth.difference.value);
	double right_size = fabs(right->difference.growth.difference.value);
	if (order == 0)
		order = (left_size < right_size) - (left_size > right_size);
	const struct frame *left_frame = newest_frame(left), *right_frame = newest_frame(right);
	if (order == 0)
		order = strcmp(left_frame->file, right_frame->file);
	if (order == 0)
		order = (left_frame->line > right_frame->line) -
			(left_frame->line < right_frame->line);
	return order ? order : strcmp(left_frame->function, right_frame->function);
}

static void judge_sites(struct diff_work *work)
{
	struct diff *diff = work->diff;
	double stretch = diff_stretch(diff->site_count);
	for (size_t i = 0; i < diff->site_count; i++) {
		struct diff_site *site = &diff->sites[i];
		diff_figures_make(work->scales, site->figures, &site->difference);
		site->change = diff_change_of(&site->difference.growth.difference, stretch);
		diff->counts[site->change]++;
	}
	if (diff->site_count)
		qsort(diff->sites, diff->site_count, sizeof(*diff->sites), site_compare);
	if (work->options->top && diff->site_count > work->options->top) {
		diff->beyond_top = diff->site_count - work->options->top;
		diff->site_count = work->options->top;
	}
}

static bool redact_sites(struct diff *diff, struct error *err)
{
	for (size_t i = 0; i < diff->site_count * SIDE_COUNT; i++) {
		const struct frame **frame = &diff->sites[i / SIDE_COUNT].frames[i % SIDE_COUNT];
		if (!*frame)
			continue;
		struct frame *copy = snapshot_alloc(diff->storage, 1, sizeof(*copy), err);
		if (!copy)
			return false;
		*copy = **frame;
		copy->file = redact_path(copy->file);
		*frame = copy;
	}
	return true;
}

static bool write_targets(struct diff_work *work, struct error *err)
{
	struct diff *diff = work->diff;
	for (int side = 0; side < SIDE_COUNT; side++) {
		struct snapshot_target *target = &diff->targets[side];
		*target = diff->snapshots[side]->target;
		if (!work->options->is_redacted)
			continue;
		const char **command = snapshot_alloc(diff->storage, REDACTED_ARGUMENTS_MAX + 1,
						      sizeof(*command), err);
		if (!command)
			return false;
		redact_command(target->command, command);
		target->command = (char **)command;
	}
	return true;
}

static bool make_comparable(struct diff_work *work, struct error *err)
{
	struct diff *diff = work->diff;
	const struct figures *totals[SIDE_COUNT];
	for (int side = 0; side < SIDE_COUNT; side++) {
		const struct snapshot *snapshot = diff->snapshots[side];
		double operations = work->options->operations[side];
		if (!(snapshot->capture.seconds > 0))
			return error_set(err, ERROR_NO_DATA,
					 "the %s capture ended as soon as it began",
					 side == SIDE_OLD ? "old" : "new");
		diff->is_per_operation |= operations > 0;
		diff->divisors[side] = operations > 0 ? operations : snapshot->capture.seconds;
		diff_scale_init(&work->scales[side], &snapshot->capture, operations);
		totals[side] = &snapshot->total;
	}
	const struct figures *const none[SIDE_COUNT] = { NULL };
	diff_figures_make(work->scales, totals, &diff->total);
	diff_figures_make(work->scales, none, &diff->nothing);
	diff->change = diff_change_of(&diff->total.growth.difference, 1);
	return true;
}

static void work_deinit(struct diff_work *work)
{
	diff_destroy(work->diff);
	fingerprints_deinit(&work->prints);
}

bool diff_create(const struct snapshot *old, const struct snapshot *new,
		 const struct diff_options *options, struct diff **ret, struct error *err)
{
	OWNED(work_deinit)
	struct diff_work work = { .options = options, .diff = calloc(1, sizeof(*work.diff)) };
	if (!work.diff)
		return error_set(err, ERROR_NO_MEMORY, "no memory for a diff");
	work.diff->snapshots[SIDE_OLD] = old;
	work.diff->snapshots[SIDE_NEW] = new;
	if (!snapshot_create(&work.diff->storage, err) || !make_comparable(&work, err) ||
	    !fingerprints_init(&work.prints, work.diff->snapshots, err) || !pair_sites(&work, err))
		return false;
	judge_sites(&work);
	if (!diff_merge_stacks(&work, err) || !write_targets(&work, err) ||
	    (options->is_redacted && !redact_sites(work.diff, err)))
		return false;
	*ret = MOVE_PTR(work.diff);
	return true;
}
