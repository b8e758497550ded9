/* SPDX-License-Identifier: MIT */
#include "cli/source_line.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"

/* The tests read through the root and the working directory of this very process. */

static char directory[PATH_MAX];

static void write_file(const char *name, const char *text)
{
	OWNED_FILE FILE *file = fopen(name, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
}

static int set_up(void **state)
{
	(void)state;
	char made[] = "/tmp/source_line.XXXXXX";
	if (!mkdtemp(made) || chdir(made) != 0 || !getcwd(directory, sizeof(directory)))
		return -1;
	write_file("app.py", "first\n\tsecond = 2  \r\n\n    last without end");
	return symlink("/dev/zero", "device.py") || symlink("app.py", "link.py") ||
	       symlink("../../../../../../etc/hostname", "out.py") || mkfifo("fifo.py", 0600) ||
	       mkdir("folder.py", 0700);
}

static int tear_down(void **state)
{
	(void)state;
	static const char *const names[] = { "app.py", "device.py", "link.py",
					     "out.py", "fifo.py",   "large.py" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unlink(names[i]);
	rmdir("folder.py");
	return chdir("/") || rmdir(directory);
}

static void assert_line(const char *file, int line, const char *expected)
{
	char text[64] = "untouched";
	assert_true(source_line_read(getpid(), file, line, text, sizeof(text)));
	assert_string_equal(text, expected);
}

static void assert_none(const char *file, int line)
{
	char text[64] = "untouched";
	assert_false(source_line_read(getpid(), file, line, text, sizeof(text)));
	assert_string_equal(text, "untouched");
}

static void test_line_comes_without_indentation_and_ending(void **state)
{
	(void)state;
	char absolute[PATH_MAX + 16];
	snprintf(absolute, sizeof(absolute), "%s/app.py", directory);
	assert_line("app.py", 1, "first");
	assert_line(absolute, 2, "second = 2  ");
	assert_line("link.py", 3, "");
	assert_line("app.py", 4, "last without end");
}

static void test_what_is_not_there_is_not_read(void **state)
{
	(void)state;
	static const struct {
		const char *file;
		int line;
	} cases[] = { { "app.py", 5 },	     { "app.py", INT_MAX }, { "app.py", 0 },
		      { "app.py", -1 },	     { "missing.py", 1 },   { "", 1 },
		      { "<frozen abc>", 1 }, { "app.py/", 1 } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_none(cases[i].file, cases[i].line);
}

static void test_only_regular_files_are_opened(void **state)
{
	(void)state;
	static const char *const names[] = { "device.py", "fifo.py", "folder.py", "/dev/zero",
					     "/proc/self/fd/0" };
	alarm(20); /* opening a pipe would wait for its other end */
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_none(names[i], 1);
	alarm(0);
}

static void test_relative_names_cannot_leave_the_directory(void **state)
{
	(void)state;
	assert_none("out.py", 1);
	assert_none("../../../../../../../etc/hostname", 1);
}

static void test_long_line_is_cut_and_a_far_one_not_read(void **state)
{
	(void)state;
	enum { LARGE = (4 << 20) + 100 };
	OWNED_FREE char *large = malloc(LARGE + 1);
	assert_non_null(large);
	memset(large, 'x', LARGE);
	large[LARGE] = '\0';
	large[LARGE - 10] = '\n';
	write_file("large.py", large);
	char text[64];
	assert_true(source_line_read(getpid(), "large.py", 1, text, sizeof(text)));
	assert_int_equal(strlen(text), sizeof(text) - 1);
	assert_none("large.py", 2);
}

static void test_process_that_is_gone_has_no_source(void **state)
{
	(void)state;
	char text[8];
	assert_false(source_line_read(INT_MAX, "/etc/hostname", 1, text, sizeof(text)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line_comes_without_indentation_and_ending),
		cmocka_unit_test(test_what_is_not_there_is_not_read),
		cmocka_unit_test(test_only_regular_files_are_opened),
		cmocka_unit_test(test_relative_names_cannot_leave_the_directory),
		cmocka_unit_test(test_long_line_is_cut_and_a_far_one_not_read),
		cmocka_unit_test(test_process_that_is_gone_has_no_source),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
