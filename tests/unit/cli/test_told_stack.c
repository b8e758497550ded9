/* SPDX-License-Identifier: MIT */
#include "cli/told_stack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct told_stack teller, hearer;
static struct frame known[FRAME_DEPTH_MAX];

static int set_up(void **state)
{
	(void)state;
	teller.len = hearer.len = 0;
	return 0;
}

/* Pass a stack on, and say how much of it was told. */
static size_t pass(const struct frame *const *frames, size_t len)
{
	static const struct frame *heard[FRAME_DEPTH_MAX];
	size_t told = told_stack_tell(&teller, frames, len);
	told_stack_hear(&hearer, frames, told, len, heard);
	assert_memory_equal(heard, frames, len * sizeof(*heard));
	return told;
}

static void test_only_inner_frames_that_are_new_are_told(void **state)
{
	(void)state;
	const struct frame *first[] = { &known[2], &known[1], &known[0] };
	const struct frame *deeper[] = { &known[3], &known[2], &known[1], &known[0] };
	const struct frame *other[] = { &known[5], &known[4], &known[0] };
	const struct frame *foreign[] = { &known[2], &known[1], &known[7] };
	assert_int_equal(pass(first, 3), 3);
	assert_int_equal(pass(first, 3), 0);
	assert_int_equal(pass(deeper, 4), 1);
	assert_int_equal(pass(first, 3), 0);
	assert_int_equal(pass(other, 3), 2);
	assert_int_equal(pass(first + 2, 1), 0);
	assert_int_equal(pass(foreign, 3), 3);
}

static void test_any_row_of_stacks_arrives_as_it_was(void **state)
{
	enum { ROUNDS = 2000, KINDS = 3 };
	(void)state;
	static const struct frame *frames[FRAME_DEPTH_MAX];
	srand(7);
	for (int round = 0; round < ROUNDS; round++) {
		size_t len = 1 + (size_t)rand() % (round % 10 ? 12 : FRAME_DEPTH_MAX);
		for (size_t i = 0; i < len; i++)
			frames[i] = &known[rand() % KINDS];
		(void)pass(frames, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_only_inner_frames_that_are_new_are_told, set_up),
		cmocka_unit_test_setup(test_any_row_of_stacks_arrives_as_it_was, set_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
