/* SPDX-License-Identifier: MIT */
/* The life of a session, above all that a target is released on every way out. */
#include "cli/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/cli/scripted_session.h"

static void test_a_session_is_released_when_stopped(void **state)
{
	(void)state;
	struct error err;
	struct session *session = begin(false);
	wait_for(session, SESSION_TRACING);
	assert_string_equal(session_python(session), "3.11.7");
	assert_int_equal(script.lifted, 0);
	assert_true(session_stop(session, &err));
	assert_int_equal(script.lifted, 1);
	assert_int_equal(session_state(session), SESSION_ENDED);
	assert_false(session_has_exited(session));
	assert_true(session_stop(session, &err));
	session_destroy(session);
	assert_int_equal(script.lifted, 1);
}

static void test_a_session_is_released_when_destroyed(void **state)
{
	(void)state;
	struct session *session = begin(false);
	wait_for(session, SESSION_TRACING);
	session_destroy(session);
	assert_int_equal(script.lifted, 1);
	session_destroy(begin(false));
	session_destroy(NULL);
}

static void test_the_end_of_the_target_is_no_failure(void **state)
{
	(void)state;
	struct error err;
	script.good_slices = 3;
	script.serve_error = ERROR_NO_PROCESS;
	struct session *session = begin(false);
	wait_for(session, SESSION_ENDED);
	assert_true(session_has_exited(session));
	assert_int_equal(script.lifted, 1);
	assert_true(session_stop(session, &err));

	struct snapshot *snapshot;
	assert_true(session_snapshot(session, &snapshot, &err));
	assert_true(snapshot->target.has_exited);
	snapshot_destroy(snapshot);
	session_destroy(session);
}

static void test_a_failure_while_tracing_releases_and_keeps_the_data(void **state)
{
	(void)state;
	struct error err;
	script.good_slices = 3;
	script.serve_error = ERROR_UNSAFE;
	struct session *session = begin(false);
	wait_for(session, SESSION_ENDED);
	assert_int_equal(script.lifted, 1);
	assert_false(session_has_exited(session));
	assert_false(session_stop(session, &err));
	assert_int_equal(err.kind, ERROR_UNSAFE);
	assert_string_equal(err.context, "served no more");

	struct snapshot *snapshot;
	assert_true(session_snapshot(session, &snapshot, &err));
	snapshot_destroy(snapshot);
	session_destroy(session);
}

static void test_a_failure_to_lift_is_told(void **state)
{
	(void)state;
	struct error err;
	script.lift_fails = true;
	struct session *session = begin(false);
	wait_for(session, SESSION_TRACING);
	assert_false(session_stop(session, &err));
	assert_string_equal(err.context, "could not lift");
	assert_false(session_is_released(session));
	assert_false(session_has_exited(session));
	session_destroy(session);
}

static void test_a_failure_to_lift_after_another_failure_is_told_too(void **state)
{
	(void)state;
	struct error err;
	script.lift_fails = true;
	script.serve_error = ERROR_UNSAFE;
	struct session *session = begin(false);
	wait_for(session, SESSION_ENDED);
	assert_false(session_stop(session, &err));
	assert_int_equal(err.kind, ERROR_UNSAFE);
	assert_string_equal(err.context, "and detaching failed (could not lift): served no more");
	assert_false(session_is_released(session));
	session_destroy(session);
}

static void test_figures_of_the_target_are_bounded_by_what_is_possible(void **state)
{
	(void)state;
	struct error err;
	struct snapshot *snapshot;
	struct tracer_stats stats;
	script.told = (struct tracer_stats){ .stopped_seconds = 1e9,
					     .p99_stop_seconds = 1e9,
					     .longest_stop_seconds = 1e9,
					     .stop_counts = { [3] = 7, [15] = 1 } };
	struct session *session = begin(false);
	wait_for(session, SESSION_TRACING);
	wait_for_slices(3);
	assert_true(session_stop(session, &err));
	assert_true(session_snapshot(session, &snapshot, &err));
	session_stats(session, &stats);
	assert_true(snapshot->capture.longest_stop_seconds == snapshot->capture.seconds);
	assert_true(snapshot->capture.stopped_seconds < 1e6);
	assert_true(stats.p99_stop_seconds == snapshot->capture.seconds);
	assert_true(stats.stopped_seconds == snapshot->capture.stopped_seconds);
	assert_true(snapshot->capture.stop_counts[3] == 7);
	assert_true(snapshot->capture.stop_counts[15] == 1);
	snapshot_destroy(snapshot);
	session_destroy(session);
}

static void test_gates_in_the_targets_tables_are_cleared_before_and_after(void **state)
{
	(void)state;
	struct error err;
	script.gates_in_slots = 1;
	struct session *session = begin(false);
	wait_for(session, SESSION_TRACING);
	assert_int_equal(script.slots_cleared, 1);
	assert_int_equal(script.specs_made, 2);
	script.gates_in_slots = 1;
	assert_true(session_stop(session, &err));
	assert_true(session_is_released(session));
	assert_int_equal(script.slots_cleared, 2);
	assert_int_equal(script.gates_in_slots, 0);
	session_destroy(session);
}

static void test_a_failure_to_clean_up_is_told(void **state)
{
	(void)state;
	struct error err;
	script.clean_up_error = ERROR_READ;
	struct session *session = begin(false);
	wait_for(session, SESSION_TRACING);
	assert_false(session_stop(session, &err));
	assert_string_equal(err.context, "could not clean up");
	assert_false(session_is_released(session));
	assert_false(session_has_exited(session));
	session_destroy(session);
}

static void test_a_target_that_is_gone_when_it_is_cleaned_up_has_exited(void **state)
{
	(void)state;
	struct error err;
	script.clean_up_error = ERROR_NO_PROCESS;
	struct session *session = begin(false);
	wait_for(session, SESSION_TRACING);
	assert_false(session_stop(session, &err));
	assert_int_equal(err.kind, ERROR_NO_PROCESS);
	assert_true(session_has_exited(session));
	session_destroy(session);
}

static void test_there_is_nothing_to_clean_up_in_a_target_that_ends(void **state)
{
	(void)state;
	struct error err;
	script.clean_up_error = ERROR_READ;
	script.ends_in_clean_up = true;
	struct session *session = begin(false);
	wait_for(session, SESSION_TRACING);
	assert_true(session_stop(session, &err));
	assert_int_equal(script.slots_cleared, 2);
	session_destroy(session);
}

static void test_a_failure_to_plant_is_told_and_leaves_no_data(void **state)
{
	(void)state;
	struct error err;
	struct snapshot *snapshot;
	script.plant_fails = true;
	struct session *session = begin(false);
	wait_for(session, SESSION_ENDED);
	assert_false(session_was_traced(session));
	assert_false(session_stop(session, &err));
	assert_int_equal(err.kind, ERROR_UNSAFE);
	assert_false(session_snapshot(session, &snapshot, &err));
	assert_int_equal(err.kind, ERROR_NO_DATA);
	session_destroy(session);
}

static void test_a_runtime_that_is_not_initialised_is_waited_for(void **state)
{
	(void)state;
	script.failed_opens = 3;
	script.open_error = ERROR_TIMEOUT;
	struct session *session = begin(false);
	wait_for(session, SESSION_TRACING);
	assert_int_equal(script.opened, 4);
	session_destroy(session);
}

static void test_only_a_young_process_may_still_become_an_interpreter(void **state)
{
	(void)state;
	struct error err;
	script.failed_opens = 3;
	script.open_error = ERROR_UNSUPPORTED;
	struct session *session = begin(true);
	wait_for(session, SESSION_TRACING);
	assert_int_equal(script.opened, 4);
	session_destroy(session);

	int opened_before = script.opened;
	script.failed_opens += opened_before;
	session = begin(false);
	wait_for(session, SESSION_ENDED);
	assert_int_equal(script.opened, opened_before + 1);
	assert_false(session_stop(session, &err));
	assert_int_equal(err.kind, ERROR_UNSUPPORTED);
	session_destroy(session);
}

static void test_waiting_ends_when_told_to(void **state)
{
	(void)state;
	script.failed_opens = 1000000;
	script.open_error = ERROR_TIMEOUT;
	uint64_t start_ns = clock_monotonic_ns();
	session_destroy(begin(false));
	assert_true(clock_monotonic_ns() - start_ns < 5 * NS_PER_SECOND);
}

static void test_frames_live_as_long_as_the_session(void **state)
{
	(void)state;
	struct error err;
	struct session *session = begin(false);
	wait_for(session, SESSION_TRACING);
	assert_true(session_stop(session, &err));
	int closed_by_clean_up = script.frames_closed;
	assert_int_equal(closed_by_clean_up, 1);
	session_destroy(session);
	assert_int_equal(script.frames_closed, closed_by_clean_up + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRIPTED(test_a_session_is_released_when_stopped),
		SCRIPTED(test_a_session_is_released_when_destroyed),
		SCRIPTED(test_the_end_of_the_target_is_no_failure),
		SCRIPTED(test_a_failure_while_tracing_releases_and_keeps_the_data),
		SCRIPTED(test_a_failure_to_lift_is_told),
		SCRIPTED(test_a_failure_to_lift_after_another_failure_is_told_too),
		SCRIPTED(test_figures_of_the_target_are_bounded_by_what_is_possible),
		SCRIPTED(test_gates_in_the_targets_tables_are_cleared_before_and_after),
		SCRIPTED(test_a_failure_to_clean_up_is_told),
		SCRIPTED(test_a_target_that_is_gone_when_it_is_cleaned_up_has_exited),
		SCRIPTED(test_there_is_nothing_to_clean_up_in_a_target_that_ends),
		SCRIPTED(test_a_failure_to_plant_is_told_and_leaves_no_data),
		SCRIPTED(test_a_runtime_that_is_not_initialised_is_waited_for),
		SCRIPTED(test_only_a_young_process_may_still_become_an_interpreter),
		SCRIPTED(test_waiting_ends_when_told_to),
		SCRIPTED(test_frames_live_as_long_as_the_session),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
