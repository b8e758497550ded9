/* SPDX-License-Identifier: MIT */
#include "report/html_past.h"

#include <math.h>

#include "report/path.h"
#include "tests/unit/report/json_output.h"

enum { INSTANTS = 300, SHOWN_INSTANTS = 128, SHOWN_COURSES = 1000 };

static const struct frame leak = { "leak", "app.py", 1 }, passing = { "passing", "app.py", 2 };
static const struct frame outer = { "</script>", "app.py", 3 };
static const struct frame *const paths[][2] = { { &leak, &outer }, { &passing, &outer } };

/* A past of `count` stacks, of which every second one is live at the end. Stack number n grows by
 * n + 1 bytes with each instant; what is not live at the end goes at the last one. */
struct past {
	struct instant instants[INSTANTS];
	struct course *courses;
	struct course_point *points;
	struct snapshot_stack *stacks;
	struct timeline timeline;
	struct snapshot last;
	struct snapshot ever;
	struct report_past past;
};

static double bytes_at(size_t stack, size_t instant)
{
	bool is_gone = stack % 2 && instant + 1 == INSTANTS;
	return is_gone ? 0 : (double)((stack + 1) * (instant + 1));
}

static enum memory_kind kind_of(size_t stack)
{
	return (enum memory_kind)(stack / 2 % MEMORY_KIND_COUNT);
}

static void stack_make(struct past *past, size_t stack)
{
	struct course *course = &past->courses[stack];
	*course = (struct course){ .frames = paths[stack % 2],
				   .frame_count = 2,
				   .thread = "main",
				   .kind = kind_of(stack),
				   .first = past->timeline.point_count,
				   .point_count = INSTANTS };
	for (size_t i = 0; i < INSTANTS; i++) {
		past->points[past->timeline.point_count++] =
			(struct course_point){ .instant = (uint32_t)i,
					       .live_bytes = bytes_at(stack, i) };
		past->instants[i].live_bytes += bytes_at(stack, i);
	}
	past->stacks[stack] = (struct snapshot_stack){
		.frames = paths[stack % 2],
		.frame_count = 2,
		.thread = "main",
		.kind = kind_of(stack),
		.course = stack + 1,
		.figures.live_bytes.value = bytes_at(stack, INSTANTS - 1),
	};
}

static void past_init(struct past *past, size_t count)
{
	*past = (struct past){ 0 };
	past->courses = calloc(count + 1, sizeof(*past->courses));
	past->points = calloc(count * INSTANTS + 1, sizeof(*past->points));
	past->stacks = calloc(count + 1, sizeof(*past->stacks));
	assert_true(past->courses && past->points && past->stacks);
	for (size_t i = 0; i < INSTANTS; i++) {
		past->instants[i].start_seconds = 2 * (double)i;
		past->instants[i].seconds = 2 * (double)(i + 1);
		past->instants[i].rss_bytes = 1000000 + i;
	}
	for (size_t i = 0; i < count; i++)
		stack_make(past, i);
	past->last.target.python = "";
	past->ever = (struct snapshot){ .stacks = past->stacks, .stack_count = count };
	past->timeline.last = &past->last;
	past->timeline.instants = past->instants;
	past->timeline.instant_count = INSTANTS;
	past->timeline.courses = past->courses;
	past->timeline.course_count = count;
	past->timeline.points = past->points;
	past->past = (struct report_past){ &past->timeline, &past->ever };
}

static void past_deinit(struct past *past)
{
	free(past->courses);
	free(past->points);
	free(past->stacks);
}

static void write_page(const struct past *past, struct output *output)
{
	const struct report_html_options options = { .past = &past->past };
	struct error err;
	output_open(output);
	assert_true(report_html(&past->last, &options, output->file, &err));
}

static json_t *write_data(const struct past *past)
{
	OWNED_OUTPUT struct output output = { 0 };
	write_page(past, &output);
	return page_data(&output);
}

static json_t *timeline_of(json_t *document, const char *member)
{
	json_t *ret = json_object_get(json_object_get(document, "timeline"), member);
	assert_non_null(ret);
	return ret;
}

static double number_at(json_t *array, size_t i)
{
	return json_number_value(json_array_get(array, i));
}

/* As the page does it: pairs of an instant and what there is from then on. */
static double value_at(json_t *course, size_t instant)
{
	double value = 0;
	for (size_t i = 1; i < json_array_size(course) && number_at(course, i) <= (double)instant;
	     i += 2)
		value = number_at(course, i + 1);
	return value;
}

static size_t instant_of(json_t *document, size_t shown)
{
	return (size_t)(number_at(timeline_of(document, "seconds"), shown) / 2) - 1;
}

static void test_time_is_sampled_to_its_very_end(void **state)
{
	(void)state;
	struct past past;
	past_init(&past, 4);
	OWNED_JSON json_t *document = write_data(&past);
	json_t *seconds = timeline_of(document, "seconds");
	assert_int_equal(json_array_size(seconds), SHOWN_INSTANTS);
	assert_true(number_at(seconds, SHOWN_INSTANTS - 1) == 2 * INSTANTS);
	for (size_t i = 0; i < SHOWN_INSTANTS; i++) {
		size_t instant = instant_of(document, i);
		assert_true(i == 0 || number_at(seconds, i) > number_at(seconds, i - 1));
		assert_true(number_at(timeline_of(document, "rss"), i) ==
			    1000000 + (double)instant);
		assert_true(number_at(timeline_of(document, "live"), i) ==
			    past.instants[instant].live_bytes);
	}
	past_deinit(&past);
}

static void test_courses_belong_to_the_rows_of_their_stacks(void **state)
{
	(void)state;
	struct past past;
	past_init(&past, 4);
	OWNED_JSON json_t *document = write_data(&past);
	json_t *courses = timeline_of(document, "courses"), *course;
	json_t *rows = json_object_get(document, "stacks");
	size_t i;
	assert_int_equal(json_array_size(courses), 4);
	assert_int_equal(json_array_size(rows), 4);
	json_array_foreach(courses, i, course)
	{
		json_t *row = json_array_get(rows, (size_t)number_at(course, 0));
		double live = number_at(row, 2);
		/* Of the bytes before the end one can tell which stack it is. */
		size_t stack = (size_t)(value_at(course, SHOWN_INSTANTS - 2) /
					(double)(instant_of(document, SHOWN_INSTANTS - 2) + 1)) -
			       1;
		assert_in_range(stack, 0, 3);
		assert_true(live == bytes_at(stack, INSTANTS - 1));
		assert_int_equal((int)number_at(row, 0), kind_of(stack));
		for (size_t j = 0; j < SHOWN_INSTANTS; j++)
			assert_true(value_at(course, j) ==
				    bytes_at(stack, instant_of(document, j)));
	}
	assert_int_equal(json_array_size(timeline_of(document, "others")), 0);
	past_deinit(&past);
}

static void test_beyond_the_largest_stacks_growth_is_told_together(void **state)
{
	(void)state;
	enum { COUNT = 1500 };
	struct past past;
	past_init(&past, COUNT);
	OWNED_JSON json_t *document = write_data(&past);
	json_t *courses = timeline_of(document, "courses"), *course;
	json_t *others = timeline_of(document, "others");
	assert_int_equal(json_array_size(courses), SHOWN_COURSES);
	assert_int_equal(json_array_size(others), MEMORY_KIND_COUNT);
	/* What is not live and has no course has no row. The last stack that has one, and the first
	 * that has none, may have changed places: the one was measured earlier. */
	assert_in_range(json_array_size(json_object_get(document, "stacks")),
			SHOWN_COURSES + (COUNT - SHOWN_COURSES) / 2 - 1,
			SHOWN_COURSES + (COUNT - SHOWN_COURSES) / 2 + 1);
	for (size_t i = 0; i < SHOWN_INSTANTS; i++) {
		size_t instant = instant_of(document, i), number;
		double sum = 0, smallest = INFINITY;
		json_array_foreach(courses, number, course)
		{
			sum += value_at(course, i);
			smallest = fmin(smallest, value_at(course, i));
		}
		json_array_foreach(others, number, course) sum += value_at(course, i);
		assert_true(sum == past.instants[instant].live_bytes);
		if (i + 1 < SHOWN_INSTANTS)
			assert_true(smallest >= bytes_at(COUNT - SHOWN_COURSES - 4, instant));
	}
	past_deinit(&past);
}

static void test_a_large_past_makes_no_large_page(void **state)
{
	(void)state;
	struct past past;
	past_init(&past, 3000);
	OWNED_OUTPUT struct output output = { 0 };
	write_page(&past, &output);
	assert_true(output.len > 100000 && output.len < 3000000);
	past_deinit(&past);
}

static void test_without_a_past_there_is_no_chart(void **state)
{
	(void)state;
	struct past past;
	past_init(&past, 4);
	past.timeline.instant_count = 1;
	OWNED_JSON json_t *document = write_data(&past);
	assert_null(json_object_get(document, "timeline"));
	past_deinit(&past);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time_is_sampled_to_its_very_end),
		cmocka_unit_test(test_courses_belong_to_the_rows_of_their_stacks),
		cmocka_unit_test(test_beyond_the_largest_stacks_growth_is_told_together),
		cmocka_unit_test(test_a_large_past_makes_no_large_page),
		cmocka_unit_test(test_without_a_past_there_is_no_chart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
