/* SPDX-License-Identifier: MIT */
#include "tracer/maps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Captured from a Debian 12 python3.11, cut down. */
static const char captured[] =
	"00400000-0041f000 r--p 00000000 fe:01 131                                "
	"/usr/bin/python3.11\n"
	"0041f000-006ff000 r-xp 0001f000 fe:01 131                                "
	"/usr/bin/python3.11\n"
	"01b3f000-01c41000 rw-p 00000000 00:00 0                                  [heap]\n"
	"7f0b04e97000-7f0b04ebd000 r--p 00000000 fe:01 977                        /lib/a b "
	"(deleted)\n"
	"7f0b04ebd000-7f0b05013000 r-xp 00026000 fe:01 977                        /lib/a b "
	"(deleted)\n"
	"7f0b05013000-7f0b05014000 rw-s 00000000 00:01 2048                       /memfd:x "
	"(deleted)\n"
	"7f0b05014000-7f0b05020000 ---p 00000000 00:00 0 \n"
	"7ffc673b0000-7ffc673d1000 rw-p 00000000 00:00 0                          [stack]\n"
	"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n";

static struct maps parse(const char *text)
{
	struct maps maps;
	struct error err;
	assert_true(maps_parse(text, strlen(text), &maps, &err));
	return maps;
}

static void test_captured_maps_parse_field_by_field(void **state)
{
	(void)state;
	OWNED_MAPS struct maps maps = parse(captured);
	assert_int_equal(maps.len, 9);

	const struct mapping *libc = &maps.list[4];
	assert_int_equal(libc->start, 0x7f0b04ebd000);
	assert_int_equal(libc->end, 0x7f0b05013000);
	assert_true(libc->is_readable && libc->is_executable);
	assert_false(libc->is_writable || libc->is_shared);
	assert_int_equal(libc->file_offset, 0x26000);
	assert_int_equal(libc->device_major, 0xfe);
	assert_int_equal(libc->device_minor, 1);
	assert_int_equal(libc->inode, 977);
	assert_string_equal(libc->path, "/lib/a b (deleted)");

	assert_true(maps.list[5].is_shared && maps.list[5].is_writable);
	assert_string_equal(maps.list[6].path, "");
	assert_false(maps.list[6].is_readable);
}

static void test_find_returns_the_mapping_that_holds_the_address(void **state)
{
	(void)state;
	OWNED_MAPS struct maps maps = parse(captured);
	assert_null(maps_find(&maps, 0));
	assert_null(maps_find(&maps, 0x3fffff));
	assert_ptr_equal(maps_find(&maps, 0x400000), &maps.list[0]);
	assert_ptr_equal(maps_find(&maps, 0x41efff), &maps.list[0]);
	assert_ptr_equal(maps_find(&maps, 0x41f000), &maps.list[1]);
	assert_null(maps_find(&maps, 0x6ff000));
	assert_ptr_equal(maps_find(&maps, 0xffffffffff600fff), &maps.list[8]);
	assert_null(maps_find(&maps, UINT64_MAX));

	struct maps none = { 0 };
	assert_null(maps_find(&none, 0x400000));
}

static void test_hostile_lines_are_refused(void **state)
{
	(void)state;
	static const char *const lines[] = {
		"\n",
		"1000\n",
		"1000-2000\n",
		"1000-2000 rwxp\n",
		"1000-2000 rwxp 0 0:0 0\n",		  /* no blank behind the inode */
		"2000-1000 rwxp 0 0:0 0 \n",		  /* ends before it starts */
		"1000-1000 rwxp 0 0:0 0 \n",		  /* empty */
		"1000-2000 rwzp 0 0:0 0 \n",		  /* no such permission */
		"-2000 rwxp 0 0:0 0 \n",		  /* no start */
		"0x1000-2000 rwxp 0 0:0 0 \n",		  /* a prefix */
		"+1000-2000 rwxp 0 0:0 0 \n",		  /* a sign */
		" 1000-2000 rwxp 0 0:0 0 \n",		  /* a blank */
		"1000-12345678123456789 rwxp 0 0:0 0 \n", /* more than 64 bits */
		"1000-2000 rwxp 0 123456789:0 0 \n",	  /* device of more than 32 bits */
		"1000-2000 rwxp 0 0:0 99999999999999999999 \n",
		"1000-2000 rwxp 0 0:0 a \n",
		"1000-2000 rwxp 0 0:0 0 /cut off",
		"3000-4000 rwxp 0 0:0 0 \n1000-2000 rwxp 0 0:0 0 \n", /* not sorted */
	};

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct maps maps = { .len = 77 };
		struct error err = { 0 };
		if (maps_parse(lines[i], strlen(lines[i]), &maps, &err))
			fail_msg("accepted: %s", lines[i]);
		assert_int_equal(err.kind, ERROR_FORMAT);
		assert_int_equal(maps.len, 77); /* untouched */
	}

	const char zeros[] = "1000-2000 rwxp 0 0:0 0 \0\n";
	OWNED_MAPS struct maps maps = { 0 };
	struct error err;
	assert_true(maps_parse(zeros, sizeof(zeros) - 1, &maps, &err));
	assert_string_equal(maps.list[0].path, "");
}

static void test_own_maps_hold_own_code_and_stack(void **state)
{
	(void)state;
	OWNED_MAPS struct maps maps = { 0 };
	struct error err;
	int local;
	assert_true(maps_read(getpid(), &maps, &err));

	const struct mapping *code = maps_find(&maps, (raddr)&parse);
	assert_non_null(code);
	assert_true(code->is_executable && code->inode);
	assert_string_equal(maps_find(&maps, (raddr)&local)->path, "[stack]");
}

static void test_maps_of_no_process_are_no_process(void **state)
{
	(void)state;
	struct maps maps;
	struct error err;
	assert_false(maps_read(0x7fffffff, &maps, &err));
	assert_int_equal(err.kind, ERROR_NO_PROCESS);
}

static bool is_free(const struct maps *maps, raddr start, uint64_t size)
{
	for (size_t i = 0; i < maps->len; i++) {
		if (start < maps->list[i].end && start + size > maps->list[i].start)
			return false;
	}
	return true;
}

static void test_gap_lies_below_the_library_and_off_its_neighbours(void **state)
{
	(void)state;
	OWNED_MAPS struct maps maps = parse(captured);
	const raddr libc = 0x7f0b04e97000, libc_end = 0x7f0b05013000;
	raddr gap;
	assert_true(maps_find_gap(&maps, libc, libc_end, 5 << 20, 0x7ff00000, &gap));
	assert_int_equal(gap % 4096, 0);
	assert_true(is_free(&maps, gap, 5 << 20));
	assert_in_range(gap, libc_end - 0x7ff00000, libc - (5 << 20) - (4 << 20));
}

static void test_gap_respects_the_reach(void **state)
{
	(void)state;
	/* The neighbourhood is full but for one gap, 8 MiB below. */
	OWNED_MAPS struct maps maps = parse("10000000-3f000000 rw-p 0 0:0 0 \n"
					    "3f200000-40000000 rw-p 0 0:0 0 \n"
					    "40000000-80000000 r-xp 0 0:0 0 \n"
					    "80000000-7ffffff00000 rw-p 0 0:0 0 \n");
	raddr gap;
	assert_true(maps_find_gap(&maps, 0x40000000, 0x40001000, 0x100000, 0x2000000, &gap));
	assert_in_range(gap, 0x3f000000 + 4096, 0x3f200000 - 0x100000 - 4096);
	assert_false(maps_find_gap(&maps, 0x40000000, 0x40001000, 0x100000, 0xe00000, &gap));
	assert_false(maps_find_gap(&maps, 0x40000000, 0x40001000, 0x200000, 0x2000000, &gap));
}

static void test_gap_leaves_heap_and_stack_their_room(void **state)
{
	(void)state;
	/* Free: 2 GiB behind the heap; 2 GiB below the stack. */
	OWNED_MAPS struct maps maps = parse("100000-40000000 r-xp 0 8:1 5 /exe\n"
					    "40000000-40100000 rw-p 0 0:0 0 [heap]\n"
					    "c0000000-c0100000 r-xp 0 8:1 6 /lib\n"
					    "140000000-140100000 rw-p 0 0:0 0 [stack]\n"
					    "140100000-7ffffff00000 rw-p 0 0:0 0 \n");
	raddr gap;
	assert_true(maps_find_gap(&maps, 0x40000000, 0x40001000, 0x100000, 0x7ff00000, &gap));
	assert_in_range(gap, 0x80100000, 0xc0000000);
	assert_false(maps_find_gap(&maps, 0x40000000, 0x40001000, 0x100000, 0x30000000, &gap));
	assert_false(maps_find_gap(&maps, 0x13f000000, 0x13f001000, 0x100000, 0x10000000, &gap));
}

static void test_gap_arithmetic_survives_both_ends_of_the_address_space(void **state)
{
	(void)state;
	OWNED_MAPS struct maps maps = parse(captured);
	struct maps none = { 0 };
	raddr gap;
	assert_true(maps_find_gap(&none, 0x200000, 0x201000, 4096, UINT64_MAX, &gap));
	assert_false(maps_find_gap(&maps, 0, 4096, UINT64_MAX, UINT64_MAX, &gap));
	assert_false(maps_find_gap(&maps, UINT64_MAX - 4096, UINT64_MAX, 4096, 4096, &gap));
	assert_true(maps_find_gap(&maps, 0x400000, 0x41f000, 4096, UINT64_MAX, &gap));
	assert_true(is_free(&maps, gap, 4096));
}

/* The kernel writes the file piece by piece: a mapping that merges with its neighbour between two
 * pieces is listed from its new, lower start on. */
static void test_mapping_that_grew_while_read_keeps_its_rest(void **state)
{
	(void)state;
	static const char text[] = "1000-3000 rw-p 00000000 00:00 0 \n"
				   "2000-5000 rw-p 00001000 08:01 7 /x\n";
	OWNED_MAPS struct maps maps = { 0 };
	struct error err;
	assert_true(maps_parse(text, strlen(text), &maps, &err));
	assert_int_equal(maps.len, 2);
	assert_int_equal(maps.list[1].start, 0x3000);
	assert_int_equal(maps.list[1].end, 0x5000);
	assert_int_equal(maps.list[1].file_offset, 0x2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mapping_that_grew_while_read_keeps_its_rest),
		cmocka_unit_test(test_captured_maps_parse_field_by_field),
		cmocka_unit_test(test_find_returns_the_mapping_that_holds_the_address),
		cmocka_unit_test(test_hostile_lines_are_refused),
		cmocka_unit_test(test_own_maps_hold_own_code_and_stack),
		cmocka_unit_test(test_maps_of_no_process_are_no_process),
		cmocka_unit_test(test_gap_lies_below_the_library_and_off_its_neighbours),
		cmocka_unit_test(test_gap_respects_the_reach),
		cmocka_unit_test(test_gap_leaves_heap_and_stack_their_room),
		cmocka_unit_test(test_gap_arithmetic_survives_both_ends_of_the_address_space),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
