/* SPDX-License-Identifier: MIT */
#include "cli/export.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "profile/snapshot_build.h"

/* Files are written in a folder of their own. */
struct fixture {
	char folder[32];
	char file[64];
	struct snapshot *snapshot;
};

static const struct options options = { .budget = 0.01 };

static int set_up(void **state)
{
	struct error err;
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	strcpy(fixture->folder, "/tmp/filtrace-test-XXXXXX");
	assert_non_null(mkdtemp(fixture->folder));
	snprintf(fixture->file, sizeof(fixture->file), "%s/a.txt", fixture->folder);
	assert_true(snapshot_create(&fixture->snapshot, &err));
	const struct snapshot_target target = { .pid = 4121, .python = "3.11.7" };
	assert_true(snapshot_copy_target(fixture->snapshot, &target, &err));
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	unlink(fixture->file);
	assert_int_equal(rmdir(fixture->folder), 0);
	snapshot_destroy(fixture->snapshot);
	free(fixture);
	return 0;
}

static bool export(struct fixture *fixture, const char *file, bool is_forced, struct error *err)
{
	char name[256];
	return export_write(&options, fixture->snapshot, file, is_forced, name, sizeof(name), err);
}

static off_t size_of(const char *file)
{
	struct stat status;
	assert_int_equal(lstat(file, &status), 0);
	assert_int_equal(status.st_mode & 077, 0);
	return status.st_size;
}

static void test_the_ending_of_a_name_says_the_format(void **unused)
{
	(void)unused;
	static const struct {
		const char *file;
		enum format format;
	} cases[] = {
		{ "a.html", FORMAT_HTML },	  { "a.json", FORMAT_JSON },
		{ "a.csv", FORMAT_CSV },	  { "/b.json/a.txt", FORMAT_TEXT },
		{ "a.pb.gz", FORMAT_PPROF },	  { "a.speedscope.json", FORMAT_SPEEDSCOPE },
		{ "a.folded", FORMAT_COLLAPSED }, { "a.collapsed", FORMAT_COLLAPSED },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err;
		enum format format = FORMAT_DEFAULT;
		assert_true(export_format(cases[i].file, &format, &err));
		assert_int_equal(format, cases[i].format);
	}
}

static void test_a_name_without_such_an_ending_is_refused(void **state)
{
	static const char *const names[] = { "", "a", "html", "a.html.bak", "a.gz", "a.HTML" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct error err;
		assert_false(export(*state, names[i], true, &err));
		assert_int_equal(err.kind, ERROR_USAGE);
		assert_non_null(strstr(err.context, ".speedscope.json"));
	}
}

static void test_an_existing_file_is_kept_unless_forced(void **state)
{
	struct fixture *fixture = *state;
	struct error err;
	assert_true(export(fixture, fixture->file, false, &err));
	off_t size = size_of(fixture->file);
	assert_true(size > 0);
	assert_int_equal(truncate(fixture->file, 3), 0);
	assert_false(export(fixture, fixture->file, false, &err));
	assert_int_equal(err.os_errno, EEXIST);
	assert_int_equal(size_of(fixture->file), 3);
	assert_true(export(fixture, fixture->file, true, &err));
	assert_int_equal(size_of(fixture->file), size);
}

static void test_nothing_but_a_regular_file_is_overwritten(void **state)
{
	struct fixture *fixture = *state;
	struct error err;
	assert_int_equal(mkfifo(fixture->file, 0600), 0);
	assert_false(
		export(fixture, fixture->file, true, &err)); /* and does not wait for a reader */
	assert_int_equal(err.kind, ERROR_FILE);
	unlink(fixture->file);
	assert_int_equal(symlink("/dev/null", fixture->file), 0);
	assert_false(export(fixture, fixture->file, true, &err));
	assert_false(export(fixture, fixture->file, false, &err));
}

static void test_placeholders_of_a_name_are_expanded(void **state)
{
	struct fixture *fixture = *state;
	struct error err;
	char pattern[64];
	char name[256];
	snprintf(pattern, sizeof(pattern), "%s/%%p.txt", fixture->folder);
	snprintf(fixture->file, sizeof(fixture->file), "%s/4121.txt", fixture->folder);
	assert_true(export_write(&options, fixture->snapshot, pattern, false, name, sizeof(name),
				 &err));
	assert_string_equal(name, fixture->file);
	assert_true(size_of(fixture->file) > 0);
}

#define EXPORT_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_ending_of_a_name_says_the_format),
		EXPORT_TEST(test_a_name_without_such_an_ending_is_refused),
		EXPORT_TEST(test_an_existing_file_is_kept_unless_forced),
		EXPORT_TEST(test_nothing_but_a_regular_file_is_overwritten),
		EXPORT_TEST(test_placeholders_of_a_name_are_expanded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
