/* SPDX-License-Identifier: MIT */
#include "pyframes/version.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "pyframes/debug_offsets.h"
#include "tests/unit/pyframes/fake_python.h"

static struct fake_python fake;

static struct symbol runtime_symbol(void)
{
	return (struct symbol){ .address = fake.runtime, .image = FAKE_IMAGE };
}

static void assert_detects(const char *expected)
{
	struct symbol runtime = runtime_symbol();
	struct version version;
	struct error err;
	char text[16];
	assert_true(version_detect(&fake.target.memory, &fake.target.symbols, &runtime, &version,
				   &err));
	assert_string_equal(version_format(&version, text, sizeof(text)), expected);
}

static void test_the_exported_functions_tell_3_7_to_3_10(void **state)
{
	(void)state;
	static const char *const expected[] = { "3.8", "3.9", "3.10" };
	for (unsigned minor = 8; minor <= 10; minor++) {
		fake_python_init(&fake, minor);
		assert_detects(expected[minor - 8]);
	}
	fake_init(&fake.target);
	assert_detects("3.7");
}

static void test_py_version_tells_from_3_11_on(void **state)
{
	(void)state;
	fake_python_init(&fake, 11);
	assert_detects("3.11.2");
	fake_python_init(&fake, 13);
	assert_detects("3.13.2");
}

static void test_the_image_that_has_the_runtime_decides(void **state)
{
	(void)state;
	fake_init(&fake.target);
	raddr other = fake_alloc(&fake.target, 8);
	raddr own = fake_alloc(&fake.target, 8);
	fake_put_word(&fake.target, other, 0x030b01f0);
	fake_put_word(&fake.target, own, 0x030c04f0);
	fake_export(&fake.target, "Py_Version", other, "/usr/bin/embedder");
	fake_export(&fake.target, "Py_Version", own, FAKE_IMAGE);
	assert_detects("3.12.4");
}

/* A Py_GetVersion whose code holds the distance to a text. */
static void export_get_version(const char *text)
{
	raddr function = fake_alloc(&fake.target, 256);
	raddr string = fake_alloc(&fake.target, 64);
	fake_put(&fake.target, string, text, strlen(text));
	fake_put_int(&fake.target, function + 21, (uint32_t)(string - (function + 25)));
	fake_export(&fake.target, "Py_GetVersion", function, FAKE_IMAGE);
}

static void test_the_micro_version_is_read_from_the_text_that_py_get_version_uses(void **state)
{
	(void)state;
	fake_python_init(&fake, 9);
	export_get_version("3.9.18 (main, Nov 23 2026, 08:13:00)");
	assert_detects("3.9.18");
	fake_python_init(&fake, 10);
	export_get_version("3.10.3");
	assert_detects("3.10.3");
}

static void test_texts_that_are_no_version_of_this_minor_are_not_believed(void **state)
{
	(void)state;
	static const char *const texts[] = { "3.8.18 (main", "3.9.18rc1", "3.9.", "3.9.1/x",
					     "13.9.1" };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		fake_python_init(&fake, 9);
		export_get_version(texts[i]);
		assert_detects("3.9");
	}
}

static void test_pre_releases_are_refused(void **state)
{
	(void)state;
	static const uint64_t hexes[] = { 0x030d00a1, 0x030d00b4, 0x030d00c1 };
	struct version version = { .minor = 77 };
	struct error err;
	for (size_t i = 0; i < ARRAY_LEN(hexes); i++) {
		assert_false(version_from_hex(hexes[i], &version, &err));
		assert_int_equal(err.kind, ERROR_UNSUPPORTED);
		assert_non_null(strstr(err.context, "pre-release"));
	}
	assert_false(version_from_hex(0, &version, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_false(version_from_hex(UINT64_MAX, &version, &err));
	assert_int_equal(version.minor, 77);
}

static bool apply(struct py_offsets *py, struct error *err)
{
	*py = *py_offsets_find(fake.py.minor, fake.py.is_free_threaded);
	return debug_offsets_apply(&fake.target.memory, fake.runtime, py, err);
}

/* The builds that have debug offsets. */
static bool set_up(const struct fake_build *build)
{
	fake_build_init(&fake, build);
	return fake.py.has_debug_offsets;
}

static void test_debug_offsets_tell_builds_with_the_gil_from_those_without(void **state)
{
	(void)state;
	FOR_EACH_BUILD(build) {
		struct error err;
		bool is_free_threaded = !build->is_free_threaded;
		if (!set_up(build))
			continue;
		assert_true(debug_offsets_identify(&fake.target.memory, fake.runtime, build->minor,
						   &is_free_threaded, &err));
		assert_int_equal(is_free_threaded, build->is_free_threaded);
	}
}

static void test_debug_offsets_that_agree_change_nothing(void **state)
{
	(void)state;
	FOR_EACH_BUILD(build) {
		struct py_offsets py;
		struct error err;
		if (!set_up(build))
			continue;
		assert_true(apply(&py, &err));
		assert_memory_equal(&py, &fake.py, sizeof(py));
	}
}

static void test_debug_offsets_move_what_may_move(void **state)
{
	(void)state;
	FOR_EACH_BUILD(build) {
		struct py_offsets py;
		struct error err;
		if (!set_up(build))
			continue;
		struct py_offsets before = fake.py;
		fake.py.runtime.interpreters_head += 8;
		fake.py.interpreter.threads_head += 16;
		fake_put_debug_offsets(&fake, 0x030002f0 | (uint64_t)build->minor << 16);
		assert_true(apply(&py, &err));
		assert_int_equal(py.runtime.interpreters_head,
				 before.runtime.interpreters_head + 8);
		assert_int_equal(py.runtime.initialized, before.runtime.initialized + 8);
		assert_int_equal(py.runtime.allocator_tables, before.runtime.allocator_tables + 8);
		assert_int_equal(py.interpreter.threads_head, before.interpreter.threads_head + 16);
	}
}

static void assert_not_identified(unsigned at, uint64_t value, enum error_kind kind,
				  const char *says)
{
	struct error err;
	bool is_free_threaded = true;
	fake_python_init(&fake, 13);
	fake_put_word(&fake.target, fake.runtime + at, value);
	assert_false(debug_offsets_identify(&fake.target.memory, fake.runtime, 13,
					    &is_free_threaded, &err));
	assert_int_equal(err.kind, kind);
	assert_non_null(strstr(err.context, says));
	assert_true(is_free_threaded);
}

static void test_debug_offsets_of_another_version_are_refused(void **state)
{
	(void)state;
	assert_not_identified(0, 0, ERROR_FORMAT, "no debug offsets");
	assert_not_identified(8, 0x030d00b1, ERROR_UNSUPPORTED, "pre-release");
	assert_not_identified(8, 0x030e00f0, ERROR_FORMAT, "3.14");
}

static void test_debug_offsets_of_another_layout_are_refused_by_name(void **state)
{
	(void)state;
	static const struct {
		unsigned at;
		uint64_t value;
		const char *says;
	} cases[] = {
		{ 40, 65536, "runtime.interpreters_head" },
		{ 72, UINT64_MAX, "interpreter.threads_head" },
		{ 184, 73, "thread.frame" },
		{ 248, 48, "frame.position" },
		{ 344, 208, "code.bytecode" },
		{ 560, 48, "unicode.ascii_data" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct py_offsets py;
		struct error err;
		fake_python_init(&fake, 13);
		fake_put_word(&fake.target, fake.runtime + cases[i].at, cases[i].value);
		assert_false(apply(&py, &err));
		assert_int_equal(err.kind, ERROR_UNSUPPORTED);
		assert_non_null(strstr(err.context, cases[i].says));
		assert_memory_equal(&py, py_offsets_find(13, false), sizeof(py));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_exported_functions_tell_3_7_to_3_10),
		cmocka_unit_test(test_py_version_tells_from_3_11_on),
		cmocka_unit_test(test_the_image_that_has_the_runtime_decides),
		cmocka_unit_test(
			test_the_micro_version_is_read_from_the_text_that_py_get_version_uses),
		cmocka_unit_test(test_texts_that_are_no_version_of_this_minor_are_not_believed),
		cmocka_unit_test(test_pre_releases_are_refused),
		cmocka_unit_test(test_debug_offsets_tell_builds_with_the_gil_from_those_without),
		cmocka_unit_test(test_debug_offsets_that_agree_change_nothing),
		cmocka_unit_test(test_debug_offsets_move_what_may_move),
		cmocka_unit_test(test_debug_offsets_of_another_version_are_refused),
		cmocka_unit_test(test_debug_offsets_of_another_layout_are_refused_by_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
