/* SPDX-License-Identifier: MIT */
#include "tracer/turn.h"

#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A child that lives in new namespaces of these kinds (unshare(2)), takes its turn with `target`,
 * and keeps it until it is killed, or this program ends. */
static pid_t start_rival(pid_t target, int namespaces)
{
	int ready[2];
	char byte;
	assert_int_equal(pipe(ready), 0);
	pid_t rival = fork();
	if (rival == 0) {
		struct error err;
		int turn;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		bool has_turn = unshare(namespaces) == 0 && turn_take(target, &turn, &err);
		while (has_turn && write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return rival;
}

static void end_rival(pid_t rival)
{
	kill(rival, SIGKILL);
	assert_int_equal(waitpid(rival, NULL, 0), rival);
}

static void test_a_turn_is_had_by_one_at_a_time(void **state)
{
	(void)state;
	struct error err;
	int first = -1, second = -1;
	assert_true(turn_take(getpid(), &first, &err));
	assert_true(first >= 0);
	assert_false(turn_take(getpid(), &second, &err));
	assert_int_equal(err.kind, ERROR_TIMEOUT);
	assert_int_equal(second, -1);
	close(first);
	assert_true(turn_take(getpid(), &second, &err));
	close(second);
}

static void test_a_turn_with_one_process_is_none_with_another(void **state)
{
	(void)state;
	struct error err;
	int turn = -1;
	pid_t rival = start_rival(getppid(), 0);
	assert_true(turn_take(getpid(), &turn, &err));
	close(turn);
	end_rival(rival);
}

/* As filtrace on a host and filtrace in a container do. */
static void test_a_turn_is_one_for_rivals_in_all_namespaces(void **state)
{
	(void)state;
	struct error err;
	int turn = -1;
	if (geteuid() != 0)
		skip();
	pid_t rival = start_rival(getpid(), CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC);
	assert_false(turn_take(getpid(), &turn, &err));
	assert_int_equal(err.kind, ERROR_TIMEOUT);
	end_rival(rival);
}

static void test_a_killed_one_has_its_turn_no_longer(void **state)
{
	(void)state;
	struct error err;
	int turn = -1;
	end_rival(start_rival(getpid(), 0));
	assert_true(turn_take(getpid(), &turn, &err));
	close(turn);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_turn_is_had_by_one_at_a_time),
		cmocka_unit_test(test_a_turn_with_one_process_is_none_with_another),
		cmocka_unit_test(test_a_turn_is_one_for_rivals_in_all_namespaces),
		cmocka_unit_test(test_a_killed_one_has_its_turn_no_longer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
