/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <signal.h>

#include "cli/exit_code.h"

static void test_every_kind_of_error_has_the_code_of_the_contract(void **state)
{
	(void)state;
	assert_int_equal(exit_code_of_error(ERROR_USAGE), 2);
	assert_int_equal(exit_code_of_error(ERROR_NOT_PERMITTED), 3);
	assert_int_equal(exit_code_of_error(ERROR_NO_PROCESS), 4);
	assert_int_equal(exit_code_of_error(ERROR_UNSUPPORTED), 5);
	assert_int_equal(exit_code_of_error(ERROR_READ), 5);
	assert_int_equal(exit_code_of_error(ERROR_FORMAT), 5);
	assert_int_equal(exit_code_of_error(ERROR_NO_DATA), 6);
	assert_int_equal(exit_code_of_error(ERROR_UNSAFE), 7);
	assert_int_equal(exit_code_of_error(ERROR_TIMEOUT), 7);
	assert_int_equal(exit_code_of_error(ERROR_FILE), 8);
	assert_int_equal(exit_code_of_error(ERROR_INTERNAL), 70);
	assert_int_equal(exit_code_of_error(ERROR_NO_MEMORY), 70);
	assert_int_equal(exit_code_of_error((enum error_kind)99), 70);
}

static int exited(int status)
{
	return status << 8;
}

static void test_the_status_of_the_command_wins(void **state)
{
	(void)state;
	assert_int_equal(exit_code_with_child(exited(0), EXIT_DONE), 0);
	assert_int_equal(exit_code_with_child(exited(3), EXIT_DONE), 3);
	assert_int_equal(exit_code_with_child(exited(3), EXIT_LEAK), 3);
	assert_int_equal(exit_code_with_child(exited(127), EXIT_NO_PROCESS), 127);
	assert_int_equal(exit_code_with_child(SIGKILL, EXIT_DONE), 128 + SIGKILL);
	assert_int_equal(exit_code_with_child(SIGSEGV | 0x80, EXIT_DONE), 128 + SIGSEGV);
}

static void test_a_verdict_is_told_but_a_failure_becomes_125(void **state)
{
	(void)state;
	assert_int_equal(exit_code_with_child(exited(0), EXIT_LEAK), 1);
	assert_int_equal(exit_code_with_child(exited(0), EXIT_INCONCLUSIVE), 6);
	assert_int_equal(exit_code_with_child(exited(0), EXIT_WRONG_USAGE), 125);
	assert_int_equal(exit_code_with_child(exited(0), EXIT_NOT_PERMITTED), 125);
	assert_int_equal(exit_code_with_child(exited(0), EXIT_UNSUPPORTED), 125);
	assert_int_equal(exit_code_with_child(exited(0), EXIT_BAD_FILE), 125);
	assert_int_equal(exit_code_with_child(exited(0), EXIT_INTERNAL_ERROR), 125);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kind_of_error_has_the_code_of_the_contract),
		cmocka_unit_test(test_the_status_of_the_command_wins),
		cmocka_unit_test(test_a_verdict_is_told_but_a_failure_becomes_125),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
