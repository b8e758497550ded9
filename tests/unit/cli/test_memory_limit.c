/* SPDX-License-Identifier: MIT */
#include "cli/memory_limit.h"

#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"

/* A hierarchy of control groups in a directory of the test's own. */

static char mount[] = "/tmp/memory_limit.XXXXXX";

static void make_group(const char *group, const char *file, const char *text)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s%s", mount, group);
	for (char *slash = path + strlen(mount); (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	mkdir(path, 0700);
	strcat(strcat(path, "/"), file);
	OWNED_FILE FILE *made = fopen(path, "we");
	assert_non_null(made);
	assert_true(fputs(text, made) >= 0);
}

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(mount))
		return -1;
	make_group("/shop.slice", "memory.max", "1073741824\n");
	make_group("/shop.slice/web.service", "memory.max", "max\n");
	make_group("/shop.slice/small.service", "memory.max", "1048576\n");
	make_group("/free.slice", "memory.max", "max\n");
	make_group("/odd.slice", "memory.max", "many\n");
	make_group("/memory/old", "memory.limit_in_bytes", "536870912\n");
	make_group("/memory", "memory.limit_in_bytes", "9223372036854771712\n");
	return 0;
}

static int take_away(const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)status;
	(void)type;
	(void)place;
	return remove(path);
}

static int tear_down(void **state)
{
	(void)state;
	return nftw(mount, take_away, 8, FTW_DEPTH | FTW_PHYS);
}

static void test_smallest_limit_on_the_way_up_counts(void **state)
{
	(void)state;
	static const struct {
		const char *groups;
		uint64_t limit;
	} cases[] = {
		{ "0::/shop.slice/web.service\n", 1073741824 },
		{ "0::/shop.slice/small.service\n", 1048576 },
		{ "0::/free.slice\n", 0 },
		{ "0::/odd.slice\n", 0 },
		{ "0::/not/there\n", 0 },
		{ "0::/\n", 0 },
		{ "5:cpu:/shop.slice\n4:memory:/old\n1:name=systemd:/shop.slice\n", 536870912 },
		{ "4:memory:/elsewhere\n0::/shop.slice", 1073741824 },
		{ "0::/../../shop.slice/small.service\n", 0 },
		{ "", 0 },
		{ "nonsense\n\n:\n::\n", 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(memory_limit_find(cases[i].groups, mount), cases[i].limit);
}

static void test_root_of_a_container_may_have_the_limit(void **state)
{
	(void)state;
	char root[PATH_MAX];
	snprintf(root, sizeof(root), "%s/shop.slice/small.service", mount);
	assert_int_equal(memory_limit_find("0::/\n", root), 1048576);
	assert_int_equal(memory_limit_find("0::/../other\n", root), 1048576);
}

static void test_process_that_is_gone_has_no_limit(void **state)
{
	(void)state;
	assert_int_equal(memory_limit_read(INT_MAX), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smallest_limit_on_the_way_up_counts),
		cmocka_unit_test(test_root_of_a_container_may_have_the_limit),
		cmocka_unit_test(test_process_that_is_gone_has_no_limit),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
