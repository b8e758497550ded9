/* SPDX-License-Identifier: MIT */
#include "profile/modules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { FILES_MAX = 8 };

/* Match some paths, and tell for each new one which old one it is; NULL: none. */
static void assert_matches(const char *const *olds, const char *const *news,
			   const char *const *expected)
{
	struct module_file files[2 * FILES_MAX];
	size_t old_count = 0, count = 0;
	struct error err;
	for (; olds[old_count]; old_count++)
		files[count++] = (struct module_file){ olds[old_count], SIDE_OLD, 0 };
	for (size_t i = 0; news[i]; i++)
		files[count++] = (struct module_file){ news[i], SIDE_NEW, 0 };
	assert_true(modules_match(files, count, &err));
	for (size_t i = old_count; i < count; i++) {
		const char *found = NULL;
		assert_true(files[i].module < count);
		for (size_t j = 0; j < old_count; j++)
			found = files[j].module == files[i].module ? files[j].path : found;
		const char *wanted = expected[i - old_count];
		if (!found != !wanted || (found && strcmp(found, wanted) != 0))
			fail_msg("%s is matched with %s", files[i].path, found ? found : "none");
	}
}

#define PATHS(...) ((const char *const[FILES_MAX + 1]){ __VA_ARGS__ })

static void test_a_program_that_moved_keeps_its_modules(void **state)
{
	(void)state;
	assert_matches(PATHS("/srv/app-v1/main.py", "/srv/app-v1/shop/views.py",
			     "/srv/app-v1/admin/views.py", "/srv/app-v1/tools/main.py"),
		       PATHS("/srv/app-v2/admin/views.py", "/srv/app-v2/shop/views.py",
			     "/srv/app-v2/main.py", "/srv/app-v2/tools/main.py"),
		       PATHS("/srv/app-v1/admin/views.py", "/srv/app-v1/shop/views.py",
			     "/srv/app-v1/main.py", "/srv/app-v1/tools/main.py"));
}

static void test_packages_are_found_in_any_environment(void **state)
{
	(void)state;
	assert_matches(PATHS("/home/a/venv/lib/python3.11/site-packages/flask/app.py",
			     "/usr/lib/python3.11/json/decoder.py",
			     "/usr/lib/python3.11/threading.py"),
		       PATHS("/usr/lib/python3/dist-packages/flask/app.py",
			     "/usr/local/lib/python3.12/json/decoder.py",
			     "/app/lib/python3.12/site-packages/gevent/threading.py",
			     "/usr/local/lib/python3.12/threading.py"),
		       PATHS("/home/a/venv/lib/python3.11/site-packages/flask/app.py",
			     "/usr/lib/python3.11/json/decoder.py", NULL,
			     "/usr/lib/python3.11/threading.py"));
}

static void test_a_checkout_that_became_a_package_is_the_same(void **state)
{
	(void)state;
	assert_matches(PATHS("/srv/checkout/shop/views.py"),
		       PATHS("/venv/lib/python3.11/site-packages/shop/views.py"),
		       PATHS("/srv/checkout/shop/views.py"));
}

static void test_equal_paths_come_before_all_else(void **state)
{
	(void)state;
	assert_matches(PATHS("/a/x/views.py", "views.py", "<string>"),
		       PATHS("views.py", "/b/x/views.py", "<string>", "<stdin>"),
		       PATHS("views.py", "/a/x/views.py", "<string>", NULL));
}

static void test_a_name_that_every_package_has_says_nothing(void **state)
{
	(void)state;
	assert_matches(PATHS("/v1/shop/__init__.py", "/v1/jobs/__main__.py", "",
			     "/v1/users/__init__.py"),
		       PATHS("/v2/admin/__init__.py", "/v2/tools/__main__.py",
			     "/v2/shop/__init__.py", "/"),
		       PATHS(NULL, NULL, "/v1/shop/__init__.py", NULL));
}

static void test_a_module_has_one_path_on_each_side(void **state)
{
	(void)state;
	assert_matches(PATHS("/v1/a/views.py", "/v1/a/views.py"),
		       PATHS("/v2/b/views.py", "/v2/c/views.py", "/v2/b/views.py"),
		       PATHS("/v1/a/views.py", NULL, "/v1/a/views.py"));
	assert_matches(PATHS(NULL), PATHS("/a.py"), PATHS(NULL));
	assert_matches(PATHS("/a.py"), PATHS(NULL), PATHS(NULL));
}

/* A capture may come from anybody. */
static void test_many_endless_paths_are_matched_in_time(void **state)
{
	(void)state;
	enum { COUNT = 4000, BYTES = 600 };
	static char paths[COUNT][BYTES];
	static struct module_file files[COUNT];
	struct error err;
	for (int i = 0; i < COUNT; i++) {
		size_t len = (size_t)snprintf(paths[i], BYTES, "/%d", i);
		while (len + 3 < BYTES)
			len += (size_t)snprintf(paths[i] + len, BYTES - len, "/a");
		files[i] = (struct module_file){ paths[i], i % SIDE_COUNT, 0 };
	}
	assert_true(modules_match(files, COUNT, &err));
	for (int i = 0; i < COUNT; i++)
		assert_true(files[i].module < COUNT);
	assert_int_equal(files[0].side, SIDE_OLD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_program_that_moved_keeps_its_modules),
		cmocka_unit_test(test_packages_are_found_in_any_environment),
		cmocka_unit_test(test_a_checkout_that_became_a_package_is_the_same),
		cmocka_unit_test(test_equal_paths_come_before_all_else),
		cmocka_unit_test(test_a_name_that_every_package_has_says_nothing),
		cmocka_unit_test(test_a_module_has_one_path_on_each_side),
		cmocka_unit_test(test_many_endless_paths_are_matched_in_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
