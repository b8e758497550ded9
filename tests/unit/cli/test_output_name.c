/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/output_name.h"

static const struct output_facts facts = { .pid = 4121, .host = "web/1", .time = 1795348800 };

static void test_placeholders_are_expanded(void **state)
{
	(void)state;
	static const struct {
		const char *pattern;
		const char *name;
	} cases[] = {
		{ "plain", "plain" },	   { "a.%p.db", "a.4121.db" },
		{ "%h-%p", "web_1-4121" }, { "x%t", "x20261122T120000Z" },
		{ "100%%", "100%" },	   { "%p%p", "41214121" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err;
		char name[64];
		assert_true(output_name_expand(cases[i].pattern, &facts, name, sizeof(name), &err));
		assert_string_equal(name, cases[i].name);
	}
}

static void test_other_placeholders_and_long_names_are_refused(void **state)
{
	(void)state;
	struct error err;
	char name[16] = "kept";
	assert_false(output_name_expand("a%q", &facts, name, sizeof(name), &err));
	assert_int_equal(err.kind, ERROR_USAGE);
	assert_false(output_name_expand("a%", &facts, name, sizeof(name), &err));
	assert_int_equal(err.kind, ERROR_USAGE);
	assert_false(output_name_expand("0123456789abcdef", &facts, name, sizeof(name), &err));
	assert_int_equal(err.kind, ERROR_FILE);
	assert_string_equal(name, "kept");
	assert_true(output_name_expand("0123456789abcde", &facts, name, sizeof(name), &err));
}

static void test_a_file_that_cannot_be_written_is_told_early(void **state)
{
	(void)state;
	char folder[] = "/tmp/filtrace-test-XXXXXX";
	assert_non_null(mkdtemp(folder));
	char file[64], link[64], below[64], missing[64], fresh[64];
	snprintf(file, sizeof(file), "%s/file", folder);
	snprintf(link, sizeof(link), "%s/link", folder);
	snprintf(fresh, sizeof(fresh), "%s/fresh", folder);
	snprintf(below, sizeof(below), "%s/file/x", folder);
	snprintf(missing, sizeof(missing), "%s/missing/x", folder);
	close(open(file, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(symlink(file, link), 0);

	struct error err;
	assert_true(output_name_check(fresh, false, &err));
	assert_int_equal(access(fresh, F_OK), -1);
	assert_true(output_name_check(file, true, &err));
	const struct {
		const char *path;
		bool is_forced;
	} refused[] = { { file, false },  { link, false },    { link, true },
			{ folder, true }, { missing, false }, { below, false } };
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		assert_false(output_name_check(refused[i].path, refused[i].is_forced, &err));
		assert_int_equal(err.kind, ERROR_FILE);
	}
	unlink(file);
	unlink(link);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_placeholders_are_expanded),
		cmocka_unit_test(test_other_placeholders_and_long_names_are_refused),
		cmocka_unit_test(test_a_file_that_cannot_be_written_is_told_early),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
