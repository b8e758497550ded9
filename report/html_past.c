/* SPDX-License-Identifier: MIT */
#include "report/html_past.h"

#include <math.h>

#include "report/json_value.h"

enum {
	INSTANTS_MAX = 128,
	COURSES_MAX = 1000,
};

void html_past_deinit(struct html_past *past)
{
	free(past->rows.stacks);
	free(past->instants);
	free(past->has_course);
	free(past->sums);
}

/* Instants about equally far from one another in their number, the last one among them. */
static bool choose_instants(struct html_past *past, struct error *err)
{
	size_t all = past->past->timeline->instant_count;
	size_t count = all < INSTANTS_MAX ? all : INSTANTS_MAX;
	past->instants = calloc(count + 1, sizeof(*past->instants));
	if (!past->instants)
		return error_set(err, ERROR_NO_MEMORY, "no memory for the report");
	for (size_t i = 0; i < count; i++)
		past->instants[i] = (uint32_t)((i + 1) * all / count - 1);
	past->instant_count = count;
	return true;
}

/* A walk over the points of a course, from instant to instant. */
struct walk {
	const struct course_point *point;
	const struct course_point *end;
	double bytes;
};

static struct walk walk_begin(const struct html_past *past, size_t course)
{
	const struct timeline *timeline = past->past->timeline;
	const struct course *all = &timeline->courses[course - 1];
	const struct course_point *first = timeline->points + all->first;
	return (struct walk){ .point = first, .end = first + all->point_count };
}

/* What is live at the instant number `i` of those chosen, which is after the one before. */
static double walk_to(struct walk *walk, const struct html_past *past, size_t i)
{
	for (; walk->point < walk->end && walk->point->instant <= past->instants[i]; walk->point++)
		walk->bytes = walk->point->live_bytes;
	return walk->bytes;
}

struct candidate {
	double most_bytes;
	size_t course;
};

static int candidate_compare(const void *a, const void *b)
{
	const struct candidate *left = a, *right = b;
	if (left->most_bytes != right->most_bytes)
		return left->most_bytes > right->most_bytes ? -1 : 1;
	return (left->course > right->course) - (left->course < right->course);
}

static bool choose_courses(struct html_past *past, struct error *err)
{
	const struct snapshot *ever = past->past->ever;
	size_t count = 0;
	OWNED_FREE struct candidate *all = calloc(ever->stack_count + 1, sizeof(*all));
	past->has_course = calloc(past->past->timeline->course_count + 1, sizeof(bool));
	if (!all || !past->has_course)
		return error_set(err, ERROR_NO_MEMORY, "no memory for the report");
	for (size_t i = 0; i < ever->stack_count; i++) {
		if (!ever->stacks[i].course)
			continue;
		struct candidate *one = &all[count++];
		one->course = ever->stacks[i].course;
		struct walk walk = walk_begin(past, one->course);
		for (size_t j = 0; j < past->instant_count; j++)
			one->most_bytes = fmax(one->most_bytes, walk_to(&walk, past, j));
	}
	if (count)
		qsort(all, count, sizeof(*all), candidate_compare);
	for (size_t i = 0; i < count && i < COURSES_MAX && all[i].most_bytes > 0; i++)
		past->has_course[all[i].course] = true;
	return true;
}

static bool sum_others(struct html_past *past, struct error *err)
{
	const struct snapshot *ever = past->past->ever;
	past->sums = calloc((past->instant_count + 1) * MEMORY_KIND_COUNT, sizeof(*past->sums));
	if (!past->sums)
		return error_set(err, ERROR_NO_MEMORY, "no memory for the report");
	for (size_t i = 0; i < ever->stack_count; i++) {
		size_t course = ever->stacks[i].course;
		if (!course || past->has_course[course])
			continue;
		struct walk walk = walk_begin(past, course);
		for (size_t j = 0; j < past->instant_count; j++)
			past->sums[j * MEMORY_KIND_COUNT + ever->stacks[i].kind] +=
				walk_to(&walk, past, j);
	}
	return true;
}

static bool choose_rows(struct html_past *past, struct error *err)
{
	const struct snapshot *ever = past->past->ever;
	past->rows.stacks = calloc(ever->stack_count + 1, sizeof(*past->rows.stacks));
	if (!past->rows.stacks)
		return error_set(err, ERROR_NO_MEMORY, "no memory for the report");
	for (size_t i = 0; i < ever->stack_count; i++) {
		const struct snapshot_stack *stack = &ever->stacks[i];
		if (stack->figures.live_samples || stack->figures.live_bytes.value > 0 ||
		    past->has_course[stack->course])
			past->rows.stacks[past->rows.stack_count++] = *stack;
	}
	return true;
}

bool html_past_init(struct html_past *ret, const struct report_past *past, struct error *err)
{
	ret->past = past;
	return choose_instants(ret, err) && choose_courses(ret, err) && sum_others(ret, err) &&
	       choose_rows(ret, err);
}

static json_t *json_seconds(const struct html_past *past)
{
	json_t *ret = json_array();
	for (size_t i = 0; i < past->instant_count; i++)
		json_array_append_new(
			ret, json_real(past->past->timeline->instants[past->instants[i]].seconds));
	return ret;
}

static json_t *json_live(const struct html_past *past)
{
	json_t *ret = json_array();
	for (size_t i = 0; i < past->instant_count; i++)
		json_array_append_new(
			ret,
			json_whole(past->past->timeline->instants[past->instants[i]].live_bytes));
	return ret;
}

static json_t *json_rss(const struct html_past *past)
{
	json_t *ret = json_array();
	for (size_t i = 0; i < past->instant_count; i++) {
		uint32_t instant = past->instants[i];
		json_array_append_new(
			ret, json_whole((double)past->past->timeline->instants[instant].rss_bytes));
	}
	return ret;
}

/* Note what is there from an instant on, if that is news. */
static void add_change(json_t *row, size_t instant, double bytes, double *before)
{
	double now = round(bytes);
	if (now == *before)
		return;
	json_array_append_new(row, json_integer((json_int_t)instant));
	json_array_append_new(row, json_whole(now));
	*before = now;
}

static bool write_courses(const struct html_past *past, const struct paths *paths, FILE *out,
			  struct error *err)
{
	const char *before = "\n";
	fputs(",\n\"courses\":[", out);
	for (size_t place = 0; place < past->rows.stack_count; place++) {
		size_t course = past->rows.stacks[paths->order[place]].course;
		if (!past->has_course[course])
			continue;
		json_t *row = json_pack("[I]", (json_int_t)place);
		struct walk walk = walk_begin(past, course);
		double bytes = 0;
		for (size_t i = 0; row && i < past->instant_count; i++)
			add_change(row, i, walk_to(&walk, past, i), &bytes);
		if (!json_write_markup(out, before, row, err))
			return false;
		before = ",\n";
	}
	fputs("]", out);
	return true;
}

static json_t *json_others(const struct html_past *past)
{
	json_t *ret = json_array();
	for (int kind = 0; kind < MEMORY_KIND_COUNT; kind++) {
		json_t *row = json_pack("[i]", kind);
		double bytes = 0;
		for (size_t i = 0; row && i < past->instant_count; i++)
			add_change(row, i, past->sums[i * MEMORY_KIND_COUNT + (size_t)kind],
				   &bytes);
		if (json_array_size(row) > 1)
			json_array_append(ret, row);
		json_decref(row);
	}
	return ret;
}

bool html_past_write(const struct html_past *past, const struct paths *paths, FILE *out,
		     struct error *err)
{
	double begin_seconds = timeline_begin_seconds(past->past->timeline);
	if (!json_write_markup(out, ",\n\"timeline\":{\"begin\":", json_real(begin_seconds), err) ||
	    !json_write_markup(out, ",\n\"seconds\":", json_seconds(past), err) ||
	    !json_write_markup(out, ",\n\"live\":", json_live(past), err) ||
	    !json_write_markup(out, ",\n\"rss\":", json_rss(past), err) ||
	    !write_courses(past, paths, out, err) ||
	    !json_write_markup(out, ",\n\"others\":", json_others(past), err))
		return false;
	fputs("}", out);
	return true;
}
