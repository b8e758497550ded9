/* SPDX-License-Identifier: MIT */
/* The whole tracer against a real process: a C program that allocates (fixtures/alloc_target.c). */
#include "tracer/tracer.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tracer/images.h"
#include "tracer/region.h"
#include "tracer/target_memory.h"

struct target {
	int pid;
	FILE *commands;
	FILE *answers;
};

static void start_program(struct target *target, const char *program, const char *argument)
{
	int in[2], out[2];
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	target->pid = fork();
	assert_true(target->pid >= 0);
	if (target->pid == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execl(program, program, argument, "60", NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	target->commands = fdopen(in[1], "w");
	target->answers = fdopen(out[0], "r");

	char line[128];
	assert_non_null(fgets(line, sizeof(line), target->answers));
	assert_int_equal(strncmp(line, "ready", 5), 0);
}

static void start_target(struct target *target, const char *threads)
{
	start_program(target, BUILD_DIR "/fixtures/alloc_target", threads);
}

static void send_command(struct target *target, const char *command)
{
	fprintf(target->commands, "%s\n", command);
	fflush(target->commands);
}

static void await_answer(struct target *target, const char *expected)
{
	char line[128] = "";
	assert_non_null(fgets(line, sizeof(line), target->answers));
	assert_int_equal(strncmp(line, expected, strlen(expected)), 0);
}

/* It says itself that it came to no harm. */
static void end_target(struct target *target)
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
	raddr blocks[8192];
};

static bool note_stop(void *context, const struct stop *stop)
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

static void note_free(void *context, raddr block, uint64_t time_ns)
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

static void note_drop(void *context, raddr block)
{
	(void)context;
	(void)block;
}

static void note_double(void *context)
{
	(void)context;
}

static struct tracer_listener listener_of(struct tally *tally)
{
	return (struct tracer_listener){ tally, note_stop, note_free, note_drop, note_double };
}

static bool try_to_plant(int pid, const struct tracer_listener *listener, uint64_t sample_bytes,
			 struct tracer **ret, struct error *err)
{
	struct gate_spec specs[TRACER_LIBC_SPECS_MAX];
	size_t len;
	bool found;
	struct tracer_options options = { .sample_bytes = sample_bytes };
	*ret = NULL;
	return tracer_open(pid, ret, err) && tracer_recover(*ret, &found, err) &&
	       tracer_libc_specs(*ret, specs, &len, err) &&
	       tracer_plant(*ret, specs, len, &options, listener, err);
}

static struct tracer *plant(int pid, const struct tracer_listener *listener, uint64_t sample_bytes)
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

static void serve(struct tracer *tracer, uint64_t duration_ns)
{
	struct error err = { 0 };
	uint64_t deadline = clock_monotonic_ns() + duration_ns;
	while (clock_monotonic_ns() < deadline)
		if (!tracer_serve(tracer, 10 * NS_PER_MS, &err))
			fail_msg("%s", err.context);
}

static void lift(struct tracer *tracer)
{
	struct error err = { 0 };
	if (!tracer_lift(tracer, &err))
		fail_msg("%s", err.context);
	tracer_close(tracer);
}

/* Serve until the target has answered: it may be waiting at a gate. */
static void serve_until_answer(struct tracer *tracer, struct target *target)
{
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
	await_answer(target, "done");
	serve(tracer, 50 * NS_PER_MS); /* frees come by way of the ring */
}

static void assert_code_is_the_files(int pid)
{
	static const char *const names[] = { "malloc",	 "calloc",	   "realloc", "free",
					     "memalign", "posix_memalign", "valloc",  "pvalloc" };
	struct target_memory tm;
	struct images images;
	struct error err = { 0 };
	assert_true(target_memory_init(&tm, pid, &err));
	assert_true(images_init(&images, pid, &tm.memory, &err));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct symbol symbol;
		uint8_t file[64], memory[64];
		assert_true(symbols_find_first(&images.symbols, names[i], &symbol));
		assert_true(image_file_bytes(images_find(&images, symbol.address), symbol.address,
					     file, sizeof(file), &err));
		assert_true(memory_read(&tm.memory, symbol.address, memory, sizeof(memory), &err));
		assert_memory_equal(file, memory, sizeof(file));
	}
	images_deinit(&images);
	target_memory_deinit(&tm);
}

/* Each block once, whatever function handed it out, and each free. */
static void check_exact_counts(struct target *target, size_t size, const char *command)
{
	struct tally tally = { .size_bytes = size };
	struct tracer_listener listener = listener_of(&tally);
	struct tracer *tracer = plant(target->pid, &listener, 1);
	send_command(target, command);
	serve_until_answer(tracer, target);
	assert_int_equal(tally.stops, 4 * 500);
	assert_int_equal(tally.live, 4 * 500);

	send_command(target, "drop");
	serve_until_answer(tracer, target);
	assert_int_equal(tally.stops, 4 * 500);
	assert_int_equal(tally.live, 0);
	lift(tracer);
}

static void test_every_block_counts_once(void **state)
{
	(void)state;
	struct target target;
	start_target(&target, "0");
	check_exact_counts(&target, 777, "keep 500 777");
	check_exact_counts(&target, 24, "keep 500 24"); /* attached again: as exact */
	check_exact_counts(&target, 300000, "keep 500 300000");
	end_target(&target);
}

static void test_lift_leaves_code_intact(void **state)
{
	(void)state;
	struct target target;
	struct tally tally = { 0 };
	struct tracer_listener listener = listener_of(&tally);
	start_target(&target, "4");
	for (int i = 0; i < 20; i++) {
		struct tracer *tracer = plant(target.pid, &listener, 65536);
		serve(tracer, 20 * NS_PER_MS);
		lift(tracer);
		assert_code_is_the_files(target.pid);
	}
	assert_true(tally.others > 0);
	end_target(&target);
}

/* A child of ours plants and is killed at some instant; the target must run on, and whoever comes
 * next must find everything and put it back. */
static void plant_and_be_killed(int target_pid, useconds_t after_us)
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
		while (tracer_serve(tracer, NS_PER_SECOND, &err))
			;
		_exit(2);
	}
	int status;
	usleep(after_us);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	assert_true(WIFSIGNALED(status)); /* it did not fail by itself */
}

static void test_killed_tracer_harms_nothing(void **state)
{
	(void)state;
	struct target target;
	struct tally tally = { 0 };
	struct tracer_listener listener = listener_of(&tally);
	start_target(&target, "8");
	for (useconds_t i = 0; i < 60; i++)
		plant_and_be_killed(target.pid, i * 500);
	lift(plant(target.pid, &listener, 65536));
	assert_code_is_the_files(target.pid);
	end_target(&target);
}

/* The program maps a thread's stack just where the region was to go: then it is the stub that must
 * give way, however often it is tried. */
static void test_region_never_covers_what_is_mapped(void **state)
{
	(void)state;
	struct target target;
	struct target_memory tm;
	struct images images;
	struct region region;
	struct error err = { 0 };
	size_t tried = 0;
	start_target(&target, "4");
	assert_true(target_memory_init(&tm, target.pid, &err));
	assert_true(images_init(&images, target.pid, &tm.memory, &err));
	for (size_t i = 0; i < images.maps.len; i++) {
		const struct mapping *mapping = &images.maps.list[i];
		if (mapping->is_writable && !mapping->inode &&
		    mapping->end - mapping->start > REGION_BYTES) {
			assert_false(region_open(&tm, &images, mapping->start, REGION_NEW,
						 SHARE_MEMFD, &region, &err));
			tried++;
		}
	}
	assert_true(tried > 0); /* the stacks of the threads */
	images_deinit(&images);
	target_memory_deinit(&tm);
	end_target(&target);
}

/* Signals that come faster than a waiting thread's time-outs must not keep it from noticing that
 * its tracer is dead. */
static void test_signals_do_not_hide_a_dead_tracer(void **state)
{
	(void)state;
	struct target target;
	struct tally tally = { 0 };
	struct tracer_listener listener = listener_of(&tally);
	start_target(&target, "4");
	send_command(&target, "timer 1000");
	await_answer(&target, "done");
	for (useconds_t i = 0; i < 20; i++)
		plant_and_be_killed(target.pid, 5000 + i * 500);
	send_command(&target, "keep 10 5000"); /* answers: nobody waits any more */
	await_answer(&target, "done");
	lift(plant(target.pid, &listener, 65536));
	end_target(&target);
}

/* The target dies of the first EINTR that it sees. */
static void test_no_wait_is_interrupted_by_attaching_and_detaching(void **state)
{
	(void)state;
	struct target target;
	struct tally tally = { 0 };
	struct tracer_listener listener = listener_of(&tally);
	start_program(&target, BUILD_DIR "/fixtures/waits", "60");
	for (int i = 0; i < 100; i++) {
		struct tracer *tracer = plant(target.pid, &listener, 65536);
		serve(tracer, 5 * NS_PER_MS);
		lift(tracer);
		usleep(3000);
	}
	end_target(&target);
}

static void test_target_without_descriptors_is_told_and_left_alone(void **state)
{
	(void)state;
	struct target target;
	struct tally tally = { 0 };
	struct tracer_listener listener = listener_of(&tally);
	struct tracer *tracer;
	struct error err = { 0 };
	start_target(&target, "2");
	send_command(&target, "files");
	await_answer(&target, "done");
	for (int i = 0; i < 20; i++) {
		assert_false(try_to_plant(target.pid, &listener, 65536, &tracer, &err));
		assert_int_equal(err.kind, ERROR_UNSUPPORTED);
		if (!strstr(err.context, "Too many open files"))
			fail_msg("%d: %s", i, err.context);
		tracer_close(tracer);
	}
	end_target(&target);
}

static void test_stopped_target_is_told_and_left_alone(void **state)
{
	(void)state;
	struct target target;
	struct tracer *tracer;
	struct tally tally = { 0 };
	struct tracer_listener listener = listener_of(&tally);
	struct error err = { 0 };
	int status;
	start_target(&target, "2");
	kill(target.pid, SIGSTOP);
	waitpid(target.pid, &status, WUNTRACED);
	for (int i = 0; i < 20; i++) {
		assert_false(try_to_plant(target.pid, &listener, 65536, &tracer, &err));
		assert_int_equal(err.kind, ERROR_NOT_PERMITTED);
		tracer_close(tracer);
	}
	kill(target.pid, SIGCONT);
	lift(plant(target.pid, &listener, 65536));
	end_target(&target);
}

static void test_strict_seccomp_is_refused(void **state)
{
	(void)state;
	struct tracer *tracer;
	struct error err = { 0 };
	int ready[2];
	char byte;
	assert_int_equal(pipe(ready), 0);
	int pid = fork();
	if (pid == 0) {
		alarm(60);
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
		if (write(ready[1], "r", 1) == 1)
			for (;;)
				;
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_false(tracer_open(pid, &tracer, &err));
	assert_int_equal(err.kind, ERROR_NOT_PERMITTED);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0); /* it lives */
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(ready[0]);
	close(ready[1]);
}

static void test_target_that_ends_is_no_error(void **state)
{
	(void)state;
	struct target target;
	struct tally tally = { 0 };
	struct tracer_listener listener = listener_of(&tally);
	struct error err = { 0 };
	start_target(&target, "2");
	struct tracer *tracer = plant(target.pid, &listener, 65536);
	kill(target.pid, SIGKILL);
	while (tracer_serve(tracer, 10 * NS_PER_MS, &err))
		;
	assert_int_equal(err.kind, ERROR_NO_PROCESS);
	assert_true(tracer_lift(tracer, &err));
	tracer_close(tracer);
	waitpid(target.pid, NULL, 0);
	fclose(target.commands);
	fclose(target.answers);
}

static void test_missing_process_is_named(void **state)
{
	(void)state;
	struct tracer *tracer;
	struct error err = { 0 };
	int pid = fork();
	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	assert_false(tracer_open(pid, &tracer, &err));
	assert_int_equal(err.kind, ERROR_NO_PROCESS);
}

static void test_stopped_time_and_stops_are_counted(void **state)
{
	(void)state;
	struct target target;
	struct tally tally = { 0 };
	struct tracer_listener listener = listener_of(&tally);
	struct tracer_stats stats;
	start_target(&target, "2");
	struct tracer *tracer = plant(target.pid, &listener, 65536);
	serve(tracer, 300 * NS_PER_MS);
	tracer_stats(tracer, &stats);
	assert_int_equal(stats.stops, tally.others + tally.stops);
	assert_true(stats.stops > 10);
	assert_true(stats.stopped_seconds > 0);
	assert_true(stats.longest_stop_seconds > 0);
	assert_true(stats.longest_stop_seconds <= stats.stopped_seconds);
	assert_int_equal(stats.lost, 0);
	assert_int_equal(stats.sample_bytes, 65536);
	lift(tracer);
	end_target(&target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_block_counts_once),
		cmocka_unit_test(test_lift_leaves_code_intact),
		cmocka_unit_test(test_killed_tracer_harms_nothing),
		cmocka_unit_test(test_region_never_covers_what_is_mapped),
		cmocka_unit_test(test_signals_do_not_hide_a_dead_tracer),
		cmocka_unit_test(test_no_wait_is_interrupted_by_attaching_and_detaching),
		cmocka_unit_test(test_target_without_descriptors_is_told_and_left_alone),
		cmocka_unit_test(test_stopped_target_is_told_and_left_alone),
		cmocka_unit_test(test_strict_seccomp_is_refused),
		cmocka_unit_test(test_target_that_ends_is_no_error),
		cmocka_unit_test(test_missing_process_is_named),
		cmocka_unit_test(test_stopped_time_and_stops_are_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
