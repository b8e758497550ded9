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
#include "tests/unit/tracer/traced_target.h"
#include "tracer/images.h"
#include "tracer/region.h"
#include "tracer/target_memory.h"

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

static void test_lift_leaves_code_intact(void **state)
{
	(void)state;
	struct target target;
	struct tally tally = { 0 };
	struct tracer_listener listener = listener_of(&tally);
	start_target(&target, NULL, "4");
	for (int i = 0; i < 20; i++) {
		struct tracer *tracer = plant(target.pid, &listener, 65536);
		serve(tracer, 20 * NS_PER_MS);
		lift(tracer);
		assert_code_is_the_files(target.pid);
	}
	assert_true(tally.others > 0);
	end_target(&target);
}

static raddr find_region(int pid, struct target_memory *tm)
{
	struct maps maps;
	struct error err = { 0 };
	raddr base;
	assert_true(maps_read(pid, &maps, &err));
	assert_int_equal(regions_find(&tm->memory, &maps, &base, 1), 1);
	maps_deinit(&maps);
	return base;
}

/* Overwrite something in the anchor of a target. */
static void spoil_anchor(int pid, size_t offset, size_t len)
{
	struct target_memory tm;
	struct error err = { 0 };
	uint8_t garbage[ANCHOR_BYTES];
	memset(garbage, 0xa5, sizeof(garbage));
	assert_true(target_memory_init(&tm, pid, &err));
	assert_true(target_memory_write(&tm, find_region(pid, &tm) + ANCHOR_OFFSET + offset,
					garbage, len, &err));
	target_memory_deinit(&tm);
}

/* The target may write anything into its anchor: number of records, records, magic. */
static void test_lift_needs_nothing_that_the_target_says(void **state)
{
	(void)state;
	static const struct {
		size_t offset;
		size_t len;
	} spoilt[] = { { ANCHOR_RECORD_COUNT, 4 },
		       { ANCHOR_RECORDS, ANCHOR_RECORDS_MAX * ANCHOR_RECORD_BYTES },
		       { ANCHOR_MAGIC, 8 } };
	for (size_t i = 0; i < ARRAY_LEN(spoilt); i++) {
		struct target target;
		struct tally tally = { 0 };
		struct tracer_listener listener = listener_of(&tally);
		start_target(&target, NULL, "2");
		struct tracer *tracer = plant(target.pid, &listener, 65536);
		spoil_anchor(target.pid, spoilt[i].offset, spoilt[i].len);
		lift(tracer);
		assert_code_is_the_files(target.pid);
		end_target(&target);
	}
}

static bool be_slow(void *context, const struct stop *stop)
{
	(void)stop;
	++*(size_t *)context;
	usleep(10000);
	return false;
}

/* Post a mailbox that was used before in every mailbox. */
static void post_all(int pid)
{
	struct target_memory tm;
	struct error err = { 0 };
	static struct mailbox boxes[MAILBOX_COUNT];
	static uint32_t states[MAILBOX_COUNT];
	assert_true(target_memory_init(&tm, pid, &err));
	raddr shared = find_region(pid, &tm) + SHARED_OFFSET;
	assert_true(memory_read(&tm.memory, shared + SHARED_MAILBOXES, boxes, sizeof(boxes), &err));
	size_t used = 0;
	while (used < MAILBOX_COUNT && !boxes[used].block)
		used++;
	assert_true(used < MAILBOX_COUNT);
	for (size_t i = 0; i < MAILBOX_COUNT; i++) {
		states[i] = MAILBOX_POSTED;
		boxes[i] = boxes[used];
	}
	assert_true(
		target_memory_write(&tm, shared + SHARED_MAILBOXES, boxes, sizeof(boxes), &err));
	assert_true(target_memory_write(&tm, shared + SHARED_STATES, states, sizeof(states), &err));
	target_memory_deinit(&tm);
}

/* The target says which threads wait: it may say so of a thousand at a time. */
static void test_serving_ends_in_time_whatever_is_posted(void **state)
{
	(void)state;
	struct target target;
	size_t stops = 0;
	struct tracer_listener listener = { &stops, be_slow, note_free, note_drop, note_double };
	struct error err = { 0 };
	start_target(&target, NULL, "0");
	struct tracer *tracer = plant(target.pid, &listener, 1);
	send_command(&target, "keep 1 100");
	serve_until_answer(tracer, &target);
	stops = 0;
	post_all(target.pid);
	uint64_t start_ns = clock_monotonic_ns();
	assert_true(tracer_serve(tracer, 50 * NS_PER_MS, &err));
	assert_true(clock_monotonic_ns() - start_ns < 5 * NS_PER_SECOND);
	/* The next ones come where these have ended. */
	for (int i = 0; i < 1000 && stops < MAILBOX_COUNT; i++)
		assert_true(tracer_serve(tracer, 50 * NS_PER_MS, &err));
	assert_int_equal(stops, MAILBOX_COUNT);
	lift(tracer);
	end_target(&target);
}

/* What is left of the journal is enough to undo what is left. */
static void test_recovery_survives_a_spoilt_number_of_records(void **state)
{
	(void)state;
	struct target target;
	struct tally tally = { 0 };
	struct tracer_listener listener = listener_of(&tally);
	start_target(&target, NULL, "2");
	serve_and_be_killed(target.pid);
	spoil_anchor(target.pid, ANCHOR_RECORD_COUNT, 4);
	lift(plant(target.pid, &listener, 65536));
	assert_code_is_the_files(target.pid);
	end_target(&target);
}

/* A child of ours plants, serves until it cannot any more, and lifts. */
static int start_whole_tracer(int target_pid)
{
	int planted[2];
	char byte;
	assert_int_equal(pipe2(planted, O_CLOEXEC), 0);
	int child = fork();
	if (child == 0) {
		static struct tally tally;
		struct tracer_listener listener = listener_of(&tally);
		struct error err = { 0 };
		struct tracer *tracer = plant(target_pid, &listener, 65536);
		bool is_ok = write(planted[1], "", 1) == 1;
		while (is_ok && tracer_serve(tracer, 10 * NS_PER_MS, &err))
			;
		_exit(is_ok && tracer_lift(tracer, &err) ? 0 : 1);
	}
	close(planted[1]);
	assert_int_equal(read(planted[0], &byte, 1), 1);
	close(planted[0]);
	return child;
}

/* As a thread does that has waited in vain for a tracer. */
static void disarm(int pid)
{
	struct target_memory tm;
	struct error err = { 0 };
	assert_true(target_memory_init(&tm, pid, &err));
	assert_true(region_write_u32(&tm, find_region(pid, &tm), CONTROL_OFFSET + CONTROL_ARMED, 0,
				     &err));
	target_memory_deinit(&tm);
}

/* A tracer that was stopped (Ctrl-Z) for so long that another one has attached since goes on, sees
 * that, and ends: by then the gates are the other one's. */
static void test_gates_of_a_later_tracer_are_left_alone(void **state)
{
	(void)state;
	static struct tally tally = { .size_bytes = 777 };
	struct tracer_listener listener = listener_of(&tally);
	struct target target;
	int status;
	start_target(&target, NULL, "0");
	int earlier = start_whole_tracer(target.pid);
	kill(earlier, SIGSTOP);
	assert_int_equal(waitpid(earlier, &status, WUNTRACED), earlier);
	assert_true(WIFSTOPPED(status));
	disarm(target.pid);

	struct tracer *later = plant(target.pid, &listener, 1);
	kill(earlier, SIGCONT);
	uint64_t deadline_ns = clock_monotonic_ns() + 30 * NS_PER_SECOND;
	while (waitpid(earlier, &status, WNOHANG) == 0) {
		assert_true(clock_monotonic_ns() < deadline_ns);
		serve(later, 10 * NS_PER_MS);
	}
	assert_int_equal(status, 0);
	send_command(&target, "keep 500 777");
	serve_until_answer(later, &target);
	assert_int_equal(tally.stops, 2000);
	lift(later);
	assert_code_is_the_files(target.pid);
	end_target(&target);
}

static void test_killed_tracer_harms_nothing(void **state)
{
	(void)state;
	struct target target;
	struct tally tally = { 0 };
	struct tracer_listener listener = listener_of(&tally);
	start_target(&target, NULL, "8");
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
	start_target(&target, NULL, "4");
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
	start_target(&target, NULL, "4");
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
	start_program(&target, BUILD_DIR "/fixtures/waits", NULL, "60", NULL);
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
	start_target(&target, NULL, "2");
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
	start_target(&target, NULL, "2");
	kill(target.pid, SIGSTOP);
	waitpid(target.pid, &status, WUNTRACED);
	for (int i = 0; i < 20; i++) {
		assert_false(tracer_open(target.pid, &tracer, &err));
		assert_int_equal(err.kind, ERROR_NOT_PERMITTED);
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
	start_target(&target, NULL, "2");
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
	start_target(&target, NULL, "2");
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
		cmocka_unit_test(test_lift_leaves_code_intact),
		cmocka_unit_test(test_lift_needs_nothing_that_the_target_says),
		cmocka_unit_test(test_recovery_survives_a_spoilt_number_of_records),
		cmocka_unit_test(test_serving_ends_in_time_whatever_is_posted),
		cmocka_unit_test(test_gates_of_a_later_tracer_are_left_alone),
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
