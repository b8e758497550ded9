/* SPDX-License-Identifier: MIT */
/* What of an interpreter is damaged or ends; and what is no frame. */
#include "pyframes/pyframes.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/pyframes/read_stack.h"

static void test_garbage_where_a_frame_should_be_is_an_error(void **state)
{
	(void)state;
	FOR_EACH_BUILD(build) {
		set_up(build);
		raddr code = fake_code(&fake, "a.py", "f", "f", 1);
		fake_push(&fake, thread, code, 0);
		struct pyframes *py = opened();
		struct error err;

		fake_put_word(&fake.target, code + fake.py.object_type, FAKE_BASE);
		assert_false(pyframes_stack(py,
					    &(struct pyframes_thread){ .thread_pointer = THREAD },
					    frames, &frame_count, &is_truncated, &err));
		assert_int_equal(err.kind, ERROR_FORMAT);

		fake_put_word(&fake.target, code + fake.py.object_type, fake.code_type);
		read_stack(py, THREAD);
		assert_frame(0, "f", "a.py", 1);

		fake_put_word(&fake.target, fake_current(&fake, thread), 0x1230);
		assert_false(pyframes_stack(py,
					    &(struct pyframes_thread){ .thread_pointer = THREAD },
					    frames, &frame_count, &is_truncated, &err));
		assert_int_equal(err.kind, ERROR_READ);
		pyframes_close(py);
	}
}

static void test_a_chain_of_frames_in_a_circle_ends(void **state)
{
	(void)state;
	FOR_EACH_BUILD(build) {
		set_up(build);
		raddr frame = fake_frame_room(&fake, thread);
		fake_push_at(&fake, thread, frame, fake_code(&fake, "a.py", "f", "f", 1), 0, 0);
		fake_put_word(&fake.target, frame + fake.py.frame.previous, frame);
		struct pyframes *py = opened();
		read_stack(py, THREAD);
		assert_int_equal(frame_count, FRAME_DEPTH_MAX);
		assert_true(is_truncated);
		pyframes_close(py);
	}
}

/* While it is looked for, a thread of the target waits. */
static void test_a_list_of_threads_without_an_end_is_left_soon(void **state)
{
	(void)state;
	enum { READS_MAX = 40000 };
	FOR_EACH_BUILD(build) {
		set_up(build);
		fake_push(&fake, thread, fake_code(&fake, "a.py", "f", "f", 1), 0);
		struct pyframes *py = opened();
		struct error err;
		fake_put_word(&fake.target, thread + fake.py.thread.next, thread);
		for (unsigned try = 1; try <= 2; try++) {
			unsigned before = fake.target.read_calls;
			assert_false(pyframes_stack(
				py, &(struct pyframes_thread){ .thread_pointer = OTHER_THREAD },
				frames, &frame_count, &is_truncated, &err));
			assert_int_equal(err.kind, ERROR_FORMAT);
			assert_true(fake.target.read_calls - before < READS_MAX);
		}
		fake_put_word(&fake.target, thread + fake.py.thread.next, 0);
		read_stack(py, THREAD);
		assert_int_equal(frame_count, 1);
		pyframes_close(py);
	}
}

static size_t allocated_bytes(void)
{
	struct mallinfo2 info = mallinfo2();
	return info.uordblks + info.hblkhd;
}

/* A few bytes of the target become many here: all its code has one line table, the longest. */
static void test_long_line_tables_do_not_fill_the_memory(void **state)
{
	(void)state;
	enum { CODES = 400, STOPS = 40, BYTES_MAX = 128 << 20, TABLE_BYTES = 1 << 20 };
	static uint8_t table[TABLE_BYTES];
	set_up(&(struct fake_build){ .minor = 12 });
	fake_push(&fake, thread, fake_code(&fake, "a.py", "f", "f", 1), 0);
	struct pyframes *py = opened();
	raddr name = fake_ascii(&fake, "f");
	raddr linetable = fake_bytes(&fake, table, sizeof(table));
	for (int i = 0; i < CODES; i++) {
		raddr code = fake_alloc(&fake.target, FAKE_OBJECT_BYTES);
		fake_put_code(&fake, code, fake_ascii(&fake, "a.py"), name, name, linetable, 1);
		fake_push(&fake, thread, code, 0);
	}

	size_t before = allocated_bytes();
	for (int i = 0; i < STOPS; i++) {
		struct error err;
		(void)!pyframes_stack(py, &(struct pyframes_thread){ .thread_pointer = THREAD },
				      frames, &frame_count, &is_truncated, &err);
		assert_true(allocated_bytes() - before < BYTES_MAX);
	}
	pyframes_close(py);
}

/* What a target may do that makes code for ever: a stack of it is a stack all the same. */
static void test_code_that_there_is_no_room_for_is_other_code(void **state)
{
	(void)state;
	enum { LENGTH = 1 << 20 };
	set_up_minor(12);
	fake_push(&fake, thread, fake_code(&fake, "known.py", "outer", "outer", 1), 0);
	struct pyframes *py = opened();
	read_stack(py, THREAD);
	assert_false(pyframes_is_crowded(py));

	static char text[LENGTH + 1];
	const struct frame *frame;
	struct error err;
	for (size_t length = LENGTH; length > 0; length /= 2) {
		memset(text, 'x', length);
		text[length] = '\0';
		for (text[0] = '0'; pyframes_intern(py, text, "", 0, &frame, &err); text[0]++)
			;
	}
	assert_true(pyframes_is_crowded(py));
	fake_push(&fake, thread, fake_code(&fake, "known.py", "made up", "made up", 1), 0);
	fake_push(&fake, thread, fake_code(&fake, "made up.py", "outer", "outer", 1), 0);
	read_stack(py, THREAD);
	assert_int_equal(frame_count, 3);
	assert_frame(0, "[other code]", "", 0);
	assert_frame(1, "[other code]", "", 0);
	assert_frame(2, "outer", "known.py", 1);
	pyframes_close(py);
}

static void test_blocks_are_recognised_by_the_pool_they_lie_in(void **state)
{
	(void)state;
	FOR_EACH_BUILD(build) {
		set_up(build);
		fake_push(&fake, thread, fake_code(&fake, "a.py", "f", "f", 1), 0);
		uint32_t pool_bytes = build->minor <= 9 ? 4096 : 16384;
		raddr pool = fake_alloc(&fake.target, 2 * pool_bytes);
		pool = (pool + pool_bytes - 1) & ~(raddr)(pool_bytes - 1);
		fake_put_int(&fake.target, pool, 1);
		fake_put_int(&fake.target, pool + 36, 3);
		fake_put_int(&fake.target, pool + 40, 48 + 2 * 64);
		fake_put_int(&fake.target, pool + 44, pool_bytes - 64);
		struct pyframes *py = opened();
		assert_true(pyframes_is_pymalloc_block(py, pool + 48));
		assert_true(pyframes_is_pymalloc_block(py, pool + 48 + 64));
		assert_false(pyframes_is_pymalloc_block(py, pool + 48 + 128));
		assert_false(pyframes_is_pymalloc_block(py, pool + 64));
		assert_false(pyframes_is_pymalloc_block(py, 0x7f0000001000));
		pyframes_close(py);
	}
}

static void set_initialized(unsigned minor, uint32_t value)
{
	static const unsigned offsets[] = { 12, 12, 12, 16, 16, 600, 776, 904 };
	fake_put_int(&fake.target, fake.runtime + offsets[minor - 8], value);
}

static void test_a_shutdown_is_told_from_a_start_and_never_forgotten(void **state)
{
	(void)state;
	FOR_EACH_BUILD(build) {
		set_up(build);
		struct pyframes *py = opened();
		assert_false(pyframes_is_finalizing(py));
		set_initialized(build->minor, 1);
		assert_false(pyframes_is_finalizing(py));
		set_initialized(build->minor, 0);
		assert_true(pyframes_is_finalizing(py));
		set_initialized(build->minor, 1);
		assert_true(pyframes_is_finalizing(py));
		pyframes_close(py);
	}
}

static void test_a_process_that_has_ended_counts_as_shut_down(void **state)
{
	(void)state;
	set_up_minor(15);
	set_initialized(15, 1);
	struct pyframes *py = opened();
	assert_false(pyframes_is_finalizing(py));
	fake.target.used = 0;
	assert_true(pyframes_is_finalizing(py));
	pyframes_close(py);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_garbage_where_a_frame_should_be_is_an_error),
		cmocka_unit_test(test_a_chain_of_frames_in_a_circle_ends),
		cmocka_unit_test(test_a_list_of_threads_without_an_end_is_left_soon),
		cmocka_unit_test(test_long_line_tables_do_not_fill_the_memory),
		cmocka_unit_test(test_code_that_there_is_no_room_for_is_other_code),
		cmocka_unit_test(test_blocks_are_recognised_by_the_pool_they_lie_in),
		cmocka_unit_test(test_a_shutdown_is_told_from_a_start_and_never_forgotten),
		cmocka_unit_test(test_a_process_that_has_ended_counts_as_shut_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
