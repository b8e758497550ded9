/* SPDX-License-Identifier: MIT */
#include "pyframes/unicode.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/pyframes/fake_python.h"

static struct fake_python fake;

static void assert_reads(raddr str, const char *expected)
{
	OWNED_FREE char *text = NULL;
	size_t object_bytes;
	struct error err;
	assert_true(unicode_read(&fake.target.memory, &fake.py, str, &text, &object_bytes, &err));
	assert_string_equal(text, expected);
}

static void assert_refused(raddr str, enum error_kind kind)
{
	char *text = NULL;
	size_t object_bytes = 7;
	struct error err;
	assert_false(unicode_read(&fake.target.memory, &fake.py, str, &text, &object_bytes, &err));
	assert_int_equal(err.kind, kind);
	assert_null(text);
	assert_int_equal(object_bytes, 7);
}

static void test_every_kind_becomes_utf8_in_every_version(void **state)
{
	(void)state;
	static const uint8_t latin1[] = { 'n', 0xe9, 0xff };
	static const uint16_t ucs2[] = { 0x540d, 'a', 0x524d };
	static const uint32_t ucs4[] = { 0x1d11e, 'f', 0x10ffff };
	FOR_EACH_BUILD(build) {
		fake_build_init(&fake, build);
		assert_reads(fake_ascii(&fake, "render"), "render");
		assert_reads(fake_ascii(&fake, ""), "");
		assert_reads(fake_str(&fake, 1, false, latin1, 3), "n\u00e9\u00ff");
		assert_reads(fake_str(&fake, 2, false, ucs2, 3), "\u540da\u524d");
		assert_reads(fake_str(&fake, 4, false, ucs4, 3), "\U0001d11ef\U0010ffff");
	}
}

static void test_what_is_no_character_is_replaced(void **state)
{
	(void)state;
	static const uint16_t surrogate[] = { '/', 0xdc80, 'b' };
	static const uint32_t beyond[] = { 0x110000, 0xffffffff };
	fake_python_init(&fake, 12);
	assert_reads(fake_str(&fake, 2, false, surrogate, 3), "/\ufffdb");
	assert_reads(fake_str(&fake, 4, false, beyond, 2), "\ufffd\ufffd");
}

static void test_a_text_that_does_not_end_where_it_says_is_refused(void **state)
{
	(void)state;
	static const uint16_t ucs2[] = { 'a', 0, 'b' };
	FOR_EACH_BUILD(build) {
		fake_build_init(&fake, build);
		assert_refused(fake_str(&fake, 1, true, "a\0b", 3), ERROR_FORMAT);
		assert_refused(fake_str(&fake, 2, false, ucs2, 3), ERROR_FORMAT);
		raddr str = fake_ascii(&fake, "render");
		fake_put(&fake.target, str + fake.py.unicode.ascii_data + 6, "!", 1);
		assert_refused(str, ERROR_FORMAT);
	}
}

static void test_the_size_of_the_object_includes_its_terminator(void **state)
{
	(void)state;
	static const uint16_t ucs2[] = { 0x540d, 0x524d };
	OWNED_FREE char *text = NULL;
	size_t object_bytes;
	struct error err;
	fake_python_init(&fake, 12);
	raddr str = fake_str(&fake, 2, false, ucs2, 2);
	assert_true(unicode_read(&fake.target.memory, &fake.py, str, &text, &object_bytes, &err));
	assert_int_equal(object_bytes, 56 + 6);
}

static void test_what_is_no_compact_str_is_refused(void **state)
{
	(void)state;
	static const uint32_t states[] = {
		0, 1 << 2, 1 << 5, 3 << 2 | 1 << 5, 7 << 2 | 1 << 5, 2 << 2 | 1 << 5 | 1 << 6
	};
	fake_python_init(&fake, 11);
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		raddr str = fake_ascii(&fake, "name");
		fake_put_int(&fake.target, str + fake.py.unicode.state, states[i]);
		assert_refused(str, ERROR_FORMAT);
	}
}

static void test_absurd_lengths_are_refused(void **state)
{
	(void)state;
	static const uint64_t lengths[] = { UNICODE_LENGTH_MAX + 1, UINT64_MAX, INT64_MAX,
					    UINT64_C(1) << 62 };
	fake_python_init(&fake, 11);
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		raddr str = fake_ascii(&fake, "name");
		fake_put_word(&fake.target, str + fake.py.unicode.length, lengths[i]);
		assert_refused(str, ERROR_FORMAT);

		uint8_t *bytes = NULL;
		size_t len;
		struct error err;
		assert_false(
			bytes_read(&fake.target.memory, &fake.py, str, 1000, &bytes, &len, &err));
		assert_int_equal(err.kind, ERROR_FORMAT);
	}
}

static void test_unreadable_text_is_a_read_error(void **state)
{
	(void)state;
	fake_python_init(&fake, 11);
	assert_refused(0x1234, ERROR_READ);

	raddr last = fake_ascii(&fake, "name");
	fake_put_word(&fake.target, last + fake.py.unicode.length, 4000);
	assert_refused(last, ERROR_READ);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kind_becomes_utf8_in_every_version),
		cmocka_unit_test(test_what_is_no_character_is_replaced),
		cmocka_unit_test(test_a_text_that_does_not_end_where_it_says_is_refused),
		cmocka_unit_test(test_the_size_of_the_object_includes_its_terminator),
		cmocka_unit_test(test_what_is_no_compact_str_is_refused),
		cmocka_unit_test(test_absurd_lengths_are_refused),
		cmocka_unit_test(test_unreadable_text_is_a_read_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
