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

/* Where a signal came while the stub ran, its frame says so below the stack, and a thread that goes
 * deeper later may leave the word as it is. */
static void test_signals_in_a_stub_leave_no_trace(void **state)
{
	(void)state;
	struct left_region left;
	struct error err = { 0 };
	leave_region(&left);
	send_command(&left.target, "timer 100");
	await_answer(&left.target, "done");
	for (int i = 0; i < STUB_PLACE_COUNT; i++) {
		struct tally tally = { 0 };
		struct tracer_listener listener = listener_of(&tally);
		lift(plant(left.target.pid, &listener, 65536));
	}
	send_command(&left.target, "deep");
	await_answer(&left.target, "done");

	struct world world = { 0 };
	assert_true(world_stop(left.target.pid, &world, &err));
	bool is_running = stub_is_running(left.base, &left.images, &left.tm.memory, &world);
	world_resume(&world);
	assert_false(is_running);
	end_region(&left);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places_are_used_again_although_one_seems_taken),
		cmocka_unit_test(test_unexpected_action_is_left_alone),
		cmocka_unit_test(test_signals_in_a_stub_leave_no_trace),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
