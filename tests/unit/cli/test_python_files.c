/* SPDX-License-Identifier: MIT */
#include "cli/python_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "cli/python_processes.h"

/* The paths of the candidates among these maps, with blanks between. */
static const char *candidates(const char *text, const char *executable)
{
	static char names[256];
	const struct mapping *found[4];
	OWNED_MAPS struct maps maps = { 0 };
	struct error err;
	assert_true(maps_parse(text, strlen(text), &maps, &err));
	size_t count = python_files_candidates(&maps, executable, found, ARRAY_LEN(found));

	*names = '\0';
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(found[i]->file_offset, 0);
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", i ? " " : "",
			 found[i]->path);
	}
	return names;
}

#define FILE_AT(place, inode, path)                                                          \
	place "000-" place "100 r--p 00000000 08:01 " inode " " path "\n" place "100-" place \
	      "200 r-xp 00001000 08:01 " inode " " path "\n"
#define DATA_AT(place, inode, path) \
	place "000-" place "100 r--p 00000000 08:01 " inode " " path "\n"

static void test_programs_called_python_are_candidates(void **state)
{
	(void)state;
	assert_string_equal(candidates(FILE_AT("10", "7", "/usr/bin/python3.11")
					       FILE_AT("20", "8", "/usr/lib/libc.so.6"),
				       "/usr/bin/python3.11"),
			    "/usr/bin/python3.11");
}

static void test_libpython_in_any_program_comes_before_the_program(void **state)
{
	(void)state;
	assert_string_equal(candidates(FILE_AT("10", "7", "/usr/bin/uwsgi-core")
					       FILE_AT("20", "8", "/usr/lib/libpython3.11.so.1.0"),
				       "/usr/bin/uwsgi-core"),
			    "/usr/lib/libpython3.11.so.1.0 /usr/bin/uwsgi-core");
	assert_string_equal(candidates(FILE_AT("10", "7", "/a/server (deleted)")
					       FILE_AT("20", "8", "/b/libpython3.8.so (deleted)"),
				       "/a/server (deleted)"),
			    "/b/libpython3.8.so (deleted) /a/server (deleted)");
}

static void test_files_that_are_only_read_are_no_candidates(void **state)
{
	(void)state;
	assert_string_equal(candidates(FILE_AT("10", "7", "/usr/bin/gdb")
					       DATA_AT("20", "8", "/usr/lib/libpython3.11.so.1.0")
						       DATA_AT("30", "9", "/usr/bin/python3"),
				       "/usr/bin/gdb"),
			    "/usr/bin/gdb");
}

static void test_other_names_are_no_candidates(void **state)
{
	(void)state;
	assert_string_equal(candidates(FILE_AT("10", "7", "/usr/bin/pythonista")
					       FILE_AT("20", "8", "/usr/lib/libpython_helper.so")
						       FILE_AT("30", "9", "/opt/python3/lib.so"),
				       NULL),
			    "");
	assert_string_equal(candidates("", "/usr/bin/python3"), "");
}

static void test_no_more_candidates_than_there_is_room_for(void **state)
{
	(void)state;
	assert_string_equal(
		candidates(FILE_AT("10", "1", "/1/python") FILE_AT("20", "2", "/2/python")
				   FILE_AT("30", "3", "/3/python") FILE_AT("40", "4", "/4/python")
					   FILE_AT("50", "5", "/5/python"),
			   "/5/python"),
		"/1/python /2/python /3/python /4/python");
}

static void test_names_of_programs_tell_python_from_the_rest(void **state)
{
	(void)state;
	static const char *const yes[] = { "python", "python3", "python3.11",
					   "/usr/bin/python3-dbg", "python2.7" };
	static const char *const no[] = {
		"", "/", "pythonista", "python_server", "ipython", "/opt/python3/bin/ruby", "Python"
	};
	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		assert_true(python_files_is_program(yes[i]));
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		assert_false(python_files_is_program(no[i]));
	assert_true(python_files_is_named("/usr/lib/libpython3.11.so.1.0"));
	assert_false(python_files_is_program("/usr/lib/libpython3.11.so.1.0"));
}

static void test_reasons_do_not_repeat_the_pid(void **state)
{
	(void)state;
	assert_string_equal(python_processes_reason("process 12 is stopped", 12), "is stopped");
	assert_string_equal(python_processes_reason("process 123 is stopped", 12),
			    "process 123 is stopped");
	assert_string_equal(python_processes_reason("kernel says no to process 12", 12),
			    "kernel says no to process 12");
}

static void test_every_file_is_looked_at_once(void **state)
{
	(void)state;
	OWNED(python_files_deinit) struct python_files files = { 0 };
	OWNED_MAPS struct maps maps = { 0 };
	struct error err;
	assert_true(maps_read(getpid(), &maps, &err));
	const struct mapping *own = maps.list;
	while (!strstr(own->path, "/test_python_files"))
		own++;
	const struct python_file *first, *second;
	assert_int_equal(own->file_offset, 0);
	assert_true(python_files_look(&files, getpid(), own, &first, &err));
	assert_false(first->is_python);
	assert_true(python_files_look(&files, getpid(), own, &second, &err));
	assert_ptr_equal(first, second);
	assert_int_equal(files.len, 1);
}

static void test_this_program_is_not_in_the_list(void **state)
{
	(void)state;
	OWNED(python_processes_deinit) struct python_processes processes = { 0 };
	struct error err;
	assert_true(python_processes_find(&processes, &err));
	for (size_t i = 0; i < processes.len; i++) {
		assert_int_not_equal(processes.list[i].pid, getpid());
		if (i > 0)
			assert_true(processes.list[i - 1].rss_bytes >= processes.list[i].rss_bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_programs_called_python_are_candidates),
		cmocka_unit_test(test_libpython_in_any_program_comes_before_the_program),
		cmocka_unit_test(test_files_that_are_only_read_are_no_candidates),
		cmocka_unit_test(test_other_names_are_no_candidates),
		cmocka_unit_test(test_no_more_candidates_than_there_is_room_for),
		cmocka_unit_test(test_names_of_programs_tell_python_from_the_rest),
		cmocka_unit_test(test_reasons_do_not_repeat_the_pid),
		cmocka_unit_test(test_every_file_is_looked_at_once),
		cmocka_unit_test(test_this_program_is_not_in_the_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
