/* SPDX-License-Identifier: MIT */
#include "pyframes/pyframes.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "pyframes/allocators.h"
#include "pyframes/runtime.h"
#include "tests/unit/pyframes/fake_python.h"

enum { THREAD = 0x7f001700 };

static struct fake_python fake;
static raddr thread;

static void set_up(const struct fake_build *build)
{
	fake_build_init(&fake, build);
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
	fake_put_word(&fake.target, version, 0x031002f0);
	fake_export(&fake.target, "Py_Version", version, FAKE_IMAGE);
	assert_refuses_to_open(ERROR_UNSUPPORTED, "CPython 3.16.2 ");

	for (unsigned minor = 14; minor <= 15; minor++) {
		char says[32];
		snprintf(says, sizeof(says), "CPython 3.%u.2t ", minor);
		fake_python_init(&fake, minor);
		fake_put_word(&fake.target, fake.runtime + 16, 1);
		fake_thread(&fake, fake.interpreter, THREAD);
		assert_refuses_to_open(ERROR_UNSUPPORTED, says);
	}
}

static void test_an_interpreter_that_is_not_ready_is_to_be_tried_again(void **state)
{
	(void)state;
	FOR_EACH_BUILD(build) {
		fake_build_init(&fake, build);
		assert_refuses_to_open(ERROR_TIMEOUT, "thread");
		fake_put_word(&fake.target, fake.runtime + fake.py.runtime.interpreters_head, 0);
		assert_refuses_to_open(ERROR_TIMEOUT, "not initialised");
	}
}

static void test_the_runtime_that_has_interpreters_is_taken(void **state)
{
	(void)state;
	set_up(&(struct fake_build){ .minor = 11 });
	fake_push(&fake, thread, fake_code(&fake, "a.py", "f", "f", 1), 0);
	/* An unused libpython comes first. */
	fake.target.symbol_list[0].symbol = (struct symbol){
		.address = fake_alloc(&fake.target, FAKE_RUNTIME_BYTES),
		.image = "/usr/lib/unused.so",
	};
	fake_export(&fake.target, "_PyRuntime", fake.runtime, FAKE_IMAGE);
	struct pyframes *py;
	struct error err;
	assert_true(try_open(&py, &err));
	assert_string_equal(pyframes_version(py), "3.11.2");
	const struct frame *frames[FRAME_DEPTH_MAX];
	size_t frame_count;
	bool is_truncated;
	assert_true(pyframes_stack(py, &(struct pyframes_thread){ .thread_pointer = THREAD },
				   frames, &frame_count, &is_truncated, &err));
	assert_int_equal(frame_count, 1);
	pyframes_close(py);
}

/* As with R_X86_64_COPY: all objects are of the executable's types. */
static void test_an_executables_copies_of_the_types_are_used(void **state)
{
	(void)state;
	FOR_EACH_BUILD(build) {
		set_up(build);
		size_t own_count = fake.target.symbol_count;
		for (size_t i = 0; i < own_count; i++)
			if (strcmp(fake.target.symbol_list[i].symbol.image, FAKE_IMAGE) == 0 &&
			    strstr(fake.target.symbol_list[i].name, "_Type"))
				fake.target.symbol_list[i].symbol.image = "/srv/embedder";
		fake_type(&fake, "PyType_Type", "type");
		fake_type(&fake, "PyCode_Type", "code");
		fake_type(&fake, "PyUnicode_Type", "str");
		fake_type(&fake, "PyBytes_Type", "bytes");
		fake_push(&fake, thread, fake_code(&fake, "a.py", "f", "f", 1), 0);
		struct pyframes *py;
		struct error err;
		assert_true(try_open(&py, &err));
		pyframes_close(py);
	}
}

/* Two threads with frames, one of which runs, as at a stop. */
static void set_up_running(const struct fake_build *build)
{
	set_up(build);
	fake_push(&fake, thread, fake_code(&fake, "/srv/app.py", "outer", "outer", 1), 4);
	fake_push(&fake, thread, fake_code(&fake, "/srv/app.py", "inner", "inner", 9), 8);
	raddr other = fake_thread(&fake, fake.interpreter, THREAD + 0x1000);
	fake_push(&fake, other, fake_code(&fake, "/srv/app.py", "other", "other", 1), 4);
	fake_set_running(&fake, thread);
}

/* Open the fake target as if it were laid out as `table` says. */
static bool passes_for(const struct py_offsets *table)
{
	struct runtime runtime = {
		.symbol = { .address = fake.runtime,
			    .size = fake.py.runtime.size ? fake.py.runtime.size
							 : FAKE_RUNTIME_BYTES,
			    .image = FAKE_IMAGE },
		.version = { .minor = table->minor, .is_free_threaded = table->is_free_threaded },
		.offsets = *table,
	};
	struct pyframes *py = NULL;
	struct error err;
	if (!runtime_complete(&fake.target.memory, &fake.target.symbols, &runtime, &err) ||
	    !pyframes_open_runtime(&fake.target.memory, &fake.target.symbols, &fake.target.loads,
				   &runtime, &py, &err))
		return false;
	const struct allocators pymalloc = { .mode = ALLOCATOR_PYMALLOC };
	struct gate_spec specs[PYFRAMES_SPECS_MAX];
	assert_true(allocators_specs(&pymalloc, specs) > GATE_REALLOC);
	bool is_checked;
	const struct pyframes_thread standing = { .thread_pointer = THREAD,
						  .gate = &specs[GATE_REALLOC] };
	bool passes = pyframes_check_stop(py, &standing, 0, &is_checked, &err);
	assert_true(is_checked);
	pyframes_close(py);
	return passes;
}

/* A wrong table does not fail by itself, it lies: every build's memory is read with every other
 * build's table. */
static void test_a_wrong_table_is_refused(void **state)
{
	(void)state;
	FOR_EACH_BUILD(build) {
		set_up_running(build);
		FOR_EACH_BUILD(other) {
			bool is_right = other == build;
			if (passes_for(py_offsets_find(other->minor, other->is_free_threaded)) !=
			    is_right)
				fail_msg("3.%u%s read as 3.%u%s: %s", build->minor,
					 build->is_free_threaded ? "t" : "", other->minor,
					 other->is_free_threaded ? "t" : "",
					 is_right ? "is refused" : "passes");
		}
	}
}

static void assert_refused_for_its_end(void)
{
	enum { READS_MAX = 1000 };
	fake.target.read_calls = 0;
	assert_refuses_to_open(ERROR_UNSUPPORTED, "has no end");
	assert_in_range(fake.target.read_calls, 1, READS_MAX);
}

/* A target that was read at a bad moment is tried thirty times: that must not take seconds. */
static void test_lists_that_lead_back_into_themselves_are_refused_soon(void **state)
{
	(void)state;
	FOR_EACH_BUILD(build) {
		set_up(build);
		raddr newest = fake_thread(&fake, fake.interpreter, THREAD);
		fake_put_word(&fake.target, thread + fake.py.thread.next, newest);
		assert_refused_for_its_end();

		set_up(build);
		raddr head = fake_interpreter(&fake);
		fake_put_word(&fake.target, fake.interpreter + fake.py.interpreter.next, head);
		assert_refused_for_its_end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_processes_that_are_no_supported_cpython_are_named),
		cmocka_unit_test(test_an_interpreter_that_is_not_ready_is_to_be_tried_again),
		cmocka_unit_test(test_the_runtime_that_has_interpreters_is_taken),
		cmocka_unit_test(test_an_executables_copies_of_the_types_are_used),
		cmocka_unit_test(test_a_wrong_table_is_refused),
		cmocka_unit_test(test_lists_that_lead_back_into_themselves_are_refused_soon),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
