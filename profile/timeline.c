/* SPDX-License-Identifier: MIT */
#include "profile/timeline.h"

#include <math.h>
#include <string.h>

#include "profile/course.h"
#include "profile/numbering.h"
#include "profile/snapshot_build.h"

void timeline_destroy(struct timeline *timeline)
{
	if (!timeline)
		return;
	snapshot_destroy(timeline->last);
	free(timeline->instants);
	free(timeline->courses);
	free(timeline->points);
	free(timeline);
}

size_t timeline_origin(const struct timeline *timeline)
{
	/* Recording begins within a second or two, and a stretch is longer only after many. */
	static const double late_seconds = 10;
	const struct instant *first = timeline->instants;
	bool is_late = timeline->instant_count > 0 && first->start_seconds > late_seconds &&
		       first->start_seconds > 2 * (first->seconds - first->start_seconds);
	return is_late ? 0 : TIMELINE_ATTACH;
}

double timeline_begin_seconds(const struct timeline *timeline)
{
	return timeline_origin(timeline) == 0 ? timeline->instants[0].start_seconds : 0;
}

size_t timeline_find(const struct timeline *timeline, double seconds)
{
	size_t low = 0, high = timeline->instant_count;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if (timeline->instants[middle].start_seconds <= seconds)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* While a snapshot is made. */
struct maker {
	struct span span;
	bool is_end;	/* figures of the last state hold */
	bool is_in_all; /* and so does their growth */
	bool is_ever;	/* with stacks that are no longer live */
	struct snapshot *ret;
	const struct frame *unknown;	     /* the site of stacks without frames */
	struct numbering sites;		     /* keys: addresses of frames */
	const struct snapshot_stack **known; /* by course: of the last state, or NULL */
};

static void maker_deinit(struct maker *maker)
{
	snapshot_destroy(maker->ret);
	numbering_deinit(&maker->sites);
	free(maker->known);
}

static void estimate_add(struct estimate *sum, const struct estimate *part)
{
	double below = hypot(sum->value - sum->low, part->value - part->low);
	double above = hypot(sum->high - sum->value, part->high - part->value);
	sum->value += part->value;
	sum->low = sum->value - below;
	sum->high = sum->value + above;
	sum->error = fmax(below, above);
}

/* Add what is known of the past, too, to figures that are not those of the last state. */
static void site_add(struct figures *site, const struct figures *part, bool is_summed,
		     bool is_growth_summed)
{
	site->course_len = part->course_len;
	for (size_t i = 0; i < part->course_len; i++)
		site->course_bytes[i] += part->course_bytes[i];
	if (is_growth_summed)
		estimate_add(&site->growth_bytes_per_second, &part->growth_bytes_per_second);
	if (!is_summed)
		return;
	estimate_add(&site->live_bytes, &part->live_bytes);
	site->live_blocks += part->live_blocks;
	site->oldest_seconds = fmax(site->oldest_seconds, part->oldest_seconds);
	for (int kind = 0; kind < MEMORY_KIND_COUNT; kind++)
		site->kind_live_bytes[kind] += part->kind_live_bytes[kind];
}

/* What the site of stacks without frames is called: a capture has a copy of it. */
static const struct frame *unknown_frame(const struct snapshot *last)
{
	for (size_t i = 0; i < last->site_count; i++) {
		const struct frame *frame = last->sites[i].frame;
		if (!*frame->file && strcmp(frame->function, snapshot_unknown_frame.function) == 0)
			return frame;
	}
	return &snapshot_unknown_frame;
}

static bool site_find(struct maker *maker, const struct frame *frame, struct snapshot_site **ret,
		      struct error *err)
{
	uint32_t number;
	if (!numbering_add(&maker->sites, (uintptr_t)frame, &number, err))
		return false;
	*ret = &maker->ret->sites[number];
	(*ret)->frame = frame;
	maker->ret->site_count = maker->sites.len;
	return true;
}

static void figures_of_course(const struct maker *maker, size_t number, struct figures *ret)
{
	const struct timeline *timeline = maker->span.timeline;
	const struct snapshot_stack *known = maker->known[number];
	struct figures past;
	course_figures(&maker->span, &timeline->courses[number],
		       known ? &known->figures : &timeline->last->total, &past);
	*ret = past;
	if (!maker->is_end || !known)
		return;
	*ret = known->figures;
	ret->course_len = past.course_len;
	memcpy(ret->course_bytes, past.course_bytes, sizeof(ret->course_bytes));
	if (!maker->is_in_all)
		ret->growth_bytes_per_second = past.growth_bytes_per_second;
}

static void stack_take(struct maker *maker, size_t number, const struct figures *figures)
{
	const struct course *course = &maker->span.timeline->courses[number];
	struct snapshot *snapshot = maker->ret;
	snapshot->stacks[snapshot->stack_count++] =
		(struct snapshot_stack){ .frames = course->frames,
					 .frame_count = course->frame_count,
					 .is_truncated = course->is_truncated,
					 .thread = course->thread,
					 .kind = course->kind,
					 .course = number + 1,
					 .figures = *figures };
}

static bool course_take(struct maker *maker, size_t number, struct error *err)
{
	static const struct figures nothing;
	const struct course *course = &maker->span.timeline->courses[number];
	const struct frame *frame = course->frame_count ? course->frames[0] : maker->unknown;
	struct snapshot_site *site;
	struct figures figures;
	figures_of_course(maker, number, &figures);
	bool is_live = maker->is_end ? maker->known[number] != NULL : figures.live_bytes.value > 0;
	bool is_shrinking = !maker->is_in_all && figures.growth_bytes_per_second.value != 0;
	if (is_live || is_shrinking) {
		if (!site_find(maker, frame, &site, err))
			return false;
		site_add(&site->figures, &figures, is_live && !maker->is_end, !maker->is_in_all);
	}
	if (is_live || maker->is_ever)
		stack_take(maker, number, is_live ? &figures : &nothing);
	return true;
}

/* At the end sites are known as a whole. */
static bool known_sites_take(struct maker *maker, struct error *err)
{
	const struct snapshot *last = maker->span.timeline->last;
	for (size_t i = 0; maker->is_end && i < last->site_count; i++) {
		struct snapshot_site *site;
		if (!site_find(maker, last->sites[i].frame, &site, err))
			return false;
		site->figures = last->sites[i].figures;
		if (!maker->is_in_all)
			site->figures.growth_bytes_per_second = (struct estimate){ 0 };
	}
	return true;
}

/* What is left of sites of which only the growth was of interest. */
static void empty_sites_drop(struct snapshot *snapshot)
{
	size_t count = snapshot->site_count;
	snapshot->site_count = 0;
	for (size_t i = 0; i < count; i++) {
		if (snapshot->sites[i].figures.live_bytes.value > 0)
			snapshot->sites[snapshot->site_count++] = snapshot->sites[i];
	}
}

static bool known_stacks_note(struct maker *maker, struct error *err)
{
	const struct timeline *timeline = maker->span.timeline;
	const struct snapshot *last = timeline->last;
	maker->known = calloc(timeline->course_count + 1, sizeof(*maker->known));
	if (!maker->known)
		return error_set(err, ERROR_NO_MEMORY, "no memory for an instant");
	for (size_t i = 0; i < last->stack_count; i++) {
		size_t course = last->stacks[i].course;
		if (course)
			maker->known[course - 1] = &last->stacks[i];
	}
	return true;
}

static bool maker_init(struct maker *maker, const struct timeline *timeline, size_t from, size_t to,
		       struct error *err)
{
	const struct snapshot *last = timeline->last;
	maker->is_end = to + 1 >= timeline->instant_count;
	maker->is_in_all = maker->is_end && !(from < to);
	if (!(from < to))
		from = timeline_origin(timeline);
	bool is_after = from < to;
	maker->unknown = unknown_frame(last);
	maker->span = (struct span){ .timeline = timeline, .to = to };
	maker->span.first = is_after ? from + 1 : 0;
	maker->span.begin_seconds = is_after ? timeline->instants[from].seconds : 0;
	maker->span.end_seconds =
		maker->is_end ? last->capture.seconds : timeline->instants[to].seconds;
	if (!snapshot_create(&maker->ret, err) || !known_stacks_note(maker, err))
		return false;

	struct snapshot *ret = maker->ret;
	ret->target = last->target;
	ret->target.has_exited = last->target.has_exited && maker->is_end;
	ret->capture = last->capture;
	ret->stacks = snapshot_alloc(ret, timeline->course_count, sizeof(*ret->stacks), err);
	ret->sites = ret->stacks ? snapshot_alloc(ret, timeline->course_count + last->site_count,
						  sizeof(*ret->sites), err)
				 : NULL;
	return ret->sites;
}

static void total_take(struct maker *maker)
{
	const struct snapshot *last = maker->span.timeline->last;
	struct snapshot *ret = maker->ret;
	course_total(&maker->span, ret);
	if (!maker->is_end) {
		for (size_t i = 0; i < ret->stack_count; i++) {
			const struct figures *part = &ret->stacks[i].figures;
			ret->total.oldest_seconds =
				fmax(ret->total.oldest_seconds, part->oldest_seconds);
			for (int kind = 0; kind < MEMORY_KIND_COUNT; kind++)
				ret->total.kind_live_bytes[kind] += part->kind_live_bytes[kind];
		}
		return;
	}
	const struct figures past = ret->total;
	double rss_growth = ret->capture.rss_growth_bytes_per_second;
	ret->total = last->total;
	ret->total.course_len = past.course_len;
	memcpy(ret->total.course_bytes, past.course_bytes, sizeof(past.course_bytes));
	ret->capture = last->capture;
	if (maker->is_in_all)
		return;
	ret->total.growth_bytes_per_second = past.growth_bytes_per_second;
	ret->capture.rss_growth_bytes_per_second = rss_growth;
}

static bool make(struct maker *maker, const struct timeline *timeline, size_t from, size_t to,
		 struct error *err)
{
	if (to >= timeline->instant_count)
		to = timeline->instant_count ? timeline->instant_count - 1 : 0;
	if (!maker_init(maker, timeline, from, to, err) || !known_sites_take(maker, err))
		return false;
	for (size_t i = 0; i < timeline->course_count; i++) {
		if (!course_take(maker, i, err))
			return false;
	}
	if (timeline->instant_count)
		total_take(maker);
	else
		maker->ret->total = timeline->last->total;
	empty_sites_drop(maker->ret);
	snapshot_sort(maker->ret);
	return true;
}

bool timeline_snapshot(const struct timeline *timeline, size_t from, size_t to,
		       struct snapshot **ret, struct error *err)
{
	OWNED(maker_deinit) struct maker maker = { 0 };
	if (!make(&maker, timeline, from, to, err))
		return false;
	*ret = MOVE_PTR(maker.ret);
	return true;
}

bool timeline_snapshot_ever(const struct timeline *timeline, struct snapshot **ret,
			    struct error *err)
{
	OWNED(maker_deinit) struct maker maker = { .is_ever = true };
	if (!make(&maker, timeline, TIMELINE_ATTACH, SIZE_MAX, err))
		return false;
	*ret = MOVE_PTR(maker.ret);
	return true;
}
