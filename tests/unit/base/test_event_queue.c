/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/event_queue.h"

static struct event_queue *make_queue(size_t max_bytes)
{
	struct error err;
	struct event_queue *queue;
	assert_true(event_queue_create(max_bytes, &queue, &err));
	return queue;
}

static bool push(struct event_queue *queue, const void *data, size_t len)
{
	void *room = event_queue_reserve(queue, len);
	if (!room)
		return false;
	memcpy(room, data, len);
	event_queue_commit(queue, len);
	return true;
}

static void test_records_come_out_whole_and_in_order(void **state)
{
	(void)state;
	struct event_queue *queue = make_queue(1 << 20);
	assert_true(push(queue, "one", 4));
	assert_true(push(queue, "", 0));
	assert_true(push(queue, "three", 6));

	size_t len;
	assert_string_equal(event_queue_peek(queue, &len), "one");
	assert_int_equal(len, 4);
	assert_string_equal(event_queue_peek(queue, &len), "one");
	event_queue_pop(queue);
	assert_non_null(event_queue_peek(queue, &len));
	assert_int_equal(len, 0);
	event_queue_pop(queue);
	assert_string_equal(event_queue_peek(queue, &len), "three");
	event_queue_pop(queue);
	assert_null(event_queue_peek(queue, &len));
	event_queue_destroy(queue);
}

static void test_commit_passes_on_only_what_was_filled_in(void **state)
{
	(void)state;
	struct event_queue *queue = make_queue(1 << 20);
	uint64_t *room = event_queue_reserve(queue, 4096);
	assert_int_equal((uintptr_t)room % 8, 0);
	*room = 7;
	size_t len;
	assert_null(event_queue_peek(queue, &len));
	event_queue_commit(queue, sizeof(*room));
	assert_true(push(queue, "next", 5));

	const uint64_t *seen = event_queue_peek(queue, &len);
	assert_int_equal(*seen, 7);
	assert_int_equal(len, sizeof(*room));
	event_queue_pop(queue);
	assert_string_equal(event_queue_peek(queue, &len), "next");
	event_queue_destroy(queue);
}

static void test_a_full_queue_refuses_until_it_is_read(void **state)
{
	(void)state;
	enum { CHUNKS = 4 };
	static const unsigned char record[4096];
	struct event_queue *queue = make_queue((size_t)CHUNKS * EVENT_QUEUE_CHUNK_BYTES);

	size_t count = 0;
	while (push(queue, record, sizeof(record)))
		count++;
	assert_in_range(count, CHUNKS * 14, CHUNKS * 16);
	assert_int_equal(event_queue_room(queue), 0);

	size_t len;
	for (size_t i = 0; i < count; i++) {
		assert_non_null(event_queue_peek(queue, &len));
		event_queue_pop(queue);
	}
	assert_null(event_queue_peek(queue, &len));
	assert_true(push(queue, record, sizeof(record)));
	event_queue_destroy(queue);
}

static void test_a_record_too_large_is_refused(void **state)
{
	(void)state;
	struct event_queue *queue = make_queue(1 << 20);
	assert_non_null(event_queue_reserve(queue, EVENT_QUEUE_RECORD_MAX));
	assert_null(event_queue_reserve(queue, (size_t)EVENT_QUEUE_RECORD_MAX + 1));
	assert_null(event_queue_reserve(queue, SIZE_MAX));
	event_queue_destroy(queue);
}

/* A consumer that keeps up: the producer gets its chunks back and always the same few. */
static void test_chunks_are_used_again(void **state)
{
	(void)state;
	static const unsigned char record[16000];
	struct event_queue *queue = make_queue(2 * EVENT_QUEUE_CHUNK_BYTES);
	const void *first = NULL;
	size_t times_first = 0;

	for (int i = 0; i < 1000; i++) {
		void *room = event_queue_reserve(queue, sizeof(record));
		assert_non_null(room);
		first = first ? first : room;
		times_first += room == first;
		event_queue_commit(queue, sizeof(record));
		size_t len;
		assert_non_null(event_queue_peek(queue, &len));
		event_queue_pop(queue);
		assert_null(event_queue_peek(queue, &len));
	}
	assert_true(times_first > 50);
	event_queue_destroy(queue);
}

/* Two threads: every record carries its number and a length that follows from it. */
enum { RECORDS = 200000, LEN_MAX = 2048 };

struct traffic {
	struct event_queue *queue;
	uint64_t refused;
	atomic_bool is_done;
};

static size_t length_of(uint64_t number)
{
	return sizeof(number) + number * 2654435761u % LEN_MAX;
}

static void *produce(void *argument)
{
	struct traffic *traffic = argument;
	for (uint64_t number = 0; number < RECORDS; number++) {
		unsigned char *room = event_queue_reserve(traffic->queue, sizeof(number) + LEN_MAX);
		if (!room) {
			traffic->refused++;
			continue;
		}
		size_t len = length_of(number);
		memset(room, (int)(number & 0xff), len);
		memcpy(room, &number, sizeof(number));
		event_queue_commit(traffic->queue, len);
	}
	atomic_store(&traffic->is_done, true);
	return NULL;
}

static void check_record(const unsigned char *record, size_t len, uint64_t *next)
{
	uint64_t number;
	memcpy(&number, record, sizeof(number));
	assert_true(number >= *next);
	assert_int_equal(len, length_of(number));
	for (size_t i = sizeof(number); i < len; i++)
		assert_int_equal(record[i], number & 0xff);
	*next = number + 1;
}

static void run_traffic(size_t max_bytes)
{
	struct traffic traffic = { .queue = make_queue(max_bytes) };
	pthread_t producer;
	assert_int_equal(pthread_create(&producer, NULL, produce, &traffic), 0);

	uint64_t seen = 0;
	uint64_t next = 0;
	for (;;) {
		bool was_done = atomic_load(&traffic.is_done);
		size_t len;
		const void *record = event_queue_peek(traffic.queue, &len);
		if (record) {
			check_record(record, len, &next);
			event_queue_pop(traffic.queue);
			seen++;
		} else if (was_done) {
			break;
		}
	}
	pthread_join(producer, NULL);
	assert_int_equal(seen + traffic.refused, RECORDS);
	event_queue_destroy(traffic.queue);
}

static void test_two_threads_lose_nothing_that_was_not_refused(void **state)
{
	(void)state;
	run_traffic(64 << 20);
	run_traffic(2 * EVENT_QUEUE_CHUNK_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records_come_out_whole_and_in_order),
		cmocka_unit_test(test_commit_passes_on_only_what_was_filled_in),
		cmocka_unit_test(test_a_full_queue_refuses_until_it_is_read),
		cmocka_unit_test(test_a_record_too_large_is_refused),
		cmocka_unit_test(test_chunks_are_used_again),
		cmocka_unit_test(test_two_threads_lose_nothing_that_was_not_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
