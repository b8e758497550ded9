/* SPDX-License-Identifier: MIT */
#include "pyframes/pyframes.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/pyframes/fake_python.h"

enum { FIRST_MINOR = 8, LAST_MINOR = 13, THREAD = 0x7f001700 };

static struct fake_python fake;
static raddr thread;

static void set_up(unsigned minor)
{
	fake_python_init(&fake, minor);
	thread = fake_thread(&fake, fake.interpreter, THREAD);
}

static bool try_open(struct pyframes **ret, struct error *err)
{
	return pyframes_open(&fake.target.memory, &fake.target.symbols, &fake.target.loads, ret,
			     err);
}

static void assert_refuses_to_open(enum error_kind kind, const char *says)
{
	struct pyframes *py = NULL;
	struct error err;
	assert_false(try_open(&py, &err));
	assert_null(py);
	assert_int_equal(err.kind, kind);
	if (!strstr(err.context, says))
		fail_msg("says: %s", err.context);
}

static void test_processes_that_are_no_supported_cpython_are_named(void **state)
{
	(void)state;
	fake_init(&fake.target);
	assert_refuses_to_open(ERROR_UNSUPPORTED, "not a CPython process");
	fake_export(&fake.target, "Py_GetVersion", FAKE_CODE, FAKE_IMAGE);
	assert_refuses_to_open(ERROR_UNSUPPORTED, "3.6 or older");
	fake_export(&fake.target, "PyString_FromString", FAKE_CODE, FAKE_IMAGE);
	assert_refuses_to_open(ERROR_UNSUPPORTED, "CPython 2 ");

	fake_init(&fake.target);
	fake_export(&fake.target, "_PyRuntime", fake_alloc(&fake.target, 4096), FAKE_IMAGE);
	assert_refuses_to_open(ERROR_UNSUPPORTED, "CPython 3.7 ");
	raddr version = fake_alloc(&fake.target, 8);
	fake_put_word(&fake.target, version, 0x030e02f0);
	fake_export(&fake.target, "Py_Version", version, FAKE_IMAGE);
	assert_refuses_to_open(ERROR_UNSUPPORTED, "CPython 3.14.2 ");
}

static void test_an_interpreter_that_is_not_ready_is_to_be_tried_again(void **state)
{
	(void)state;
	for (unsigned minor = FIRST_MINOR; minor <= LAST_MINOR; minor++) {
		fake_python_init(&fake, minor);
		assert_refuses_to_open(ERROR_TIMEOUT, "thread");
		fake_put_word(&fake.target, fake.runtime + fake.py.runtime.interpreters_head, 0);
		assert_refuses_to_open(ERROR_TIMEOUT, "not initialised");
	}
}

static void test_the_runtime_that_has_interpreters_is_taken(void **state)
{
	(void)state;
	set_up(11);
	fake_push(&fake, thread, fake_code(&fake, "a.py", "f", "f", 1), 0);
	/* An unused libpython comes first. */
	fake.target.symbol_list[0].symbol.address = fake_alloc(&fake.target, FAKE_RUNTIME_BYTES);
	fake_export(&fake.target, "_PyRuntime", fake.runtime, FAKE_IMAGE);
	struct pyframes *py;
	struct error err;
	assert_true(try_open(&py, &err));
	assert_string_equal(pyframes_version(py), "3.11.2");
	const struct frame *frames[FRAME_DEPTH_MAX];
	size_t frame_count;
	bool is_truncated;
	assert_true(pyframes_stack(py, THREAD, frames, &frame_count, &is_truncated, &err));
	assert_int_equal(frame_count, 1);
	pyframes_close(py);
}

/* The memory of one version, said to be of the next. Up to 3.10 what leads to a code object and to
 * its names is the same, so that walking it cannot tell: there the exported functions decide. */
static void test_a_wrong_table_is_refused(void **state)
{
	(void)state;
	for (unsigned minor = 10; minor < LAST_MINOR; minor++) {
		set_up(minor);
		fake_push(&fake, thread, fake_code(&fake, "a.py", "outer", "outer", 1), 4);
		fake_push(&fake, thread, fake_code(&fake, "b.py", "inner", "inner", 9), 8);
		fake.target.symbol_count = 2; /* the runtime and the type, not the version */
		fake_export_version(&fake, minor + 1);
		struct pyframes *py = NULL;
		struct error err;
		if (try_open(&py, &err)) {
			pyframes_close(py);
			fail_msg("3.%u passes for 3.%u", minor, minor + 1);
		}
		assert_null(py);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_processes_that_are_no_supported_cpython_are_named),
		cmocka_unit_test(test_an_interpreter_that_is_not_ready_is_to_be_tried_again),
		cmocka_unit_test(test_the_runtime_that_has_interpreters_is_taken),
		cmocka_unit_test(test_a_wrong_table_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
