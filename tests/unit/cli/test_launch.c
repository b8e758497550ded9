/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "cli/launch.h"

static struct signals signals;

static int set_up(void **state)
{
	(void)state;
	struct error err;
	return signals_init(&signals, &err) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	signals_deinit(&signals);
	return 0;
}

static struct child start(char **command)
{
	struct child child;
	struct error err;
	assert_true(child_init(&child, command, &err));
	assert_true(child.pid > 0);
	return child;
}

static int status_of(char **command)
{
	struct error err;
	struct child child = start(command);
	assert_true(child_run(&child, command[0], &err));
	assert_true(child_wait(&child, &signals, &err));
	assert_true(child.has_ended);
	int status = child.wait_status;
	child_deinit(&child);
	return status;
}

static void test_the_status_of_the_command_is_told(void **state)
{
	(void)state;
	assert_int_equal(status_of((char *[]){ "true", NULL }), 0);
	assert_int_equal(WEXITSTATUS(status_of((char *[]){ "sh", "-c", "exit 3", NULL })), 3);
	int status = status_of((char *[]){ "sh", "-c", "kill -KILL $$", NULL });
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void test_a_command_that_cannot_run_has_126_or_127(void **state)
{
	(void)state;
	static const struct {
		char *command;
		int status;
	} cases[] = { { "/nonexistent/command", 127 }, { "/etc/passwd", 126 }, { "/tmp", 126 } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *command[] = { cases[i].command, NULL };
		struct child child = start(command);
		struct error err;
		assert_false(child_run(&child, command[0], &err));
		assert_int_equal(err.kind, ERROR_NO_PROCESS);
		assert_non_null(strstr(err.context, command[0]));
		assert_true(child.has_ended);
		assert_int_equal(WEXITSTATUS(child.wait_status), cases[i].status);
		child_deinit(&child);
	}
}

static void test_a_command_that_was_never_let_go_does_not_run(void **state)
{
	(void)state;
	char folder[] = "/tmp/filtrace-test-XXXXXX";
	assert_non_null(mkdtemp(folder));
	char file[64];
	snprintf(file, sizeof(file), "%s/touched", folder);
	char *command[] = { "touch", file, NULL };
	struct child child = start(command);
	int pid = child.pid;
	child_deinit(&child);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(access(file, F_OK), -1);
	rmdir(folder);
}

static void test_the_command_starts_with_ordinary_signals(void **state)
{
	(void)state;
	/* SigBlk and SigIgn of the child itself: nothing blocked, nothing ignored but signals 32
	 * and 33, which make leaves ignored for what it starts, and glibc takes in a program with
	 * threads, as the runner of these tests is. */
	char *command[] = { "sh", "-c",
			    "exec grep -cE "
			    "'^Sig(Blk|Ign):[[:space:]]*0+(180000000|100000000|80000000)?$' "
			    "/proc/self/status | grep -qx 2",
			    NULL };
	assert_int_equal(status_of(command), 0);
}

static void test_a_signal_that_a_process_sent_is_passed_on(void **state)
{
	(void)state;
	char *command[] = { "sleep", "60", NULL };
	struct error err;
	struct child child = start(command);
	assert_true(child_run(&child, command[0], &err));
	kill(getpid(), SIGTERM);
	assert_true(child_wait(&child, &signals, &err));
	assert_true(signals.is_stopping);
	assert_true(WIFSIGNALED(child.wait_status));
	assert_int_equal(WTERMSIG(child.wait_status), SIGTERM);
	child_deinit(&child);
}

static void test_signals_are_taken_and_told_apart(void **state)
{
	(void)state;
	assert_false(signals.is_stopping);
	kill(getpid(), SIGUSR1);
	signals_wait(&signals, -1, 5000);
	assert_true(signals.wants_write);
	assert_false(signals.is_stopping);
	assert_int_equal(signals.to_forward, 0);

	kill(getpid(), SIGTSTP);
	kill(getpid(), SIGINT);
	signals_wait(&signals, -1, 5000);
	assert_true(signals.is_stopping);
	assert_int_equal(signals.to_forward, SIGINT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define WITH_SIGNALS(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
		WITH_SIGNALS(test_the_status_of_the_command_is_told),
		WITH_SIGNALS(test_a_command_that_cannot_run_has_126_or_127),
		WITH_SIGNALS(test_a_command_that_was_never_let_go_does_not_run),
		WITH_SIGNALS(test_the_command_starts_with_ordinary_signals),
		WITH_SIGNALS(test_a_signal_that_a_process_sent_is_passed_on),
		WITH_SIGNALS(test_signals_are_taken_and_told_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
