/* SPDX-License-Identifier: MIT */
/* The second kind of stop (an int3 under ptrace) against a real process, as test_tracer.c. */
#include "tracer/tracer.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tests/unit/tracer/traced_target.h"
#include "tracer/process.h"

static bool handles_sigtrap(int pid)
{
	struct process_signals signals;
	struct error err = { 0 };
	assert_true(process_read_signals(pid, pid, &signals, &err));
	return signals.caught >> (SIGTRAP - 1) & 1;
}

static int tracer_of(int pid)
{
	struct process process;
	struct error err = { 0 };
	assert_true(process_read(pid, &process, &err));
	return process.tracer_pid;
}

static void check_left_as_it_was(const struct target *target)
{
	assert_false(handles_sigtrap(target->pid));
	assert_int_equal(tracer_of(target->pid), 0);
}

static void check_count(struct target *target, const char *command, size_t size, size_t count)
{
	check_exact_count(target, command, size, count);
	check_left_as_it_was(target);
}

static void test_every_block_counts_once(void **state)
{
	(void)state;
	struct target target;
	start_target(&target, NULL, "0");
	check_count(&target, "keep 500 777", 777, 2000);
	check_count(&target, "keep 500 24", 24, 2000);
	end_target(&target);
}

/* A thread is traced from its first instruction on. */
static void test_threads_that_are_born_are_seen(void **state)
{
	(void)state;
	struct target target;
	start_target(&target, NULL, "2");
	for (int i = 0; i < 3; i++)
		check_count(&target, "born 200 7777", 7777, 200);
	end_target(&target);
}

/* Many signals to threads that are traced all the time: each arrives, none is left waiting. */
static void test_signals_arrive(void **state)
{
	(void)state;
	struct target target;
	start_target(&target, NULL, "4");
	send_command(&target, "timer 1000");
	await_answer(&target, "done");
	check_count(&target, "keep 500 7777", 7777, 2000);
	end_target(&target);
}

/* To one thread: of a signal to the whole process, a thread may be woken for which another takes
 * it.
 */
static void send_ignored_signal(const struct target *target)
{
	assert_int_equal(syscall(SYS_tgkill, target->pid, target->pid, SIGWINCH), 0);
}

/* The target dies of the first EINTR that it sees. SIGWINCH is ignored by default, and so no reason
 * for one. */
static void test_no_wait_is_interrupted(void **state)
{
	(void)state;
	struct target target;
	static struct tally tally;
	struct tracer_listener listener = listener_of(&tally);
	start_program(&target, BUILD_DIR "/fixtures/waits", NULL, "60", NULL);
	for (int i = 0; i < 20; i++) {
		struct tracer *tracer = plant(target.pid, &listener, 65536);
		send_ignored_signal(&target);
		serve(tracer, 20 * NS_PER_MS);
		send_ignored_signal(&target);
		serve(tracer, 5 * NS_PER_MS);
		lift(tracer);
	}
	end_target(&target);
}

static void test_killed_tracer_harms_nothing(void **state)
{
	(void)state;
	struct target target;
	static struct tally tally;
	struct tracer_listener listener = listener_of(&tally);
	start_target(&target, NULL, "8");
	for (useconds_t i = 0; i < 60; i++)
		plant_and_be_killed(target.pid, i * 1000);
	lift(plant(target.pid, &listener, 65536));
	check_left_as_it_was(&target);
	end_target(&target);
}

/* What a killed tracer leaves is found by one that parks, too. */
static void test_recovery_puts_the_action_back(void **state)
{
	(void)state;
	struct target target;
	struct tracer *tracer;
	struct error err = { 0 };
	bool found = false;
	start_target(&target, NULL, "2");
	serve_and_be_killed(target.pid);
	assert_true(handles_sigtrap(target.pid));
	assert_true(tracer_open_to_undo(target.pid, &tracer, &err));
	for (int i = 0; i < 50 && !tracer_recover(tracer, &found, &err); i++)
		assert_int_equal(err.kind, ERROR_TIMEOUT);
	assert_true(found);
	tracer_close(tracer);
	check_left_as_it_was(&target);
	end_target(&target);
}

static void check_refused(struct target *target, const char *why)
{
	static struct tally tally;
	struct tracer_listener listener = listener_of(&tally);
	struct tracer *tracer;
	struct error err = { 0 };
	assert_false(try_to_plant(target->pid, &listener, 1, &tracer, &err));
	assert_int_equal(err.kind, ERROR_UNSUPPORTED);
	if (!strstr(err.context, why))
		fail_msg("%s", err.context);
	tracer_close(tracer);
	end_target(target);
}

static void test_target_that_uses_sigtrap_is_refused(void **state)
{
	(void)state;
	struct target target;
	start_program(&target, BUILD_DIR "/fixtures/alloc_target", NULL, "2", "sigtrap");
	check_refused(&target, "blocks SIGTRAP");

	start_target(&target, NULL, "2");
	send_command(&target, "handle");
	await_answer(&target, "done");
	check_refused(&target, "handles or ignores SIGTRAP");
}

/* Neither a thread that blocks SIGTRAP, nor a process whose action is not ours any more, is ever
 * sent into a trap: its samples are lost, and nothing else. */
static void check_not_trapped(const char *command)
{
	struct target target;
	static struct tally tally;
	struct tracer_listener listener = listener_of(&tally);
	struct tracer_stats stats;
	start_target(&target, NULL, "0");
	tally = (struct tally){ .size_bytes = 7777 };
	struct tracer *tracer = plant(target.pid, &listener, 1);
	send_command(&target, command);
	serve_until_answer(tracer, &target);
	send_command(&target, "keep 100 7777");
	serve_until_answer(tracer, &target);
	tracer_stats(tracer, &stats);
	assert_int_equal(tally.stops, 0);
	assert_true(stats.lost >= 400);
	lift(tracer);
	end_target(&target);
}

static void test_no_thread_is_trapped_that_it_could_end(void **state)
{
	(void)state;
	check_not_trapped("block");
	check_not_trapped("handle");
}

static void check_ended_by_sigtrap(struct target *target)
{
	int status;
	assert_int_equal(waitpid(target->pid, &status, 0), target->pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTRAP);
	fclose(target->commands);
	fclose(target->answers);
}

/* A SIGTRAP that is not ours does what it always did. */
static void test_foreign_trap_ends_the_target_as_ever(void **state)
{
	(void)state;
	struct target target;
	static struct tally tally;
	struct tracer_listener listener = listener_of(&tally);
	struct error err = { 0 };
	start_target(&target, NULL, "2");
	struct tracer *tracer = plant(target.pid, &listener, 65536);
	kill(target.pid, SIGTRAP);
	uint64_t deadline = clock_monotonic_ns() + 10 * NS_PER_SECOND;
	while (tracer_serve(tracer, 10 * NS_PER_MS, &err))
		assert_true(clock_monotonic_ns() < deadline);
	assert_int_equal(err.kind, ERROR_NO_PROCESS);
	assert_true(tracer_lift(tracer, &err));
	tracer_close(tracer);
	check_ended_by_sigtrap(&target);

	start_target(&target, NULL, "2");
	serve_and_be_killed(target.pid);
	kill(target.pid, SIGTRAP);
	check_ended_by_sigtrap(&target);
}

static char state_of(int pid)
{
	struct process process;
	struct error err = { 0 };
	assert_true(process_read(pid, &process, &err));
	return process.state;
}

/* Ctrl-Z works as without us. */
static void test_stopped_target_stays_stopped_until_continued(void **state)
{
	(void)state;
	struct target target;
	static struct tally tally;
	struct tracer_listener listener = listener_of(&tally);
	start_target(&target, NULL, "2");
	tally = (struct tally){ .size_bytes = 1 };
	struct tracer *tracer = plant(target.pid, &listener, 65536);
	kill(target.pid, SIGSTOP);
	serve(tracer, 200 * NS_PER_MS);
	size_t seen = tally.others;
	serve(tracer, 300 * NS_PER_MS);
	assert_int_equal(tally.others, seen);
	assert_true(strchr("Tt", state_of(target.pid)) != NULL);

	kill(target.pid, SIGCONT);
	for (int i = 0; i < 1000 && tally.others == seen; i++)
		serve(tracer, 10 * NS_PER_MS);
	assert_true(tally.others > seen);
	lift(tracer);
	check_left_as_it_was(&target);
	end_target(&target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_block_counts_once),
		cmocka_unit_test(test_threads_that_are_born_are_seen),
		cmocka_unit_test(test_signals_arrive),
		cmocka_unit_test(test_no_wait_is_interrupted),
		cmocka_unit_test(test_killed_tracer_harms_nothing),
		cmocka_unit_test(test_recovery_puts_the_action_back),
		cmocka_unit_test(test_target_that_uses_sigtrap_is_refused),
		cmocka_unit_test(test_no_thread_is_trapped_that_it_could_end),
		cmocka_unit_test(test_foreign_trap_ends_the_target_as_ever),
		cmocka_unit_test(test_stopped_target_stays_stopped_until_continued),
	};
	stop_kind = TRACER_STOP_TRAP;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
