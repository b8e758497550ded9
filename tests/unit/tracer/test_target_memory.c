/* SPDX-License-Identifier: MIT */
#include "tracer/target_memory.h"

#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { PAGE = 4096 };

/* A child with five pages of 0, 1, 2 .. 255, 0 ..: readable and writable, a hole, readable and
 * writable, read-only code, and nothing. */
struct child {
	pid_t pid;
	raddr pages;
	struct target_memory tm;
};

static void run_child(uint8_t *pages, int ready)
{
	munmap(pages + PAGE, PAGE);
	mprotect(pages + 3 * PAGE, PAGE, PROT_READ | PROT_EXEC);
	munmap(pages + 4 * PAGE, PAGE);
	if (write(ready, "r", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static int set_up(void **state)
{
	static struct child child;
	int ready[2];
	char byte;
	uint8_t *pages =
		mmap(NULL, 5 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED || pipe(ready))
		return -1;
	for (size_t i = 0; i < 5 * PAGE; i++)
		pages[i] = (uint8_t)i;

	child.pages = (raddr)pages;
	child.pid = fork();
	if (child.pid == 0)
		run_child(pages, ready[1]);
	memset(pages, 0xee, 5 * PAGE); /* what we read must come from the child */

	struct error err;
	bool is_ready = read(ready[0], &byte, 1) == 1;
	close(ready[0]);
	close(ready[1]);
	*state = &child;
	return is_ready && target_memory_init(&child.tm, child.pid, &err) ? 0 : -1;
}

static int tear_down(void **state)
{
	struct child *child = *state;
	target_memory_deinit(&child->tm);
	kill(child->pid, SIGKILL);
	waitpid(child->pid, NULL, 0);
	munmap((void *)child->pages, 5 * PAGE);
	return 0;
}

static bool is_pattern(const uint8_t *bytes, size_t offset, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] != (uint8_t)(offset + i))
			return false;
	}
	return true;
}

static void test_spans_around_a_hole_are_told_apart(void **state)
{
	struct child *child = *state;
	uint8_t bytes[6][2 * PAGE];
	const struct {
		size_t offset, len;
		bool is_read;
	} cases[] = {
		{ 8, 100, true },
		{ PAGE - 50, 100, false },    /* runs into the hole */
		{ PAGE + 10, 8, false },      /* in it */
		{ 2 * PAGE - 8, 16, false },  /* comes out of it */
		{ 2 * PAGE, 2 * PAGE, true }, /* two pages with different protection */
		{ 4 * PAGE - 1, 2, false },   /* runs out at the end */
	};
	struct memory_span spans[ARRAY_LEN(cases)];
	struct error err;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		spans[i] = (struct memory_span){ child->pages + cases[i].offset, bytes[i],
						 cases[i].len, !cases[i].is_read };

	assert_true(memory_read_spans(&child->tm.memory, spans, ARRAY_LEN(spans), &err));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(spans[i].is_read, cases[i].is_read);
		if (cases[i].is_read)
			assert_true(is_pattern(bytes[i], cases[i].offset, cases[i].len));
	}
}

static void test_more_spans_than_one_call_takes_are_all_read(void **state)
{
	struct child *child = *state;
	enum { COUNT = 3 * IOV_MAX + 7 };
	static uint8_t bytes[COUNT];
	static struct memory_span spans[COUNT];
	struct error err;
	for (size_t i = 0; i < COUNT; i++) {
		bool is_bad = i % 500 == 499 || i == IOV_MAX || i == COUNT - 1;
		raddr page = child->pages + (is_bad ? PAGE : 0);
		spans[i] = (struct memory_span){ page + i % PAGE, &bytes[i], 1, is_bad };
	}

	assert_true(memory_read_spans(&child->tm.memory, spans, COUNT, &err));
	for (size_t i = 0; i < COUNT; i++) {
		bool is_bad = i % 500 == 499 || i == IOV_MAX || i == COUNT - 1;
		assert_int_equal(spans[i].is_read, !is_bad);
		if (!is_bad)
			assert_int_equal(bytes[i], i % PAGE % 256);
	}
}

static void test_empty_spans_and_no_spans_succeed(void **state)
{
	struct child *child = *state;
	struct error err;
	char byte;
	struct memory_span spans[] = {
		{ child->pages + PAGE, &byte, 0, false },
		{ child->pages + 5, &byte, 1, false },
		{ 0, NULL, 0, false },
	};
	assert_true(memory_read_spans(&child->tm.memory, spans, 0, &err));
	assert_true(memory_read_spans(&child->tm.memory, spans, 3, &err));
	assert_true(spans[0].is_read && spans[1].is_read && spans[2].is_read);
	assert_int_equal(byte, 5);
}

static void test_a_fault_carries_its_address(void **state)
{
	struct child *child = *state;
	struct error err;
	char byte;
	assert_false(memory_read(&child->tm.memory, child->pages + PAGE, &byte, 1, &err));
	assert_int_equal(err.kind, ERROR_READ);
	assert_int_equal(err.address, child->pages + PAGE);
	assert_false(memory_read(&child->tm.memory, UINT64_MAX - 3, &byte, 1, &err));
	assert_int_equal(err.kind, ERROR_READ);
}

static void test_code_that_is_read_only_can_be_written(void **state)
{
	struct child *child = *state;
	struct error err;
	char back[5];
	raddr code = child->pages + 3 * PAGE + 7;
	assert_true(target_memory_write(&child->tm, code, "\xe9jump", 5, &err));
	assert_true(memory_read(&child->tm.memory, code, back, 5, &err));
	assert_memory_equal(back, "\xe9jump", 5);
	assert_int_equal(*(uint8_t *)code, 0xee); /* ours is another page */

	assert_false(target_memory_write(&child->tm, child->pages + PAGE, "x", 1, &err));
	assert_int_equal(err.kind, ERROR_READ);
	assert_int_equal(err.address, child->pages + PAGE);
}

static void test_a_target_that_has_ended_is_no_process(void **state)
{
	struct child *child = *state;
	struct error err;
	char byte;
	kill(child->pid, SIGKILL);
	siginfo_t unused;
	waitid(P_PID, (id_t)child->pid, &unused, WEXITED | WNOWAIT);

	assert_false(memory_read(&child->tm.memory, child->pages, &byte, 1, &err));
	assert_int_equal(err.kind, ERROR_NO_PROCESS);
	assert_false(target_memory_write(&child->tm, child->pages, "x", 1, &err));
	assert_int_equal(err.kind, ERROR_NO_PROCESS);

	struct target_memory tm;
	assert_false(target_memory_init(&tm, 0x7fffffff, &err));
	assert_int_equal(err.kind, ERROR_NO_PROCESS);
}

int main(void)
{
#define WITH_CHILD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH_CHILD(test_spans_around_a_hole_are_told_apart),
		WITH_CHILD(test_more_spans_than_one_call_takes_are_all_read),
		WITH_CHILD(test_empty_spans_and_no_spans_succeed),
		WITH_CHILD(test_a_fault_carries_its_address),
		WITH_CHILD(test_code_that_is_read_only_can_be_written),
		WITH_CHILD(test_a_target_that_has_ended_is_no_process),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
