/* SPDX-License-Identifier: MIT */
#include "pyframes/pyframes.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "pyframes/allocators.h"
#include "tests/unit/pyframes/read_stack.h"

static void test_a_stack_is_read_in_every_version(void **state)
{
	(void)state;
	FOR_EACH_BUILD(build) {
		set_up(build);
		fake_push(&fake, thread, fake_code(&fake, "/srv/app.py", "<module>", "<module>", 1),
			  4);
		fake_push(&fake, thread, fake_code(&fake, "/srv/app.py", "run", "App.run", 20), 10);
		fake_push(&fake, thread, fake_code(&fake, "/srv/lib.py", "put", "Cache.put", 70),
			  -2);
		struct pyframes *py = opened();
		for (int again = 0; again < 2; again++) {
			read_stack(py, THREAD);
			assert_int_equal(frame_count, 3);
			assert_false(is_truncated);
			assert_frame(0, qualified("Cache.put", "put"), "/srv/lib.py", 70);
			assert_frame(1, qualified("App.run", "run"), "/srv/app.py", 21);
			assert_frame(2, "<module>", "/srv/app.py", 1);
		}
		pyframes_close(py);
	}
}

static void test_equal_frames_are_one_pointer(void **state)
{
	(void)state;
	set_up_minor(11);
	raddr code = fake_code(&fake, "a.py", "f", "f", 1);
	fake_push(&fake, thread, code, 2);
	fake_push(&fake, thread, code, 12);
	fake_push(&fake, thread, code, 4);
	struct pyframes *py = opened();
	read_stack(py, THREAD);
	assert_ptr_equal(frames[0], frames[2]);
	assert_ptr_not_equal(frames[0], frames[1]);

	const struct frame *native;
	const struct frame *same;
	struct error err;
	char name[] = "f";
	assert_true(pyframes_intern(py, name, "a.py", 1, &same, &err));
	assert_ptr_equal(same, frames[0]);
	assert_true(pyframes_intern(py, "[native thread io]", "", 0, &native, &err));
	assert_int_equal(native->line, 0);
	pyframes_close(py);
}

static void test_each_thread_has_its_own_stack(void **state)
{
	(void)state;
	FOR_EACH_BUILD(build) {
		set_up(build);
		raddr other = fake_thread(&fake, fake.interpreter, OTHER_THREAD);
		fake_push(&fake, thread, fake_code(&fake, "a.py", "one", "one", 1), 0);
		fake_push(&fake, other, fake_code(&fake, "a.py", "two", "two", 5), 0);
		struct pyframes *py = opened();
		read_stack(py, THREAD);
		assert_frame(0, "one", "a.py", 1);
		read_stack(py, OTHER_THREAD);
		assert_frame(0, "two", "a.py", 5);
		read_stack(py, 0x7f003700);
		assert_int_equal(frame_count, 0);
		pyframes_close(py);
	}
}

/* Whatever is true of all frames of a deep stack, across chunks of the data stack too. */
static void test_deep_stacks_are_read_whole_and_too_deep_ones_cut(void **state)
{
	(void)state;
	FOR_EACH_BUILD(build) {
		set_up(build);
		raddr inner = fake_code(&fake, "a.py", "inner", "inner", 1);
		raddr outer = fake_code(&fake, "a.py", "outer", "outer", 100);
		for (int i = 0; i < 900; i++)
			fake_push(&fake, thread, i < 450 ? outer : inner, 10);
		struct pyframes *py = opened();
		for (int again = 0; again < 2; again++) {
			read_stack(py, THREAD);
			assert_int_equal(frame_count, 900);
			assert_false(is_truncated);
			for (size_t i = 0; i < frame_count; i++)
				assert_frame(i, i < 450 ? "inner" : "outer", "a.py",
					     i < 450 ? 2 : 101);
		}
		for (int i = 0; i < 200; i++)
			fake_push(&fake, thread, inner, 0);
		read_stack(py, THREAD);
		assert_int_equal(frame_count, FRAME_DEPTH_MAX);
		assert_true(is_truncated);
		pyframes_close(py);
	}
}

static void test_a_known_stack_is_read_in_one_call(void **state)
{
	(void)state;
	FOR_EACH_BUILD(build) {
		set_up(build);
		for (int i = 0; i < 40; i++)
			fake_push(&fake, thread, fake_code(&fake, "a.py", "f", "f", i + 1), 0);
		struct pyframes *py = opened();
		read_stack(py, THREAD); /* finds its thread state, and loads code */
		read_stack(py, THREAD); /* knows both, and what proves that they are the same */
		fake.target.read_calls = 0;
		read_stack(py, THREAD);
		assert_int_equal(fake.target.read_calls, 1);
		assert_int_equal(frame_count, 40);
		pyframes_close(py);
	}
}

/* One more call for what is new in it. */
static void test_a_stack_that_has_grown_is_read_in_few_calls(void **state)
{
	(void)state;
	FOR_EACH_BUILD(build) {
		set_up(build);
		for (int i = 0; i < 40; i++)
			fake_push(&fake, thread, fake_code(&fake, "a.py", "f", "f", i + 1), 0);
		struct pyframes *py = opened();
		read_stack(py, THREAD);
		read_stack(py, THREAD);
		raddr added = fake_code(&fake, "a.py", "g", "g", 100);
		fake_push(&fake, thread, added, 0);
		read_stack(py, THREAD);
		read_stack(py, THREAD);
		fake_push(&fake, thread, added, 0);
		fake.target.read_calls = 0;
		read_stack(py, THREAD);
		/* Up to 3.10 the frame is an object of its own, somewhere. */
		assert_true(fake.target.read_calls <= 2);
		assert_int_equal(frame_count, 42);
		pyframes_close(py);
	}
}

static void test_frames_that_changed_since_the_last_time_are_read_anew(void **state)
{
	(void)state;
	set_up_minor(9);
	raddr code = fake_code(&fake, "a.py", "f", "f", 1);
	fake_push(&fake, thread, code, 0);
	raddr frame = fake_frame_room(&fake, thread);
	fake_push_at(&fake, thread, frame, code, 0, 0);
	struct pyframes *py = opened();
	read_stack(py, THREAD);
	assert_frame(0, "f", "a.py", 1);
	fake_put_int(&fake.target, frame + fake.py.frame.position, 10);
	read_stack(py, THREAD);
	assert_frame(0, "f", "a.py", 2);
	/* Returned: its memory now belongs to somebody else. */
	fake_put_word(&fake.target, fake_current(&fake, thread),
		      fake_word(&fake.target, frame + fake.py.frame.previous));
	memset(fake_at(&fake.target, frame), 0xff, FAKE_FRAME_BYTES);
	read_stack(py, THREAD);
	assert_int_equal(frame_count, 1);
	assert_frame(0, "f", "a.py", 1);
	pyframes_close(py);
}

static void test_generator_frames_and_shims_lie_elsewhere(void **state)
{
	(void)state;
	enum { OWNER_GENERATOR = 1, OWNER_FRAME_OBJECT = 2, OWNER_CSTACK = 3 };
	FOR_EACH_BUILD(build) {
		if (build->minor < 11)
			continue;
		set_up(build);
		bool has_shims = build->minor >= 12;
		raddr none = fake_alloc(&fake.target, FAKE_OBJECT_BYTES);
		raddr code = fake_code(&fake, "a.py", "f", "f", 1);
		raddr generator = fake_code(&fake, "a.py", "g", "g", 50);
		if (has_shims)
			fake_push_at(&fake, thread, fake_alloc(&fake.target, FAKE_FRAME_BYTES),
				     none, 0, OWNER_CSTACK);
		fake_push(&fake, thread, code, 0);
		fake_push_at(&fake, thread, fake_alloc(&fake.target, FAKE_FRAME_BYTES), generator,
			     10, OWNER_GENERATOR);
		if (has_shims)
			fake_push_at(&fake, thread, fake_alloc(&fake.target, FAKE_FRAME_BYTES),
				     none, 0, OWNER_CSTACK);
		fake_push_at(&fake, thread, fake_frame_room(&fake, thread), code, 10,
			     OWNER_FRAME_OBJECT);
		struct pyframes *py = opened();
		read_stack(py, THREAD);
		assert_int_equal(frame_count, 3);
		assert_frame(0, "f", "a.py", 2);
		assert_frame(1, "g", "a.py", 51);
		assert_frame(2, "f", "a.py", 1);
		pyframes_close(py);
	}
}

static void test_the_frame_below_an_init_is_hidden_from_3_13_on(void **state)
{
	(void)state;
	FOR_EACH_BUILD(build) {
		if (build->minor < 13)
			continue;
		set_up(build);
		raddr name = fake_ascii(&fake, "__init__");
		raddr cleanup = fake_alloc(&fake.target, FAKE_OBJECT_BYTES);
		fake_put_code(&fake, cleanup, name, name, name, fake_linetable(&fake), 1);
		fake_push(&fake, thread, fake_code(&fake, "a.py", "make", "make", 3), 0);
		fake_push(&fake, thread, cleanup, 0);
		fake_push(&fake, thread, fake_code(&fake, "a.py", "__init__", "K.__init__", 9), 0);
		struct pyframes *py = opened();
		read_stack(py, THREAD);
		assert_int_equal(frame_count, 2);
		assert_frame(0, "K.__init__", "a.py", 9);
		assert_frame(1, "make", "a.py", 3);
		pyframes_close(py);
	}
}

/* As exec in a loop does: everything is freed, and the next code object gets the same addresses. */
static void test_code_that_took_the_place_of_other_code_is_noticed(void **state)
{
	(void)state;
	FOR_EACH_BUILD(build) {
		set_up(build);
		raddr name = fake_ascii(&fake, "f1");
		raddr filename = fake_ascii(&fake, "<string>");
		raddr linetable = fake_linetable(&fake);
		raddr code = fake_alloc(&fake.target, FAKE_OBJECT_BYTES);
		fake_put_code(&fake, code, filename, name, name, linetable, 1);
		fake_push(&fake, thread, code, 10);
		struct pyframes *py = opened();
		read_stack(py, THREAD);
		assert_frame(0, "f1", "<string>", 2);

		fake_put(&fake.target, name + fake.py.unicode.ascii_data, "f2", 2);
		fake_put_code(&fake, code, filename, name, name, linetable, 1);
		read_stack(py, THREAD);
		assert_frame(0, "f2", "<string>", 2);

		/* The line table's last byte, and so the line. */
		size_t len = fake_word(&fake.target, linetable + fake.py.bytes.size);
		*(uint8_t *)fake_at(&fake.target, linetable + fake.py.bytes.data + len - 1) = 4;
		fake_put_code(&fake, code, filename, name, name, linetable, 1);
		read_stack(py, THREAD);
		assert_true(frames[0]->line > 2);

		fake_put_code(&fake, code, filename, name, name, linetable, 40);
		read_stack(py, THREAD);
		assert_true(frames[0]->line > 40);
		pyframes_close(py);
	}
}

static void test_a_thread_that_took_the_place_of_another_is_noticed(void **state)
{
	(void)state;
	FOR_EACH_BUILD(build) {
		set_up(build);
		fake_push(&fake, thread, fake_code(&fake, "a.py", "old", "old", 1), 0);
		struct pyframes *py = opened();
		read_stack(py, THREAD);
		assert_frame(0, "old", "a.py", 1);

		/* The old state is unlinked, and freed without being touched. */
		raddr head = fake.interpreter + fake.py.interpreter.threads_head;
		fake_put_word(&fake.target, head, 0);
		raddr young = fake_thread(&fake, fake.interpreter, THREAD);
		fake_push(&fake, young, fake_code(&fake, "a.py", "new", "new", 7), 0);
		read_stack(py, THREAD);
		assert_frame(0, "new", "a.py", 7);

		fake_put_word(&fake.target, young + fake.py.thread.thread_id, OTHER_THREAD);
		read_stack(py, THREAD);
		assert_int_equal(frame_count, 0);
		pyframes_close(py);
	}
}

/* A thread's state is freed without being touched, its thread pointer goes to a new thread, and
 * another new thread gets the very memory of the state at the head of the list. */
static void test_a_reused_head_of_the_list_does_not_prove_that_nothing_changed(void **state)
{
	(void)state;
	FOR_EACH_BUILD(build) {
		set_up(build);
		fake_push(&fake, thread, fake_code(&fake, "a.py", "old", "old", 1), 0);
		raddr first = fake_thread(&fake, fake.interpreter, OTHER_THREAD);
		struct pyframes *py = opened();
		read_stack(py, THREAD);
		assert_frame(0, "old", "a.py", 1);

		raddr young = fake_thread(&fake, fake.interpreter, THREAD);
		fake_push(&fake, young, fake_code(&fake, "a.py", "new", "new", 7), 0);
		fake_put_word(&fake.target, young + fake.py.thread.next, 0);
		fake_put_word(&fake.target, first + fake.py.thread.next, young);
		fake_put_word(&fake.target, first + fake.py.thread.id, 99);
		fake_put_word(&fake.target, fake.interpreter + fake.py.interpreter.threads_head,
			      first);
		read_stack(py, THREAD);
		assert_frame(0, "new", "a.py", 7);
		pyframes_close(py);
	}
}

static void test_a_new_threads_state_is_not_taken_for_its_parents(void **state)
{
	(void)state;
	/* Up to 3.11 it has the parent's thread pointer until it runs. */
	for (unsigned minor = 8; minor <= 11; minor++) {
		set_up_minor(minor);
		fake_push(&fake, thread, fake_code(&fake, "a.py", "parent", "parent", 1), 0);
		fake_thread(&fake, fake.interpreter, THREAD);
		struct pyframes *py = opened();
		read_stack(py, THREAD);
		assert_frame(0, "parent", "a.py", 1);
		pyframes_close(py);
	}
}

static void test_the_interpreter_that_a_thread_is_in_now_has_its_stack(void **state)
{
	(void)state;
	FOR_EACH_BUILD(build) {
		set_up(build);
		fake_push(&fake, thread, fake_code(&fake, "a.py", "outer", "outer", 1), 0);
		raddr inner = fake_thread(&fake, fake_interpreter(&fake), THREAD);
		fake_push(&fake, inner, fake_code(&fake, "a.py", "inner", "inner", 1), 0);
		raddr states[] = { thread, inner, thread };
		struct pyframes *py = opened();
		for (size_t i = 0; i < ARRAY_LEN(states); i++) {
			if (fake.py.runtime.current_thread != OFFSET_NONE) {
				fake_put_word(&fake.target,
					      fake.runtime + fake.py.runtime.current_thread,
					      states[i]);
			} else {
				uint32_t status = fake.py.thread.status;
				fake_put_int(&fake.target, thread + status, 1 | THREAD_BOUND);
				fake_put_int(&fake.target, inner + status, 1 | THREAD_BOUND);
				fake_put_int(&fake.target, states[i] + status,
					     1 | THREAD_BOUND | THREAD_ACTIVE);
			}
			read_stack(py, THREAD);
			assert_frame(0, states[i] == inner ? "inner" : "outer", "a.py", 1);
		}
		pyframes_close(py);
	}
}

/* A thread enters a subinterpreter by a state that another thread has made, and that thread's
 * pointer stays in it (up to 3.12). */
static void test_a_state_of_another_threads_making_is_found_by_stack_or_gil(void **state)
{
	(void)state;
	enum { STACK_BYTES = 4096, STACK_POINTER = 512, INNER = 1024, OUTER = 2048 };
	for (unsigned minor = 8; minor <= 12; minor++) {
		set_up_minor(minor);
		raddr stack = fake_alloc(&fake.target, STACK_BYTES);
		raddr creator = fake_thread(&fake, fake.interpreter, OTHER_THREAD);
		raddr inner = fake_thread(&fake, fake_interpreter(&fake), OTHER_THREAD);
		if (fake.py.cframe_frame != OFFSET_NONE) {
			uint32_t cframe = fake.py.thread.frame;
			fake_put_word(&fake.target, thread + cframe, stack + OUTER);
			fake_put_word(&fake.target, inner + cframe, stack + INNER);
			fake_put_word(&fake.target, creator + cframe, stack - STACK_BYTES);
		}
		fake_push(&fake, thread, fake_code(&fake, "a.py", "run", "run", 1), 0);
		fake_push(&fake, inner, fake_code(&fake, "a.py", "inner", "inner", 1), 0);
		fake_set_running(&fake, inner);

		const struct allocators pymalloc = { .mode = ALLOCATOR_PYMALLOC };
		struct gate_spec specs[PYFRAMES_SPECS_MAX];
		allocators_specs(&pymalloc, specs);
		struct pyframes_thread standing = { .thread_pointer = THREAD };
		struct pyframes *py = opened();
		read_stack_of(py, &standing);
		assert_frame(0, "run", "a.py", 1);
		if (fake.py.cframe_frame != OFFSET_NONE)
			standing.stack_pointer = stack + STACK_POINTER;
		else
			standing.gate = &specs[0];
		read_stack_of(py, &standing);
		assert_frame(0, "inner", "a.py", 1);
		pyframes_close(py);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_stack_is_read_in_every_version),
		cmocka_unit_test(test_equal_frames_are_one_pointer),
		cmocka_unit_test(test_each_thread_has_its_own_stack),
		cmocka_unit_test(test_deep_stacks_are_read_whole_and_too_deep_ones_cut),
		cmocka_unit_test(test_a_known_stack_is_read_in_one_call),
		cmocka_unit_test(test_a_stack_that_has_grown_is_read_in_few_calls),
		cmocka_unit_test(test_frames_that_changed_since_the_last_time_are_read_anew),
		cmocka_unit_test(test_generator_frames_and_shims_lie_elsewhere),
		cmocka_unit_test(test_the_frame_below_an_init_is_hidden_from_3_13_on),
		cmocka_unit_test(test_code_that_took_the_place_of_other_code_is_noticed),
		cmocka_unit_test(test_a_thread_that_took_the_place_of_another_is_noticed),
		cmocka_unit_test(
			test_a_reused_head_of_the_list_does_not_prove_that_nothing_changed),
		cmocka_unit_test(test_a_new_threads_state_is_not_taken_for_its_parents),
		cmocka_unit_test(test_the_interpreter_that_a_thread_is_in_now_has_its_stack),
		cmocka_unit_test(test_a_state_of_another_threads_making_is_found_by_stack_or_gil),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
