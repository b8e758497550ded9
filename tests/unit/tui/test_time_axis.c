/* SPDX-License-Identifier: MIT */
#include "tui/time_axis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tui/golden.h"
#include "tests/unit/tui/pressing.h"
#include "tests/unit/tui/synthetic.h"

#define MIB (1024.0 * 1024.0)

static const struct frame render = { "render", "/srv/shop/app/views.py", 88 };
static const struct frame put = { "put", "/srv/shop/app/cache.py", 11 };
static const struct frame batch = { "batch", "/srv/shop/app/jobs.py", 40 };
static const struct frame run = { "run", "/usr/lib/python3.11/threading.py", 975 };

enum { INSTANTS = 24, STACKS = 3, SECONDS_EACH = 10, SHOWN_MAX = 64 };

/* What is there at the end: the batch has given all back. */
static const struct synthetic_stack last_stacks[] = {
	{ { &render, &run }, 120 * MIB, 4 * MIB, 500000, 1900, 1.1e6, 235, false },
	{ { &put, &render, &run }, 60 * MIB, 2 * MIB, 250000, 900, 400123, 115, false },
};

static const struct frame *const paths[STACKS][3] = { { &render, &run },
						      { &put, &render, &run },
						      { &batch, &run } };
static const size_t depths[STACKS] = { 2, 3, 2 };

/* The first one leaks in the first half, the second one in the second; the third one comes and
 * goes. */
static double live_bytes(size_t stack, size_t instant)
{
	size_t half = INSTANTS / 2;
	if (stack == 0)
		return 10 * MIB * (double)(instant < half ? instant + 1 : half);
	if (stack == 1)
		return 5 * MIB * (double)(instant < half ? 0 : instant + 1 - half);
	return instant % 6 == 2 ? 90 * MIB : 0;
}

/* A capture, how it is walked through, and what it looks like. */
struct fixture {
	struct instant instants[INSTANTS];
	struct course courses[STACKS];
	struct course_point points[STACKS * INSTANTS];
	struct timeline timeline;
	struct state state;
	struct cells cells;
	struct snapshot *shown[SHOWN_MAX];
	size_t shown_count;
};

static void make_course(struct fixture *fixture, size_t stack)
{
	struct course *course = &fixture->courses[stack];
	*course = (struct course){ .frames = paths[stack],
				   .frame_count = depths[stack],
				   .thread = stack == 2 ? "batch" : "worker-1",
				   .first = fixture->timeline.point_count };
	for (size_t i = 0; i < INSTANTS; i++) {
		double before = i ? live_bytes(stack, i - 1) : 0;
		double now = live_bytes(stack, i);
		fixture->instants[i].live_bytes += now;
		fixture->instants[i].live_blocks += now / 100;
		if (now == before)
			continue;
		fixture->points[fixture->timeline.point_count++] =
			(struct course_point){ .instant = (uint32_t)i,
					       .live_bytes = now,
					       .live_blocks = (float)(now / 100),
					       .moved_bytes = (float)fabs(now - before) };
		course->point_count++;
	}
}

static void make_timeline(struct fixture *fixture)
{
	struct snapshot *last = synthetic_make(last_stacks, ARRAY_LEN(last_stacks));
	last->capture.seconds = INSTANTS * SECONDS_EACH;
	last->stacks[0].course = 1;
	last->stacks[1].course = 2;
	fixture->timeline = (struct timeline){ .last = last,
					       .instants = fixture->instants,
					       .instant_count = INSTANTS,
					       .courses = fixture->courses,
					       .course_count = STACKS,
					       .points = fixture->points };
	for (size_t i = 0; i < INSTANTS; i++)
		fixture->instants[i] = (struct instant){
			.start_seconds = (double)i * SECONDS_EACH,
			.seconds = (double)(i + 1) * SECONDS_EACH,
			.rss_bytes = 800000000 + i * 4000000,
			.samples = (i + 1) * 700,
		};
	for (size_t i = 0; i < STACKS; i++)
		make_course(fixture, i);
}

static void seek(struct fixture *fixture)
{
	struct error err;
	const struct time_axis *axis = &fixture->state.axis;
	assert_in_range(fixture->shown_count, 0, SHOWN_MAX - 1);
	struct snapshot **snapshot = &fixture->shown[fixture->shown_count++];
	assert_true(
		timeline_snapshot(axis->timeline, axis->baseline, axis->cursor, snapshot, &err));
	assert_true(state_show(&fixture->state, *snapshot, &err));
}

static void begin_view(struct fixture *fixture, int width, int height)
{
	struct error err;
	state_init(&fixture->state);
	state_open(&fixture->state, &fixture->timeline);
	assert_true(cells_init(&fixture->cells, width, height, &err));
	seek(fixture);
}

static void open_capture(struct fixture *fixture, int width, int height)
{
	*fixture = (struct fixture){ 0 };
	make_timeline(fixture);
	begin_view(fixture, width, height);
}

static void close_capture(struct fixture *fixture)
{
	state_deinit(&fixture->state);
	cells_deinit(&fixture->cells);
	for (size_t i = 0; i < fixture->shown_count; i++)
		snapshot_destroy(fixture->shown[i]);
	synthetic_free(fixture->timeline.last);
}

static void press(struct fixture *fixture, const char *keys_pressed)
{
	for (; *keys_pressed; keys_pressed++) {
		if (press_key(&fixture->state, *keys_pressed) & REACTION_SEEK)
			seek(fixture);
		state_draw(&fixture->state, &fixture->cells);
	}
}

static bool is_shown(struct fixture *fixture, const char *text)
{
	return can_be_read(&fixture->state, &fixture->cells, text);
}

static void test_capture_matches_golden_screens(void **state)
{
	(void)state;
	static const struct golden_case cases[] = {
		{ "capture-80x24", 80, 24, "" },
		{ "capture-40x10", 40, 10, "" },
		{ "capture-200x60", 200, 60, "" },
		{ "capture-past-80x24", 80, 24, ",,,,,,,,,,,,," },
		{ "capture-past-40x10", 40, 10, ",,,,,,,,,,,,," },
		{ "capture-past-200x60", 200, 60, ",,,,,,,,,,,,,*" },
		{ "capture-baseline-80x24", 80, 24, "({{}}}}}b)" },
		{ "capture-baseline-40x10", 40, 10, "(}}}}b)" },
		{ "capture-baseline-200x60", 200, 60, "(}}}}b)" },
		{ "capture-begin-80x24", 80, 24, "(" },
		{ "capture-empty-80x24", 80, 24, "(\\nobody\n" },
		{ "capture-threads-80x24", 80, 24, "(..\t\t" },
		{ "capture-stops-80x24", 80, 24, "\t\t\t" },
		{ "capture-details-80x24", 80, 24,
		  ","
		  "\n" },
		{ "capture-help-80x24", 80, 24, "?" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture fixture;
		open_capture(&fixture, cases[i].width, cases[i].height);
		press(&fixture, cases[i].keys);
		golden_assert(&fixture.state, &fixture.cells, cases[i].name);
		close_capture(&fixture);
	}
}

static void test_walking_shows_what_led_at_each_instant(void **state)
{
	(void)state;
	struct fixture fixture;
	open_capture(&fixture, 80, 24);
	assert_true(is_shown(&fixture, "at 00:04:00 of 00:04:00"));
	press(&fixture, "(");
	assert_true(is_shown(&fixture, "at 00:00:10 of 00:04:00"));
	assert_false(is_shown(&fixture, "cache.py:11"));
	press(&fixture, "..");
	assert_true(is_shown(&fixture, "at 00:00:30 of 00:04:00"));
	assert_string_equal(fixture.state.tree.rows[0].frame.function, "batch");
	press(&fixture, ".");
	assert_string_equal(fixture.state.tree.rows[0].frame.function, "render");
	assert_int_equal(fixture.state.tree.row_count, 1);
	press(&fixture, ")");
	assert_int_equal(fixture.state.tree.row_count, 2);
	press(&fixture, ".");
	assert_int_equal(fixture.state.axis.cursor, INSTANTS - 1);
	press(&fixture, "(,{");
	assert_int_equal(fixture.state.axis.cursor, 0);
	close_capture(&fixture);
}

static void test_baseline_stays_at_its_instant(void **state)
{
	(void)state;
	struct fixture fixture;
	open_capture(&fixture, 80, 24);
	press(&fixture, "(}}}}b");
	assert_int_equal(fixture.state.axis.baseline, 12);
	press(&fixture, ")2");
	assert_true(is_shown(&fixture, "since 00:02:10"));
	const struct tree_row *first = &fixture.state.tree.rows[0];
	assert_string_equal(first->frame.function, "put");
	assert_float_equal(first->change_bytes, 55 * MIB, 1);
	assert_float_equal(first->figures.growth_bytes_per_second.value, MIB / 2, 1);
	assert_float_equal(fixture.state.tree.rows[1].change_bytes, 0, 1);
	press(&fixture, "B");
	assert_false(is_shown(&fixture, "since"));
	close_capture(&fixture);
}

static void test_a_click_on_the_axis_goes_there(void **state)
{
	(void)state;
	static const struct {
		int column;
		size_t instant;
	} clicks[] = { { 0, 0 },   { 1, 0 },   { 78, 23 }, { 79, 23 },
		       { 40, 11 }, { 39, 11 }, { 41, 11 } };
	struct fixture fixture;
	open_capture(&fixture, 80, 24);
	for (size_t i = 0; i < ARRAY_LEN(clicks); i++) {
		state_draw(&fixture.state, &fixture.cells);
		fixture.state.pointer = (struct place){ .row = 22, .column = clicks[i].column };
		assert_int_equal(keys_press(&fixture.state, KEY_CODE_CLICK), REACTION_SEEK);
		seek(&fixture);
		assert_int_equal(fixture.state.axis.cursor, clicks[i].instant);
	}
	close_capture(&fixture);
}

static void test_the_cursor_is_drawn_where_a_click_would_lead(void **state)
{
	(void)state;
	for (int width = 1; width < 130; width++) {
		struct fixture fixture;
		open_capture(&fixture, width, 1);
		for (size_t i = 0; i < INSTANTS; i++) {
			fixture.state.axis.cursor = i;
			cells_clear(&fixture.cells);
			time_axis_draw(&fixture.state.axis, &fixture.cells, 0);
			int column = 0;
			while (column < width &&
			       strcmp(cells_at(&fixture.cells, 0, column)->text, "┃") != 0)
				column++;
			if (width < 3)
				continue;
			assert_in_range(column, 1, width - 2);
			size_t found = time_axis_find(&fixture.state.axis, width, column);
			if (width > 2 * INSTANTS + 2)
				assert_int_equal(found, i);
		}
		close_capture(&fixture);
	}
}

static void test_details_say_since_when_and_what_is_not_known(void **state)
{
	(void)state;
	struct fixture fixture;
	open_capture(&fixture, 80, 40);
	press(&fixture, "\n");
	assert_true(is_shown(&fixture, "Live bytes in 4m since the attach, "));
	assert_true(is_shown(&fixture, "Ages and sizes of single blocks are not in a capture."));
	press(&fixture, "x(}}}}b)\n");
	assert_true(is_shown(&fixture, "Live bytes in 1m since the baseline, "));
	press(&fixture, "x(\n"); /* before the baseline */
	assert_true(is_shown(&fixture, "Live bytes in 10s since the attach, "));
	close_capture(&fixture);
}

static void test_a_recording_that_has_not_ended_is_said_to(void **state)
{
	(void)state;
	struct fixture fixture = { 0 };
	make_timeline(&fixture);
	fixture.timeline.last->capture.is_unfinished = true;
	begin_view(&fixture, 80, 24);
	assert_true(is_shown(&fixture, "the recording has not ended"));
	press(&fixture, "\t\t\t\t");
	assert_true(is_shown(&fixture, "it goes on, or was cut off"));
	close_capture(&fixture);
}

static void test_keys_of_a_target_do_nothing(void **state)
{
	(void)state;
	struct fixture fixture;
	open_capture(&fixture, 80, 24);
	assert_int_equal(keys_press(&fixture.state, ' '), REACTION_NONE);
	assert_int_equal(keys_press(&fixture.state, 'w'), REACTION_NONE);
	assert_int_equal(keys_press(&fixture.state, 'a'), REACTION_NONE);
	assert_int_equal(keys_press(&fixture.state, 'q'), REACTION_QUIT);
	close_capture(&fixture);
}

static void test_a_capture_of_one_instant_has_no_axis(void **state)
{
	(void)state;
	struct fixture fixture;
	open_capture(&fixture, 80, 24);
	fixture.timeline.instant_count = 0;
	fixture.state.axis.cursor = 0;
	seek(&fixture);
	assert_false(is_shown(&fixture, "┃"));
	assert_true(is_shown(&fixture, "views.py:88"));
	press(&fixture, ",");
	assert_true(is_shown(&fixture, "one instant only"));
	close_capture(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_capture_matches_golden_screens),
		cmocka_unit_test(test_walking_shows_what_led_at_each_instant),
		cmocka_unit_test(test_baseline_stays_at_its_instant),
		cmocka_unit_test(test_a_click_on_the_axis_goes_there),
		cmocka_unit_test(test_the_cursor_is_drawn_where_a_click_would_lead),
		cmocka_unit_test(test_details_say_since_when_and_what_is_not_known),
		cmocka_unit_test(test_a_recording_that_has_not_ended_is_said_to),
		cmocka_unit_test(test_keys_of_a_target_do_nothing),
		cmocka_unit_test(test_a_capture_of_one_instant_has_no_axis),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
