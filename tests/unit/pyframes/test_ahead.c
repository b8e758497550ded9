/* SPDX-License-Identifier: MIT */
#include "pyframes/ahead.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/pyframes/fake_target.h"

enum { THREAD = 0x7f0000001000, OTHER = 0x7f0000002000 };

static struct fake_target fake;
static struct ahead *ahead;

static int set_up(void **state)
{
	(void)state;
	fake_init(&fake);
	ahead = malloc(sizeof(*ahead));
	if (ahead)
		ahead_init(ahead, &fake.memory);
	return ahead ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	free(ahead);
	return 0;
}

static uint64_t word_of(raddr address)
{
	uint64_t word = 0;
	struct error err;
	assert_true(memory_read(&ahead->memory, address, &word, sizeof(word), &err));
	return word;
}

static raddr words(size_t count)
{
	raddr address = fake_alloc(&fake, count * 8);
	for (size_t i = 0; i < count; i++)
		fake_put_word(&fake, address + 8 * i, i);
	return address;
}

static void test_what_was_read_is_read_in_one_call(void **state)
{
	(void)state;
	raddr address = words(4);
	for (int stop = 0; stop < 3; stop++) {
		fake.read_calls = 0;
		ahead_begin(ahead, THREAD);
		for (uint64_t i = 0; i < 4; i++)
			assert_int_equal(word_of(address + 8 * i), i);
		ahead_end(ahead);
		assert_int_equal(fake.read_calls, stop == 0 ? 4 : 1);
	}
}

static void test_what_has_changed_between_stops_is_seen(void **state)
{
	(void)state;
	raddr address = words(2);
	for (uint64_t stop = 0; stop < 3; stop++) {
		fake_put_word(&fake, address, 100 + stop);
		ahead_begin(ahead, THREAD);
		assert_int_equal(word_of(address), 100 + stop);
		ahead_end(ahead);
		fake_put_word(&fake, address, 200 + stop);
		assert_int_equal(word_of(address), 200 + stop);
	}
}

static void test_gaps_and_news_are_read(void **state)
{
	(void)state;
	raddr address = words(8);
	ahead_begin(ahead, THREAD);
	for (size_t i = 0; i < 8; i += 2)
		(void)word_of(address + 8 * i);
	ahead_end(ahead);

	static const unsigned order[] = { 0, 3, 4, 7 };
	fake.read_calls = 0;
	ahead_begin(ahead, THREAD);
	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		assert_int_equal(word_of(address + 8 * order[i]), order[i]);
	ahead_end(ahead);
	assert_int_equal(fake.read_calls, 1 + 2);
}

static void test_each_thread_has_a_trail_of_its_own(void **state)
{
	(void)state;
	raddr address = words(2);
	for (int stop = 0; stop < 2; stop++) {
		fake.read_calls = 0;
		ahead_begin(ahead, THREAD);
		assert_int_equal(word_of(address), 0);
		ahead_end(ahead);
		ahead_begin(ahead, OTHER);
		assert_int_equal(word_of(address + 8), 1);
		ahead_end(ahead);
		assert_int_equal(fake.read_calls, 2);
	}
	/* And one that takes another's place has none. */
	ahead_begin(ahead, THREAD + ((raddr)AHEAD_TRAILS << 12));
	assert_int_equal(ahead->span_count, 0);
	ahead_end(ahead);
}

static void test_what_has_gone_is_no_error_until_it_is_asked_for(void **state)
{
	(void)state;
	raddr address = words(2);
	struct error err;
	uint64_t word;
	ahead_begin(ahead, THREAD);
	(void)word_of(address);
	(void)word_of(address + 8);
	ahead_end(ahead);

	fake.used -= 8;
	ahead_begin(ahead, THREAD);
	assert_int_equal(word_of(address), 0);
	assert_false(memory_read(&ahead->memory, address + 8, &word, sizeof(word), &err));
	assert_int_equal(err.kind, ERROR_READ);
	ahead_end(ahead);
}

static void test_more_than_there_is_room_for_is_read_all_the_same(void **state)
{
	(void)state;
	enum { MANY = 2 * AHEAD_SPANS_MAX + 5, LARGE = AHEAD_BYTES_MAX + 8 };
	static uint64_t read[MANY];
	static uint8_t large[LARGE];
	static struct memory_span spans[MANY];
	raddr address = words(MANY);
	raddr block = fake_alloc(&fake, LARGE);
	struct error err;
	for (int stop = 0; stop < 2; stop++) {
		memset(read, 0xff, sizeof(read));
		for (size_t i = 0; i < MANY; i++)
			spans[i] = (struct memory_span){ address + 8 * i, &read[i], 8, false };
		ahead_begin(ahead, THREAD);
		assert_true(memory_read_spans(&ahead->memory, spans, MANY, &err));
		assert_true(memory_read(&ahead->memory, block, large, sizeof(large), &err));
		ahead_end(ahead);
		for (size_t i = 0; i < MANY; i++)
			assert_int_equal(read[i], i);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_what_was_read_is_read_in_one_call),
		TEST(test_what_has_changed_between_stops_is_seen),
		TEST(test_gaps_and_news_are_read),
		TEST(test_each_thread_has_a_trail_of_its_own),
		TEST(test_what_has_gone_is_no_error_until_it_is_asked_for),
		TEST(test_more_than_there_is_room_for_is_read_all_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
