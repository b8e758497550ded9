/* SPDX-License-Identifier: MIT */
#include "tracer/process.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/clock.h"

static void kill_and_reap(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Wait until `is_so` holds for the thread; false after five seconds. */
static bool await(bool (*is_so)(int pid, int tid), pid_t pid, pid_t tid)
{
	uint64_t deadline = clock_monotonic_ns() + 5 * NS_PER_SECOND;
	while (!is_so(pid, tid)) {
		if (clock_monotonic_ns() > deadline)
			return false;
		sched_yield();
	}
	return true;
}

static void test_own_process_is_described(void **state)
{
	(void)state;
	struct process process;
	struct error err;
	assert_true(process_read(getpid(), &process, &err));
	assert_int_equal(process.pid, getpid());
	assert_int_equal(process.state, 'R');
	assert_int_equal(process.parent_pid, getppid());
	assert_int_equal(process.uid, geteuid());
	assert_int_equal(process.namespace_pid, getpid());
	assert_int_equal(process.thread_count, 1);
	assert_true(process.rss_bytes > 100 * 1024);
	assert_string_equal(process.name, "test_process");

	struct timespec boot;
	clock_gettime(CLOCK_BOOTTIME, &boot);
	uint64_t now = (uint64_t)boot.tv_sec * NS_PER_SECOND + (uint64_t)boot.tv_nsec;
	assert_in_range(process.start_boottime_ns, 1, now);
	assert_true(now - process.start_boottime_ns < 600 * NS_PER_SECOND);
}

static void test_own_process_and_its_parent_are_listed_once(void **state)
{
	(void)state;
	OWNED_FREE int *pids = NULL;
	size_t count;
	size_t own = 0;
	size_t parents = 0;
	struct error err;
	assert_true(process_list(&pids, &count, &err));
	for (size_t i = 0; i < count; i++) {
		own += pids[i] == getpid();
		parents += pids[i] == getppid();
	}
	assert_int_equal(own, 1);
	assert_int_equal(parents, 1);
}

static void test_no_process_is_no_process(void **state)
{
	(void)state;
	struct process process;
	struct error err;
	char **command;
	int *tids;
	size_t count;
	char name[16];
	assert_false(process_read(0x7fffffff, &process, &err));
	assert_int_equal(err.kind, ERROR_NO_PROCESS);
	assert_false(process_read_command(0x7fffffff, &command, &err));
	assert_int_equal(err.kind, ERROR_NO_PROCESS);
	assert_false(process_threads(0x7fffffff, &tids, &count, &err));
	assert_int_equal(err.kind, ERROR_NO_PROCESS);
	assert_true(process_thread_is_dead(0x7fffffff, 0x7fffffff));
	assert_string_equal(process_thread_name(0x7fffffff, 1, name, sizeof(name)), "");
}

static void test_hostile_names_do_not_confuse_the_fields(void **state)
{
	(void)state;
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_NAME, ") R 1\nUid:\t7");
		kill(getpid(), SIGSTOP);
		_exit(0);
	}
	struct process process;
	struct error err;
	assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
	assert_true(process_read(pid, &process, &err));
	assert_int_equal(process.state, 'T');
	assert_int_equal(process.parent_pid, getpid());
	assert_int_equal(process.uid, geteuid());
	assert_true(process.start_boottime_ns > 0);
	kill_and_reap(pid);
}

static void test_command_line_is_a_vector(void **state)
{
	(void)state;
	int exec_done[2];
	char byte;
	assert_int_equal(pipe2(exec_done, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		execl("/bin/sh", "a name", "-c", "kill -STOP $$", "", "last", NULL);
		_exit(127);
	}
	close(exec_done[1]);
	assert_int_equal(read(exec_done[0], &byte, 1), 0);
	close(exec_done[0]);

	OWNED_FREE char **command = NULL;
	struct error err;
	assert_true(process_read_command(pid, &command, &err));
	assert_string_equal(command[0], "a name");
	assert_string_equal(command[1], "-c");
	assert_string_equal(command[2], "kill -STOP $$");
	assert_string_equal(command[3], "");
	assert_string_equal(command[4], "last");
	assert_null(command[5]);
	kill_and_reap(pid);
}

static void test_endless_command_line_is_cut(void **state)
{
	(void)state;
	enum { ARGUMENTS = 100000, ARGUMENTS_MAX = 4096 };
	static char *arguments[ARGUMENTS + 1];
	int exec_done[2];
	char byte;
	for (size_t i = 0; i < ARGUMENTS; i++)
		arguments[i] = "";
	arguments[1] = "-c";
	arguments[2] = "kill -STOP $$";
	assert_int_equal(pipe2(exec_done, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		execv("/bin/sh", arguments);
		_exit(127);
	}
	close(exec_done[1]);
	assert_int_equal(read(exec_done[0], &byte, 1), 0);
	close(exec_done[0]);

	OWNED_FREE char **command = NULL;
	struct error err;
	size_t count = 0;
	assert_true(process_read_command(pid, &command, &err));
	while (command[count])
		count++;
	assert_int_equal(count, ARGUMENTS_MAX);
	assert_string_equal(command[2], "kill -STOP $$");
	kill_and_reap(pid);
}

static void test_zombie_is_dead_and_explained(void **state)
{
	(void)state;
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	siginfo_t unused;
	waitid(P_PID, (id_t)pid, &unused, WEXITED | WNOWAIT);

	struct process process;
	struct error err;
	OWNED_FREE char **command = NULL;
	assert_true(process_read(pid, &process, &err));
	assert_int_equal(process.state, 'Z');
	assert_int_equal(process.rss_bytes, 0);
	assert_false(process.has_memory);
	assert_false(process.is_kernel_thread);
	assert_true(process_thread_is_dead(pid, pid));
	assert_true(process_read_command(pid, &command, &err));
	assert_null(command[0]);
	waitpid(pid, NULL, 0);
}

static void *run_named_thread(void *pipe_end)
{
	char byte;
	prctl(PR_SET_NAME, "worker 7");
	if (write(((int *)pipe_end)[1], "r", 1) != 1)
		return NULL;
	return (void *)(intptr_t)read(((int *)pipe_end)[2], &byte, 1);
}

static void test_threads_are_listed_with_name_and_wait(void **state)
{
	(void)state;
	int pipes[4];
	char byte;
	char name[16];
	pthread_t thread;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(pipe(pipes + 2), 0);
	assert_int_equal(pthread_create(&thread, NULL, run_named_thread, pipes), 0);
	assert_int_equal(read(pipes[0], &byte, 1), 1);

	OWNED_FREE int *tids = NULL;
	size_t count;
	struct process process;
	struct error err;
	assert_true(process_threads(getpid(), &tids, &count, &err));
	assert_true(process_read(getpid(), &process, &err));
	assert_int_equal(count, process.thread_count); /* 2, or 3 with one of a sanitizer's */
	assert_in_range(count, 2, 3);
	assert_int_equal(tids[0], getpid());
	int worker = tids[count - 1];
	assert_string_equal(process_thread_name(getpid(), worker, name, sizeof(name)), "worker 7");
	assert_string_equal(process_thread_name(getpid(), worker, name, 4), "wor");
	assert_false(process_thread_is_dead(getpid(), worker));

	struct thread_wait wait;
	uint64_t deadline = clock_monotonic_ns() + 5 * NS_PER_SECOND;
	do
		assert_true(process_thread_wait(getpid(), worker, &wait, &err));
	while ((wait.is_running || wait.system_call != SYS_read) &&
	       clock_monotonic_ns() < deadline);
	assert_int_equal(wait.system_call, SYS_read);
	assert_true(wait.stack_pointer && wait.instruction_pointer);

	assert_int_equal(write(pipes[3], "x", 1), 1);
	pthread_join(thread, NULL);
	assert_true(
		await(process_thread_is_dead, getpid(), worker)); /* the kernel takes a moment */
	for (size_t i = 0; i < ARRAY_LEN(pipes); i++)
		close(pipes[i]);
}

static bool is_running(int pid, int tid)
{
	struct thread_wait wait;
	struct error err;
	return process_thread_wait(pid, tid, &wait, &err) && wait.is_running;
}

static void test_busy_thread_is_running(void **state)
{
	(void)state;
	pid_t pid = fork();
	if (pid == 0) {
		for (volatile unsigned spins = 0;; spins++)
			continue;
	}
	assert_true(await(is_running, pid, pid));
	kill_and_reap(pid);
}

static void test_vfork_wait_is_recognised(void **state)
{
	(void)state;
	pid_t pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		/* By its number: a sanitizer makes a fork of vfork(). */
		long grandchild = syscall(SYS_vfork);
		if (grandchild == 0) {
			for (;;)
				pause();
		}
		_exit(0);
	}
	assert_true(await(process_thread_waits_for_vfork, pid, pid));
	assert_false(process_thread_waits_for_vfork(getpid(), getpid()));
	kill(-pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_pending_signal_counts_unless_blocked(void **state)
{
	(void)state;
	pid_t pid = fork();
	if (pid == 0) {
		sigset_t blocked;
		sigemptyset(&blocked);
		sigaddset(&blocked, SIGUSR2);
		sigprocmask(SIG_BLOCK, &blocked, NULL);
		raise(SIGSTOP);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
	assert_false(process_thread_has_pending_signal(pid, pid));
	kill(pid, SIGUSR2);
	assert_false(process_thread_has_pending_signal(pid, pid));
	kill(pid, SIGUSR1);
	assert_true(process_thread_has_pending_signal(pid, pid));
	kill_and_reap(pid);
}

/* Neither tells it by a memory of its own: others have none either, or all of it swapped out. */
static void test_kernel_threads_are_told_by_their_flag(void **state)
{
	(void)state;
	struct process process;
	struct error err;
	char name[16];
	assert_true(process_read(getpid(), &process, &err));
	assert_false(process.is_kernel_thread);
	assert_true(process.has_memory);
	assert_int_equal(process.leader_pid, getpid());
	assert_int_equal(process.gid, getegid());
	if (strcmp(process_thread_name(2, 2, name, sizeof(name)), "kthreadd") != 0) {
		print_message("no kernel thread can be seen from here\n");
		skip();
	}
	assert_true(process_read(2, &process, &err));
	assert_true(process.is_kernel_thread);
	assert_false(process.has_memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_process_is_described),
		cmocka_unit_test(test_own_process_and_its_parent_are_listed_once),
		cmocka_unit_test(test_no_process_is_no_process),
		cmocka_unit_test(test_hostile_names_do_not_confuse_the_fields),
		cmocka_unit_test(test_command_line_is_a_vector),
		cmocka_unit_test(test_endless_command_line_is_cut),
		cmocka_unit_test(test_zombie_is_dead_and_explained),
		cmocka_unit_test(test_threads_are_listed_with_name_and_wait),
		cmocka_unit_test(test_busy_thread_is_running),
		cmocka_unit_test(test_vfork_wait_is_recognised),
		cmocka_unit_test(test_pending_signal_counts_unless_blocked),
		cmocka_unit_test(test_kernel_threads_are_told_by_their_flag),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
