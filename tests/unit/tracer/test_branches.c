/* SPDX-License-Identifier: MIT */
#include "tracer/arch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct arch *const arch = &arch_x86_64;

static void test_functions_that_only_jump_are_seen_through(void **state)
{
	(void)state;
	raddr target = 0;
	const uint8_t jump[] = { 0xe9, 0x1b, 0xef, 0xff, 0xff };
	assert_true(arch->find_only_jump(0xadf10, jump, sizeof(jump), &target));
	assert_int_equal(target, 0xace30);
	const uint8_t marked[] = { 0xf3, 0x0f, 0x1e, 0xfa, 0xe9, 0x27, 0xff, 0xff, 0xff };
	assert_true(arch->find_only_jump(0xaf8b0, marked, sizeof(marked), &target));
	assert_int_equal(target, 0xaf7e0);
	const uint8_t other[] = { 0x53, 0xe9, 0x1b, 0xef, 0xff, 0xff };
	assert_false(arch->find_only_jump(0xadf10, other, sizeof(other), &target));
	assert_false(arch->find_only_jump(0xadf10, jump, 4, &target));
}

static void test_all_direct_branches_of_a_function_are_listed(void **state)
{
	(void)state;
	/* push %rbx; call +0x10; je -2; call *%rax; jmp *(%rax); jmp +0x100 */
	const uint8_t code[] = { 0x53, 0xe8, 0x10, 0,	 0, 0,	  0x74, 0xfe, 0xff,
				 0xd0, 0xff, 0x20, 0xe9, 0, 0x01, 0,	0,    0x06 };
	const raddr expected[] = { 0x1016, 0x1006, 0x1111 };
	size_t at = 0;
	raddr target;
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		assert_true(arch->next_branch(0x1000, code, sizeof(code), &at, &target));
		assert_int_equal(target, expected[i]);
	}
	assert_false(arch->next_branch(0x1000, code, sizeof(code), &at, &target));
}

static void test_linkage_entries_name_their_slot(void **state)
{
	(void)state;
	raddr slot = 0;
	const uint8_t plain[] = { 0xff, 0x25, 0x10, 0, 0, 0 };
	const uint8_t marked[] = { 0xf3, 0x0f, 0x1e, 0xfa, 0xf2, 0xff, 0x25, 0x10, 0, 0, 0 };
	const uint8_t direct[] = { 0xe9, 0x10, 0, 0, 0 };
	assert_true(arch->find_linkage_slot(0x1000, plain, sizeof(plain), &slot));
	assert_int_equal(slot, 0x1016);
	assert_true(arch->find_linkage_slot(0x1000, marked, sizeof(marked), &slot));
	assert_int_equal(slot, 0x101b);
	assert_false(arch->find_linkage_slot(0x1000, direct, sizeof(direct), &slot));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_functions_that_only_jump_are_seen_through),
		cmocka_unit_test(test_all_direct_branches_of_a_function_are_listed),
		cmocka_unit_test(test_linkage_entries_name_their_slot),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
