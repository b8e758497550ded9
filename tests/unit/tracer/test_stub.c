/* SPDX-License-Identifier: MIT */
/* Stubs that a real process runs, in the region that an attach has left. */
#include "tracer/stub.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tests/unit/tracer/traced_target.h"
#include "tracer/region.h"

struct left_region {
	struct target target;
	struct target_memory tm;
	struct images images;
	raddr base;
};

static void leave_region(struct left_region *left)
{
	static struct tally tally;
	struct tracer_listener listener = listener_of(&tally);
	struct error err = { 0 };
	start_target(&left->target, NULL, "2");
	lift(plant(left->target.pid, &listener, 65536));
	assert_true(target_memory_init(&left->tm, left->target.pid, &err));
	assert_true(images_init(&left->images, left->target.pid, &left->tm.memory, &err));
	assert_int_equal(regions_find(&left->tm.memory, &left->images.maps, &left->base, 1), 1);
}

static void end_region(struct left_region *left)
{
	images_deinit(&left->images);
	target_memory_deinit(&left->tm);
	end_target(&left->target);
}

/* Where it stands, the default action is put in place of the default action. */
static bool run_harmless(struct left_region *left, struct stub_answer *ret, struct error *err)
{
	struct stub_job job = { .stub = &stub_sets_action, .base = left->base };
	for (int try = 0; !stub_run(&left->tm, &left->images, &job, ret, err); try++)
		if (err->kind != ERROR_TIMEOUT || try == 3)
			return false;
	return true;
}

/* Have every word of the program's environment look as if a handler were to return to a place. The
 * environment lies at the main thread's end of the stack. */
static void litter_stack(struct left_region *left, raddr word)
{
	raddr words[128];
	struct world world = { 0 };
	struct error err = { 0 };
	assert_true(world_stop(left->target.pid, &world, &err));
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		words[i] = word;
	for (const struct mapping *at = left->images.maps.list;; at++) {
		if (world.threads[0].rsp - at->start >= at->end - at->start)
			continue;
		assert_true(target_memory_write(&left->tm, at->end - sizeof(words), words,
						sizeof(words), &err));
		break;
	}
	world_resume(&world);
}

/* A word that was left on a stack, and looks like a return to a place, takes that place only. */
static void test_places_are_used_again_although_one_seems_taken(void **state)
{
	(void)state;
	struct left_region left;
	struct error err = { 0 };
	leave_region(&left);
	litter_stack(&left, left.base + STUB_PLACES_OFFSET + 2 * STUB_PLACE_BYTES + 8);
	for (int i = 0; i < 5 * STUB_PLACE_COUNT; i++) {
		struct stub_answer answer;
		if (!run_harmless(&left, &answer, &err))
			fail_msg("run %d: %s", i, err.context);
		assert_int_equal(answer.state, STUB_DONE);
	}
	end_region(&left);
}

/* An action is changed only if it is what is expected. */
static void test_unexpected_action_is_left_alone(void **state)
{
	(void)state;
	struct left_region left;
	struct stub_answer answer;
	struct error err = { 0 };
	leave_region(&left);
	struct stub_job job = {
		.stub = &stub_sets_action,
		.base = left.base,
		.arguments = { left.base + 1, left.base + 2, 0, 0, 0 },
	};
	if (!stub_run(&left.tm, &left.images, &job, &answer, &err))
		fail_msg("%s", err.context);
	assert_int_equal(answer.state, STUB_REFUSED);
	end_region(&left);
}

static bool stub_runs(struct left_region *left)
{
	struct world world = { 0 };
	struct error err = { 0 };
	assert_true(world_stop(left->target.pid, &world, &err));
	bool is_running = stub_is_running(left->base, &left->images, &left->tm.memory, &world);
	world_resume(&world);
	return is_running;
}

/* Frames of signals that came while stubs ran lie below the stack of their thread, which goes
 * deeper now, over words that say that it was there. */
static void check_signals_leave_nothing(void (*run_stubs)(struct left_region *left))
{
	struct left_region left;
	leave_region(&left);
	send_command(&left.target, "timer 100");
	await_answer(&left.target, "done");
	run_stubs(&left);
	send_command(&left.target, "deep");
	await_answer(&left.target, "done");

	/* The last stub may still stand by for a tracer that was killed. */
	uint64_t deadline_ns = clock_monotonic_ns() + NS_PER_SECOND;
	bool is_running = true;
	while (is_running && clock_monotonic_ns() < deadline_ns) {
		clock_sleep(NS_PER_MS);
		is_running = stub_runs(&left);
	}
	assert_false(is_running);
	end_region(&left);
}

static void attach_and_detach(struct left_region *left)
{
	for (int i = 0; i < STUB_PLACE_COUNT; i++) {
		struct tally tally = { 0 };
		struct tracer_listener listener = listener_of(&tally);
		lift(plant(left->target.pid, &listener, 65536));
	}
}

static void attach_and_be_killed(struct left_region *left)
{
	for (uint64_t i = 0; i < 100; i++) {
		int tracer = start_tracer(left->target.pid, -1);
		clock_sleep(i % 20 * 200000);
		kill_tracer(tracer);
	}
}

static void test_signals_in_a_stub_do_not_look_as_if_it_ran(void **state)
{
	(void)state;
	check_signals_leave_nothing(attach_and_detach);
}

static void test_signals_in_stubs_of_killed_tracers_do_not_either(void **state)
{
	(void)state;
	check_signals_leave_nothing(attach_and_be_killed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places_are_used_again_although_one_seems_taken),
		cmocka_unit_test(test_unexpected_action_is_left_alone),
		cmocka_unit_test(test_signals_in_a_stub_do_not_look_as_if_it_ran),
		cmocka_unit_test(test_signals_in_stubs_of_killed_tracers_do_not_either),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
