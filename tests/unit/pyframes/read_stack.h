/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_PYFRAMES_READ_STACK_H
#define TESTS_UNIT_PYFRAMES_READ_STACK_H

/**
 * @file
 * One interpreter of synthetic memory (fake_python.h) and the stack that was last read of it. One
 * test program includes this once, behind cmocka.
 */

#include "pyframes/pyframes.h"
#include "tests/unit/pyframes/fake_python.h"

enum { THREAD = 0x7f001700, OTHER_THREAD = 0x7f002700 };

static struct fake_python fake;
static raddr thread;
static const struct frame *frames[FRAME_DEPTH_MAX];
static size_t frame_count;
static bool is_truncated;

static inline void set_up(const struct fake_build *build)
{
	fake_build_init(&fake, build);
	thread = fake_thread(&fake, fake.interpreter, THREAD);
}

/* A build with the GIL. */
static inline void set_up_minor(unsigned minor)
{
	set_up(&(struct fake_build){ .minor = minor });
}

static inline struct pyframes *opened(void)
{
	struct pyframes *py = NULL;
	struct error err;
	if (!pyframes_open(&fake.target.memory, &fake.target.symbols, &fake.target.loads, &py,
			   &err))
		fail_msg("%s", err.context);
	return py;
}

static inline void read_stack_of(struct pyframes *py, const struct pyframes_thread *standing)
{
	struct error err;
	if (!pyframes_stack(py, standing, frames, &frame_count, &is_truncated, &err))
		fail_msg("%s", err.context);
}

static inline void read_stack(struct pyframes *py, raddr thread_pointer)
{
	read_stack_of(py, &(struct pyframes_thread){ .thread_pointer = thread_pointer });
}

static inline void assert_frame(size_t i, const char *function, const char *file, int line)
{
	assert_true(i < frame_count);
	assert_string_equal(frames[i]->function, function);
	assert_string_equal(frames[i]->file, file);
	assert_int_equal(frames[i]->line, line);
}

/* The name that the version gives: the qualified one where it has one. */
static inline const char *qualified(const char *qualname, const char *name)
{
	return fake.py.code.qualname == OFFSET_NONE ? name : qualname;
}

#endif
