/* SPDX-License-Identifier: MIT */
#include "tracer/turn.h"

#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/tracer/traced_target.h"
#include "tracer/process.h"
#include "tracer/region.h"

/* A child that lives in new namespaces of these kinds (unshare(2)), takes its turn with `target`,
 * and keeps it until it is killed, or this program ends. */
static pid_t start_rival(pid_t target, int namespaces)
{
	int ready[2];
	char byte;
	assert_int_equal(pipe(ready), 0);
	pid_t rival = fork();
	if (rival == 0) {
		struct error err;
		int turn;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		bool has_turn = unshare(namespaces) == 0 && turn_take(target, &turn, &err);
		while (has_turn && write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return rival;
}

static void end_rival(pid_t rival)
{
	kill(rival, SIGKILL);
	assert_int_equal(waitpid(rival, NULL, 0), rival);
}

static void test_a_turn_is_had_by_one_at_a_time(void **state)
{
	(void)state;
	struct error err;
	int first = -1, second = -1;
	assert_true(turn_take(getpid(), &first, &err));
	assert_true(first >= 0);
	assert_false(turn_take(getpid(), &second, &err));
	assert_int_equal(err.kind, ERROR_TIMEOUT);
	assert_int_equal(second, -1);
	close(first);
	assert_true(turn_take(getpid(), &second, &err));
	close(second);
}

static void test_a_turn_with_one_process_is_none_with_another(void **state)
{
	(void)state;
	struct error err;
	int turn = -1;
	pid_t rival = start_rival(getppid(), 0);
	assert_true(turn_take(getpid(), &turn, &err));
	close(turn);
	end_rival(rival);
}

/* As filtrace on a host and filtrace in a container do. */
static void test_a_turn_is_one_for_rivals_in_all_namespaces(void **state)
{
	(void)state;
	struct error err;
	int turn = -1;
	if (geteuid() != 0)
		skip();
	pid_t rival = start_rival(getpid(), CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC);
	assert_false(turn_take(getpid(), &turn, &err));
	assert_int_equal(err.kind, ERROR_TIMEOUT);
	end_rival(rival);
}

static void test_a_killed_one_has_its_turn_no_longer(void **state)
{
	(void)state;
	struct error err;
	int turn = -1;
	end_rival(start_rival(getpid(), 0));
	assert_true(turn_take(getpid(), &turn, &err));
	close(turn);
}

/* How many descriptors of processes a process has open. */
static size_t count_pidfds(int pid)
{
	size_t count = 0;
	for (int fd = 0; fd < 64; fd++) {
		char path[40], link[64] = "";
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
		count += readlink(path, link, sizeof(link) - 1) > 0 && strstr(link, "pidfd");
	}
	return count;
}

/* A tracer has one of its target for as long as it lives, and one more by which it has its turn. */
static void await_second_pidfd(int tracer_pid)
{
	uint64_t deadline_ns = clock_monotonic_ns() + 10 * NS_PER_SECOND;
	while (count_pidfds(tracer_pid) < 2) {
		assert_true(clock_monotonic_ns() < deadline_ns);
		clock_sleep(NS_PER_MS);
	}
}

static raddr find_region(struct target_memory *tm)
{
	struct error err = { 0 };
	raddr base;
	OWNED_MAPS struct maps maps = { 0 };
	assert_true(maps_read(tm->pid, &maps, &err));
	assert_int_equal(regions_find(&tm->memory, &maps, &base, 1), 1);
	return base;
}

/* An attach that waits for its turn, while a region lies there blank, finds it complete then, with
 * code of another version: threads may be about to run that. */
static void test_what_a_rival_has_completed_is_not_written_over(void **state)
{
	(void)state;
	static struct tally tally;
	struct tracer_listener listener = listener_of(&tally);
	struct target target;
	struct target_memory tm;
	struct error err = { 0 };
	int planted[2];
	const uint64_t magics[] = { 0, REGION_MAGIC };
	uint8_t byte = 0xcc;
	start_target(&target, NULL, "2");
	lift(plant(target.pid, &listener, 65536));
	assert_true(target_memory_init(&tm, target.pid, &err));
	raddr base = find_region(&tm), odd = base + PADS_MAX_BYTES - 1;
	assert_true(target_memory_write(&tm, base + ANCHOR_OFFSET, &magics[0], 8, &err));

	pid_t rival = start_rival(target.pid, 0);
	assert_int_equal(pipe2(planted, O_CLOEXEC), 0);
	int late = start_tracer(target.pid, planted[1]);
	close(planted[1]);
	await_second_pidfd(late);
	assert_true(target_memory_write(&tm, odd, &byte, 1, &err));
	assert_true(target_memory_write(&tm, base + ANCHOR_OFFSET, &magics[1], 8, &err));
	end_rival(rival);

	assert_int_equal(read(planted[0], &byte, 1), 1);
	assert_true(memory_read(&tm.memory, odd, &byte, 1, &err));
	assert_int_equal(byte, 0xcc);
	close(planted[0]);
	kill_tracer(late);
	lift(plant(target.pid, &listener, 65536));
	target_memory_deinit(&tm);
	end_target(&target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_turn_is_had_by_one_at_a_time),
		cmocka_unit_test(test_a_turn_with_one_process_is_none_with_another),
		cmocka_unit_test(test_a_turn_is_one_for_rivals_in_all_namespaces),
		cmocka_unit_test(test_a_killed_one_has_its_turn_no_longer),
		cmocka_unit_test(test_what_a_rival_has_completed_is_not_written_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
