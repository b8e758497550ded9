/* SPDX-License-Identifier: MIT */
#include "tracer/turn.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

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

static void test_a_killed_one_has_its_turn_no_longer(void **state)
{
	(void)state;
	struct error err;
	int ready[2], own = -1;
	char byte;
	assert_int_equal(pipe(ready), 0);
	pid_t target = getpid();
	pid_t rival = fork();
	if (rival == 0) {
		bool is_ok = turn_take(target, &own, &err) && write(ready[1], "", 1) == 1;
		while (is_ok)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_false(turn_take(target, &own, &err));
	kill(rival, SIGKILL);
	waitpid(rival, NULL, 0);
	assert_true(turn_take(target, &own, &err));
	close(own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_turn_is_had_by_one_at_a_time),
		cmocka_unit_test(test_a_killed_one_has_its_turn_no_longer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
