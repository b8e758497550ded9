/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>

#include "base/clock.h"
#include "cli/thread_names.h"
#include "cli/trend.h"
#include "tracer/process.h"

struct sleeper {
	pthread_t thread;
	sem_t is_ready;
	sem_t may_end;
	int tid;
};

static void *sleep_named(void *argument)
{
	struct sleeper *sleeper = argument;
	pthread_setname_np(pthread_self(), "sleeper");
	sleeper->tid = gettid();
	sem_post(&sleeper->is_ready);
	sem_wait(&sleeper->may_end);
	return NULL;
}

static void start(struct sleeper *sleeper)
{
	sem_init(&sleeper->is_ready, 0, 0);
	sem_init(&sleeper->may_end, 0, 0);
	assert_int_equal(pthread_create(&sleeper->thread, NULL, sleep_named, sleeper), 0);
	sem_wait(&sleeper->is_ready);
}

/* Joined is not yet gone: the kernel takes the thread out of /proc a moment later. */
static void end(struct sleeper *sleeper)
{
	sem_post(&sleeper->may_end);
	pthread_join(sleeper->thread, NULL);
	uint64_t deadline = clock_monotonic_ns() + 10 * NS_PER_SECOND;
	char name[32];
	while (*process_thread_name(getpid(), sleeper->tid, name, sizeof(name)) &&
	       clock_monotonic_ns() < deadline)
		sched_yield();
}

static struct thread_names *make_names(void)
{
	struct thread_names *names;
	struct error err;
	assert_true(thread_names_create(getpid(), &names, &err));
	return names;
}

static void test_threads_have_their_names(void **state)
{
	(void)state;
	struct sleeper sleeper;
	struct thread_names *names = make_names();
	start(&sleeper);
	assert_string_equal(thread_names_find(names, getpid())->text, "MainThread");
	assert_string_equal(thread_names_find(names, sleeper.tid)->text, "sleeper");
	assert_string_equal(thread_names_find(names, 0x7fffffff)->text, "(unknown thread)");
	end(&sleeper);
	thread_names_destroy(names);
	thread_names_destroy(NULL);
}

static void test_equal_names_are_one_object(void **state)
{
	(void)state;
	struct sleeper one, other;
	struct thread_names *names = make_names();
	start(&one);
	start(&other);
	assert_ptr_equal(thread_names_find(names, one.tid), thread_names_find(names, other.tid));
	end(&one);
	end(&other);
	thread_names_destroy(names);
}

static void test_a_refresh_sees_new_names_and_forgets_the_dead(void **state)
{
	(void)state;
	struct sleeper sleeper;
	struct thread_names *names = make_names();
	thread_names_refresh(names);
	start(&sleeper);
	const struct thread_name *before = thread_names_find(names, sleeper.tid);
	pthread_setname_np(sleeper.thread, "renamed");
	assert_ptr_equal(thread_names_find(names, sleeper.tid), before);
	thread_names_refresh(names);
	assert_string_equal(thread_names_find(names, sleeper.tid)->text, "renamed");

	end(&sleeper);
	assert_string_equal(thread_names_find(names, sleeper.tid)->text, "renamed");
	thread_names_refresh(names);
	assert_string_equal(thread_names_find(names, sleeper.tid)->text, "(unknown thread)");
	assert_string_equal(before->text, "sleeper");
	thread_names_destroy(names);
}

/* The target says who stops: it may name threads without end. */
static void test_threads_that_are_not_there_take_no_memory_for_ever(void **state)
{
	(void)state;
	enum { THREADS = 150000, BYTES_MAX = 8 << 20 };
	struct thread_names *names = make_names();
	size_t before = mallinfo2().uordblks;
	for (int i = 0; i < THREADS; i++)
		assert_string_equal(thread_names_find(names, 0x40000000 + i)->text,
				    "(unknown thread)");
	assert_true(mallinfo2().uordblks - before < BYTES_MAX);
	thread_names_refresh(names);
	assert_string_equal(thread_names_find(names, getpid())->text, "MainThread");
	thread_names_destroy(names);
}

static void test_a_trend_is_the_slope_of_a_line(void **state)
{
	(void)state;
	struct trend trend = { 0 };
	assert_true(trend_slope(&trend) == 0);
	trend_add(&trend, 1e6, 5);
	assert_true(trend_slope(&trend) == 0);
	for (int i = 1; i < 1000; i++)
		trend_add(&trend, 1e6 + i, 5 + 3.0 * i + (i % 2 ? 1 : -1));
	assert_true(fabs(trend_slope(&trend) - 3) < 0.001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads_have_their_names),
		cmocka_unit_test(test_equal_names_are_one_object),
		cmocka_unit_test(test_a_refresh_sees_new_names_and_forgets_the_dead),
		cmocka_unit_test(test_threads_that_are_not_there_take_no_memory_for_ever),
		cmocka_unit_test(test_a_trend_is_the_slope_of_a_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
