/* SPDX-License-Identifier: MIT */
#include "tracer/world.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/tracer/traced_target.h"
#include "tracer/admission.h"
#include "tracer/process.h"

static bool pin(int tid, int cpu)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(tid, sizeof(set), &set) == 0;
}

static const struct sched_param first = { .sched_priority = 1 };

/* To keep others from a processor one must be able to run before them, and be on another oneself.
 */
static bool can_starve_others(void)
{
	return pin(0, 1) && sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first) == 0;
}

/* A child that does nothing but run, on processor 0, until it is killed or tired of it. */
static int start_spinner(void)
{
	int pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(10);
		pin(0, 0);
		for (;;)
			;
	}
	return pid;
}

/* A child that lets nobody else run on processor 0 for so long, from this call's return on. */
static int start_hog(uint64_t duration_ns)
{
	int running[2];
	char byte;
	assert_int_equal(pipe2(running, O_CLOEXEC), 0);
	int pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (!pin(0, 0) || sched_setscheduler(0, SCHED_FIFO, &first) ||
		    write(running[1], "r", 1) != 1)
			_exit(1);
		uint64_t end_ns = clock_monotonic_ns() + duration_ns;
		while (clock_monotonic_ns() < end_ns)
			;
		_exit(0);
	}
	close(running[1]);
	assert_int_equal(read(running[0], &byte, 1), 1);
	close(running[0]);
	return pid;
}

static int exit_status_of(int pid)
{
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

/* On a machine with much to do a thread gets no processor for a while: that is not the same as one
 * that is stuck in the kernel. */
static void test_thread_without_processor_is_waited_for(void **state)
{
	(void)state;
	struct world world;
	struct error err = { 0 };
	if (!can_starve_others())
		skip();

	int target = start_spinner();
	int hog = start_hog(400 * NS_PER_MS);
	if (!world_stop_one(target, &world, &err))
		fail_msg("%s", err.context);
	world_resume(&world);
	kill(target, SIGKILL);
	exit_status_of(target);
	assert_int_equal(exit_status_of(hog), 0);
}

/* Threads that could not be stopped in time are stopped later, and let go or taken over then,
 * however many they are. */
static void test_no_thread_is_lost_that_stops_late(void **state)
{
	(void)state;
	struct target target;
	struct world world;
	struct error err = { 0 };
	int *tids;
	size_t count;
	if (!can_starve_others())
		skip();

	start_target(&target, NULL, "80");
	assert_true(process_threads(target.pid, &tids, &count, &err));
	for (size_t i = 0; i < count; i++)
		assert_true(pin(tids[i], 0));
	free(tids);
	int hog = start_hog(700 * NS_PER_MS);
	assert_false(world_stop(target.pid, &world, &err));
	assert_int_equal(err.kind, ERROR_TIMEOUT);
	assert_true(admission_check(target.pid, &err)); /* nobody but us has stopped it */
	assert_int_equal(exit_status_of(hog), 0);

	bool is_stopped = false;
	for (int i = 0; i < 100 && !is_stopped; i++)
		is_stopped = world_stop(target.pid, &world, &err);
	if (!is_stopped)
		fail_msg("%s", err.context);
	assert_true(world.len == count);
	world_resume(&world);
	end_target(&target);
}

/* Under AddressSanitizer this tells, too, whether anything is left of the attempt. */
static void test_a_process_that_has_ended_has_no_thread_to_stop(void **state)
{
	(void)state;
	siginfo_t ended;
	struct world world = { .pid = 1 };
	struct error err = { 0 };
	int pid = fork();
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT), 0);
	assert_false(world_stop(pid, &world, &err));
	assert_int_equal(err.kind, ERROR_NO_PROCESS);
	assert_int_equal(world.pid, 1); /* untouched */
	assert_int_equal(exit_status_of(pid), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_thread_is_lost_that_stops_late),
		cmocka_unit_test(test_thread_without_processor_is_waited_for),
		cmocka_unit_test(test_a_process_that_has_ended_has_no_thread_to_stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
