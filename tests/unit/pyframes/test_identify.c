/* SPDX-License-Identifier: MIT */
#include "pyframes/identify.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/pyframes/fake_python.h"

static struct fake_python fake;

/* A Py_GetVersion whose code holds the distance to a text. */
static void export_get_version(const char *text)
{
	raddr function = fake_alloc(&fake.target, 256);
	raddr string = fake_alloc(&fake.target, 64);
	fake_put(&fake.target, string, text, strlen(text));
	fake_put_int(&fake.target, function + 21, (uint32_t)(string - (function + 25)));
	fake_export(&fake.target, "Py_GetVersion", function, FAKE_IMAGE);
}

static void assert_identity(const char *expected)
{
	char version[IDENTITY_BYTES] = "untouched";
	assert_true(identify_python(&fake.target.memory, &fake.target.symbols, version));
	assert_string_equal(version, expected);
}

static void test_what_has_no_py_get_version_is_no_python(void **state)
{
	(void)state;
	char version[IDENTITY_BYTES];
	fake_init(&fake.target);
	fake_export(&fake.target, "main", fake_alloc(&fake.target, 16), FAKE_IMAGE);
	assert_false(identify_python(&fake.target.memory, &fake.target.symbols, version));
}

static void test_versions_before_the_runtime_are_told_from_their_text(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *expected;
	} cases[] = {
		{ "2.7.18", "2.7.18" },	  { "3.6.15 (default, Nov 23 2026)", "3.6.15" },
		{ "2.7.18+", "2.7.18+" }, { "3.6.0rc2", "3.6.0rc2" },
		{ "1.5.2", "" },	  { "3.6", "" },
		{ "3.6.1/lib", "" },	  { "3.6.1111111111111111", "" },
		{ "13.6.1", "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		fake_init(&fake.target);
		export_get_version(cases[i].text);
		assert_identity(cases[i].expected);
	}
}

static void test_versions_without_a_table_are_told_as_well(void **state)
{
	(void)state;
	static const struct {
		uint64_t hex;
		const char *expected;
	} cases[] = {
		{ 0x030b02f0, "3.11.2" },    { 0x030e01f0, "3.14.1" },
		{ 0x030f00a3, "3.15.0a3" },  { 0x030d00c2, "3.13.0rc2" },
		{ 0x03fffff0, "3.255.255" }, { 0x030d0010, "" },
		{ 0x040000f0, "" },	     { UINT64_MAX, "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		fake_init(&fake.target);
		raddr hex = fake_alloc(&fake.target, 8);
		fake_put_word(&fake.target, hex, cases[i].hex);
		export_get_version("");
		fake_export(&fake.target, "Py_Version", hex, FAKE_IMAGE);
		assert_identity(cases[i].expected);
	}
}

static void test_exported_functions_tell_the_minor_version_at_least(void **state)
{
	(void)state;
	fake_python_init(&fake, 9);
	export_get_version("");
	assert_identity("3.9");
	fake_python_init(&fake, 10);
	export_get_version("3.10.13 (main)");
	assert_identity("3.10.13");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_has_no_py_get_version_is_no_python),
		cmocka_unit_test(test_versions_before_the_runtime_are_told_from_their_text),
		cmocka_unit_test(test_versions_without_a_table_are_told_as_well),
		cmocka_unit_test(test_exported_functions_tell_the_minor_version_at_least),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
