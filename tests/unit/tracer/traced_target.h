/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_TRACER_TRACED_TARGET_H
#define TESTS_UNIT_TRACER_TRACED_TARGET_H

/**
 * @file
 * A C program that allocates (fixtures/alloc_target.c) as the target of a tracer in this process,
 * and a listener that counts. Everything asserts: to be included behind cmocka.
 */

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "tracer/tracer.h"

struct target {
	int pid;
	raddr tables; /* see `slots` in fixtures/alloc_target.c */
	FILE *commands;
	FILE *answers;
};

/* `mode` is a further argument, or NULL. */
static inline void start_program(struct target *target, const char *program, const char *preload,
				 const char *threads, const char *mode)
{
	int in[2], out[2];
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	target->pid = fork();
	assert_true(target->pid >= 0);
	if (target->pid == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		if (preload)
			setenv("LD_PRELOAD", preload, 1);
		execl(program, "alloc_target", threads, "60", mode, NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	target->commands = fdopen(in[1], "w");
	target->answers = fdopen(out[0], "r");

	char line[128];
	assert_non_null(fgets(line, sizeof(line), target->answers));
	assert_int_equal(strncmp(line, "ready", 5), 0);
	target->tables = 0;
	sscanf(line, "ready pid=%*d tables=%" SCNx64, &target->tables);
}

/* `preload` is a library whose allocator is to be used; NULL: that of the C library. */
static inline void start_target(struct target *target, const char *preload, const char *threads)
{
	start_program(target, BUILD_DIR "/fixtures/alloc_target", preload, threads, NULL);
}

static inline void send_command(struct target *target, const char *command)
{
	fprintf(target->commands, "%s\n", command);
	fflush(target->commands);
}

static inline void await_answer(struct target *target, const char *expected)
{
	char line[128] = "";
	assert_non_null(fgets(line, sizeof(line), target->answers));
	assert_int_equal(strncmp(line, expected, strlen(expected)), 0);
}

/* It says itself that it came to no harm. */
static inline void end_target(struct target *target)
{
	int status;
	send_command(target, "quit");
	await_answer(target, "unharmed");
	fclose(target->commands);
	fclose(target->answers);
	assert_int_equal(waitpid(target->pid, &status, 0), target->pid);
	assert_int_equal(status, 0);
}

/* What a listener has heard of the blocks of one size. */
struct tally {
	uint64_t size_bytes;
	size_t stops;
	size_t live;
	size_t others;
	raddr blocks[16384];
};

static inline bool note_stop(void *context, const struct stop *stop)
{
	struct tally *tally = context;
	if (stop->size_bytes != tally->size_bytes) {
		tally->others++;
		return true;
	}
	assert_int_equal(stop->interval_bytes, 1);
	assert_true(tally->stops < ARRAY_LEN(tally->blocks));
	tally->blocks[tally->stops++] = stop->block;
	tally->live++;
	return true;
}

static inline void note_free(void *context, raddr block, uint64_t time_ns)
{
	struct tally *tally = context;
	(void)time_ns;
	for (size_t i = 0; i < tally->stops; i++) {
		if (tally->blocks[i] == block) {
			tally->blocks[i] = 0;
			tally->live--;
			return;
		}
	}
}

static inline void note_drop(void *context, raddr block)
{
	(void)context;
	(void)block;
}

static inline void note_double(void *context)
{
	(void)context;
}

static inline struct tracer_listener listener_of(struct tally *tally)
{
	return (struct tracer_listener){ tally, note_stop, note_free, note_drop, note_double };
}

/* How threads are to wait, in this whole test program. */
static enum tracer_stop_kind stop_kind;

static inline bool try_to_plant(int pid, const struct tracer_listener *listener,
				uint64_t sample_bytes, struct tracer **ret, struct error *err)
{
	struct gate_spec specs[TRACER_LIBC_SPECS_MAX];
	size_t len;
	bool found;
	struct tracer_options options = { .sample_bytes = sample_bytes, .stop_kind = stop_kind };
	*ret = NULL;
	return tracer_open(pid, ret, err) && tracer_recover(*ret, &found, err) &&
	       tracer_libc_specs(*ret, specs, &len, err) &&
	       tracer_plant(*ret, specs, len, &options, listener, err);
}

static inline struct tracer *plant(int pid, const struct tracer_listener *listener,
				   uint64_t sample_bytes)
{
	struct tracer *tracer;
	struct error err = { 0 };
	/* A machine that is busy needs more than one try. */
	for (int try = 0; !try_to_plant(pid, listener, sample_bytes, &tracer, &err); try++) {
		if (err.kind != ERROR_TIMEOUT || try == 20)
			fail_msg("%s", err.context);
		tracer_close(tracer);
	}
	return tracer;
}

static inline void serve(struct tracer *tracer, uint64_t duration_ns)
{
	struct error err = { 0 };
	uint64_t deadline = clock_monotonic_ns() + duration_ns;
	while (clock_monotonic_ns() < deadline)
		if (!tracer_serve(tracer, 10 * NS_PER_MS, &err))
			fail_msg("%s", err.context);
}

static inline void lift(struct tracer *tracer)
{
	struct error err = { 0 };
	if (!tracer_lift(tracer, &err))
		fail_msg("%s", err.context);
	tracer_close(tracer);
}

/* Serve until the target has answered: it may be waiting at a gate. Gives the number of its answer.
 */
static inline size_t serve_until_answer(struct tracer *tracer, struct target *target)
{
	size_t number = 0;
	int fd = fileno(target->answers);
	for (int i = 0; i < 1000; i++) {
		struct timeval now = { 0 };
		fd_set set;
		FD_ZERO(&set);
		FD_SET(fd, &set);
		if (select(fd + 1, &set, NULL, NULL, &now) == 1)
			break;
		serve(tracer, 10 * NS_PER_MS);
	}
	char line[128] = "";
	assert_non_null(fgets(line, sizeof(line), target->answers));
	assert_int_equal(strncmp(line, "done", 4), 0);
	sscanf(line, "done %zu", &number);
	serve(tracer, 50 * NS_PER_MS); /* frees come by way of the ring */
	return number;
}

/* Each block once, whatever function handed it out, and each free. The command has the target keep
 * `count` blocks of `size` bytes. */
static inline void check_exact_count(struct target *target, const char *command, size_t size,
				     size_t count)
{
	struct tally tally = { .size_bytes = size };
	struct tracer_listener listener = listener_of(&tally);
	struct tracer *tracer = plant(target->pid, &listener, 1);
	send_command(target, command);
	serve_until_answer(tracer, target);
	assert_int_equal(tally.stops, count);
	assert_int_equal(tally.live, count);

	send_command(target, "drop");
	serve_until_answer(tracer, target);
	assert_int_equal(tally.stops, count);
	assert_int_equal(tally.live, 0);
	lift(tracer);
}

/* A child of ours plants and is killed at some instant; the target must run on, and whoever comes
 * next must find everything and put it back. */
static inline int start_tracer(int target_pid, int planted_fd)
{
	int child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		static struct tally tally;
		struct tracer_listener listener = listener_of(&tally);
		struct error err = { 0 };
		struct tracer *tracer;
		if (!try_to_plant(target_pid, &listener, 20000, &tracer, &err)) {
			fprintf(stderr, "%s\n", err.context);
			_exit(1);
		}
		if (planted_fd >= 0 && write(planted_fd, "", 1) != 1)
			_exit(3);
		while (tracer_serve(tracer, NS_PER_SECOND, &err))
			;
		_exit(2);
	}
	return child;
}

static inline void kill_tracer(int child)
{
	int status;
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	assert_true(WIFSIGNALED(status)); /* it did not fail by itself */
}

static inline void plant_and_be_killed(int target_pid, useconds_t after_us)
{
	int child = start_tracer(target_pid, -1);
	usleep(after_us);
	kill_tracer(child);
}

/* The same once gates are planted. */
static inline void serve_and_be_killed(int target_pid)
{
	int planted[2];
	char byte;
	assert_int_equal(pipe2(planted, O_CLOEXEC), 0);
	int child = start_tracer(target_pid, planted[1]);
	close(planted[1]);
	assert_int_equal(read(planted[0], &byte, 1), 1);
	close(planted[0]);
	kill_tracer(child);
}

#endif
