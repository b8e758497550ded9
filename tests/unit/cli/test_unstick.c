/* SPDX-License-Identifier: MIT */
/* What a killed tracer leaves in a process that is no Python (fixtures/alloc_target.c). */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "cli/verbs.h"
#include "tracer/tracer.h"

struct target {
	int pid;
	FILE *commands;
	FILE *answers;
};

static void start_target(struct target *target)
{
	int in[2], out[2];
	char line[128];
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	target->pid = fork();
	assert_true(target->pid >= 0);
	if (target->pid == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execl(BUILD_DIR "/fixtures/alloc_target", "alloc_target", "4", "60", NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	target->commands = fdopen(in[1], "w");
	target->answers = fdopen(out[0], "r");
	assert_non_null(fgets(line, sizeof(line), target->answers));
	assert_int_equal(strncmp(line, "ready", 5), 0);
}

/* It says itself that it came to no harm. */
static void end_target(struct target *target)
{
	char line[128] = "";
	int status;
	fputs("quit\n", target->commands);
	fclose(target->commands);
	assert_non_null(fgets(line, sizeof(line), target->answers));
	assert_int_equal(strncmp(line, "unharmed", 8), 0);
	fclose(target->answers);
	assert_int_equal(waitpid(target->pid, &status, 0), target->pid);
	assert_int_equal(status, 0);
}

static bool ignore_stop(void *context, const struct stop *stop)
{
	(void)context;
	(void)stop;
	return true;
}

static void ignore_block(void *context, raddr block, uint64_t time_ns)
{
	(void)context;
	(void)block;
	(void)time_ns;
}

static void ignore_drop(void *context, raddr block)
{
	(void)context;
	(void)block;
}

static void ignore_double(void *context)
{
	(void)context;
}

static _Noreturn void plant_and_serve(int pid, int ready_fd)
{
	static const struct tracer_listener listener = { NULL, ignore_stop, ignore_block,
							 ignore_drop, ignore_double };
	static const struct tracer_options options = { .sample_bytes = 20000 };
	struct gate_spec specs[TRACER_LIBC_SPECS_MAX];
	struct tracer *tracer;
	size_t count;
	struct error err = { 0 };
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!tracer_open(pid, &tracer, &err) || !tracer_libc_specs(tracer, specs, &count, &err) ||
	    !tracer_plant(tracer, specs, count, &options, &listener, &err) ||
	    write(ready_fd, "r", 1) != 1) {
		fprintf(stderr, "%s\n", err.context);
		_exit(1);
	}
	while (tracer_serve(tracer, NS_PER_SECOND, &err))
		;
	_exit(2);
}

/* A process of ours that traces the target. */
static int start_tracer(int target_pid)
{
	int ready[2];
	char byte;
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	int pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		plant_and_serve(target_pid, ready[1]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void kill_tracer(int pid)
{
	int status;
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status)); /* it did not fail by itself */
}

static size_t count_gates(int pid)
{
	struct tracer *tracer;
	struct tracer_leftovers left;
	struct error err;
	assert_true(tracer_open(pid, &tracer, &err));
	assert_true(tracer_leftovers(tracer, &left, &err));
	tracer_close(tracer);
	return left.gates;
}

static bool unstick(int pid, struct error *err)
{
	const struct options options = { .verb = VERB_UNSTICK, .pid = pid, .is_quiet = true };
	return unstick_run(&options, err);
}

static void test_gates_in_a_program_without_python_are_taken_out(void **state)
{
	(void)state;
	struct target target;
	struct error err = { 0 };
	start_target(&target);
	assert_int_equal(count_gates(target.pid), 0);
	for (int i = 0; i < 5; i++) {
		kill_tracer(start_tracer(target.pid));
		assert_true(count_gates(target.pid) >= 4);
		for (int again = 0; again < 2; again++) {
			if (!unstick(target.pid, &err))
				fail_msg("%s", err.context);
			assert_int_equal(count_gates(target.pid), 0);
		}
	}
	end_target(&target);
}

static void test_gates_of_a_living_tracer_stay(void **state)
{
	(void)state;
	struct target target;
	struct error err = { 0 };
	start_target(&target);
	int tracer = start_tracer(target.pid);
	size_t gates = count_gates(target.pid);
	assert_true(gates >= 4);
	assert_false(unstick(target.pid, &err));
	assert_int_equal(err.kind, ERROR_NOT_PERMITTED);
	assert_non_null(strstr(err.context, "another filtrace is attached"));
	assert_int_equal(count_gates(target.pid), gates);
	kill_tracer(tracer);
	assert_true(unstick(target.pid, &err));
	assert_int_equal(count_gates(target.pid), 0);
	end_target(&target);
}

static void test_missing_process_is_told(void **state)
{
	(void)state;
	struct error err = { 0 };
	assert_false(unstick(0x7fffffff, &err));
	assert_int_equal(err.kind, ERROR_NO_PROCESS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gates_in_a_program_without_python_are_taken_out),
		cmocka_unit_test(test_gates_of_a_living_tracer_stay),
		cmocka_unit_test(test_missing_process_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
