/* SPDX-License-Identifier: MIT */
/* What a session makes of stops and frees. */
#include "cli/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/cli/scripted_session.h"

static void sample_three_free_one(const struct tracer_listener *listener, int slice)
{
	if (slice != 0)
		return;
	assert(stop_at(listener, THREAD_IN_PYTHON, &pymalloc_malloc, 0x100000));
	assert(stop_at(listener, THREAD_IN_PYTHON, &c_realloc, 0x2000));
	assert(stop_at(listener, THREAD_IN_PYTHON, &pymalloc_malloc, 0x100040));
	listener->on_free(listener->context, 0x100040, clock_monotonic_ns());
}

static void test_samples_and_frees_reach_the_snapshot(void **state)
{
	(void)state;
	struct error err;
	struct snapshot *snapshot;
	script.on_slice = sample_three_free_one;
	struct session *session = begin(false);
	wait_for_slices(2);
	assert_true(session_stop(session, &err));
	assert_true(session_snapshot(session, &snapshot, &err));
	session_destroy(session);

	/* The snapshot stands on its own: the session is gone. */
	assert_int_equal(snapshot->target.pid, SOME_PID);
	assert_string_equal(snapshot->target.python, "3.11.7");
	assert_int_equal(snapshot->capture.samples, 3);
	assert_int_equal(snapshot->capture.dropped, 3);
	assert_int_equal(snapshot->capture.sample_bytes, 4096);
	assert_true(snapshot->total.live_bytes.value == 200);
	assert_int_equal(snapshot->site_count, 1);
	assert_string_equal(snapshot->sites[0].frame->function, "index");
	assert_int_equal(snapshot->stack_count, 2);
	assert_string_equal(snapshot->stacks[0].thread, "MainThread");
	assert_int_equal(snapshot->stacks[0].frame_count, 2);
	snapshot_destroy(snapshot);
}

static void free_while_shutting_down(const struct tracer_listener *listener, int slice)
{
	uint64_t now_ns = clock_monotonic_ns();
	if (slice != 0)
		return;
	for (raddr block = 0x1000; block <= 0x4000; block += 0x1000)
		assert(stop_at(listener, THREAD_IN_PYTHON, &c_realloc, block));
	listener->on_free(listener->context, 0x1000, now_ns);
	script.is_finalizing = true;
	listener->on_free(listener->context, 0x2000, now_ns);
	listener->on_free(listener->context, 0x3000, now_ns + 1);
	listener->on_free(listener->context, 0x4000, now_ns + 2);
}

static void test_what_was_kept_until_the_shutdown_stays_live(void **state)
{
	(void)state;
	struct error err;
	struct snapshot *snapshot;
	script.on_slice = free_while_shutting_down;
	struct session *session = begin(false);
	wait_for_slices(2);
	assert_true(session_stop(session, &err));
	assert_true(session_snapshot(session, &snapshot, &err));
	assert_true(snapshot->total.live_bytes.value == 200);
	snapshot_destroy(snapshot);
	session_destroy(session);
}

static void realloc_in_the_c_allocator(const struct tracer_listener *listener, int slice)
{
	if (slice != 0)
		return;
	assert(!stop_at(listener, THREAD_IN_PYTHON, &pymalloc_realloc, 0x2000));
	assert(stop_at(listener, THREAD_IN_PYTHON, &pymalloc_realloc, 0x100000));
	assert(stop_at(listener, THREAD_IN_PYTHON, &c_realloc, 0x2000));
}

static void test_a_block_that_stays_in_the_c_allocator_counts_once(void **state)
{
	(void)state;
	struct error err;
	struct snapshot *snapshot;
	script.on_slice = realloc_in_the_c_allocator;
	struct session *session = begin(false);
	wait_for_slices(2);
	assert_true(session_stop(session, &err));
	assert_true(session_snapshot(session, &snapshot, &err));
	assert_int_equal(snapshot->capture.samples, 2);
	snapshot_destroy(snapshot);
	session_destroy(session);
}

static void sample_without_frames(const struct tracer_listener *listener, int slice)
{
	if (slice != 0)
		return;
	assert(stop_at(listener, THREAD_NATIVE, &c_realloc, 0x2000));
	assert(stop_at(listener, THREAD_NATIVE, &c_realloc, 0x3000));
	assert(stop_at(listener, THREAD_GARBAGE, &c_realloc, 0x4000));
}

static void test_stacks_without_python_frames_have_a_name(void **state)
{
	(void)state;
	struct error err;
	struct snapshot *snapshot;
	script.on_slice = sample_without_frames;
	struct session *session = begin(false);
	wait_for_slices(2);
	assert_true(session_stop(session, &err));
	assert_true(session_snapshot(session, &snapshot, &err));
	assert_int_equal(snapshot->site_count, 2);
	assert_string_equal(snapshot->sites[0].frame->function, "[native thread MainThread]");
	assert_true(snapshot->sites[0].figures.live_bytes.value == 200);
	assert_string_equal(snapshot->sites[1].frame->function, "[unreadable stack]");
	snapshot_destroy(snapshot);
	session_destroy(session);
}

static void test_it_is_known_when_there_is_more_code_than_is_told_apart(void **state)
{
	(void)state;
	struct error err;
	for (int is_crowded = 0; is_crowded <= 1; is_crowded++) {
		script.is_crowded = is_crowded;
		struct session *session = begin(false);
		wait_for_slices(2);
		assert_true(session_stop(session, &err));
		assert_int_equal(session_is_crowded(session), is_crowded);
		session_destroy(session);
	}
}

/* More than the queue takes, all at once, while nobody reads it. Blocks that were refused are not
 * followed: nobody hears of their frees. */
enum { FLOOD = 1000000 };
static int accepted;

static void contradict(const struct tracer_listener *listener, int slice)
{
	(void)slice;
	for (raddr i = 0; i < 20; i++)
		stop_at(listener, THREAD_GARBAGE, &pymalloc_malloc, FIRST_ARENA_BLOCK + 16 * i);
}

static void test_stops_that_contradict_the_layout_end_the_session(void **state)
{
	(void)state;
	struct error err;
	script.on_slice = contradict;
	struct session *session = begin(false);
	wait_for(session, SESSION_ENDED);
	assert_false(session_stop(session, &err));
	assert_int_equal(err.kind, ERROR_UNSUPPORTED);
	assert_non_null(strstr(err.context, "not laid out"));
	assert_int_equal(script.lifted, 1);
	session_destroy(session);
}

static void agree_once_then_contradict(const struct tracer_listener *listener, int slice)
{
	if (slice == 0) {
		stop_at(listener, THREAD_GARBAGE, &pymalloc_malloc, FIRST_ARENA_BLOCK);
		stop_at(listener, THREAD_IN_PYTHON, &pymalloc_malloc, FIRST_ARENA_BLOCK + 16);
	}
	contradict(listener, slice);
}

static void test_one_stop_that_is_as_it_must_be_is_enough(void **state)
{
	(void)state;
	struct error err;
	script.on_slice = agree_once_then_contradict;
	struct session *session = begin(false);
	wait_for_slices(3);
	assert_true(session_stop(session, &err));
	session_destroy(session);
}

static void flood(const struct tracer_listener *listener, int slice)
{
	static bool is_followed[FLOOD];
	if (slice != 0)
		return;
	for (raddr i = 0; i < FLOOD; i++) {
		is_followed[i] = stop_at(listener, THREAD_IN_PYTHON, &c_realloc, 16 * (i + 1));
		accepted += is_followed[i];
	}
	for (raddr i = 0; i < FLOOD; i++) {
		if (is_followed[i])
			listener->on_free(listener->context, 16 * (i + 1), clock_monotonic_ns());
	}
}

static void test_a_full_queue_refuses_samples_but_loses_no_free(void **state)
{
	(void)state;
	struct error err;
	struct snapshot *snapshot;
	script.on_slice = flood;
	accepted = 0;
	struct session *session = begin(false);
	wait_for_slices(2);
	assert_true(session_stop(session, &err));
	assert_true(session_snapshot(session, &snapshot, &err));
	assert_in_range(accepted, 100000, FLOOD - 1);
	assert_int_equal(snapshot->capture.samples, accepted);
	assert_int_equal(snapshot->capture.dropped, 3 + FLOOD - accepted);
	assert_true(snapshot->total.live_bytes.value == 0);
	snapshot_destroy(snapshot);
	session_destroy(session);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRIPTED(test_samples_and_frees_reach_the_snapshot),
		SCRIPTED(test_what_was_kept_until_the_shutdown_stays_live),
		SCRIPTED(test_a_block_that_stays_in_the_c_allocator_counts_once),
		SCRIPTED(test_stacks_without_python_frames_have_a_name),
		SCRIPTED(test_it_is_known_when_there_is_more_code_than_is_told_apart),
		SCRIPTED(test_stops_that_contradict_the_layout_end_the_session),
		SCRIPTED(test_one_stop_that_is_as_it_must_be_is_enough),
		SCRIPTED(test_a_full_queue_refuses_samples_but_loses_no_free),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
