/* SPDX-License-Identifier: MIT */
/* Real targets that have put themselves under seccomp or forbidden themselves new code. */
#include "tracer/admission.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fixtures/restricted.h"
#include "tracer/tracer.h"

enum { GET_MDWE = 66 };

/* ---- a target -------------------------------------------------------------------------------- */

struct target {
	int pid;
	struct restricted_control *control;
};

/* `way` is one of fixtures/restricted.c, a plain program whatever this one is built with. */
static void start_target(struct target *target, const char *way, bool is_hardened_later)
{
	char number[16];
	int status;
	int fd = memfd_create("control", 0);
	assert_int_equal(ftruncate(fd, sizeof(*target->control)), 0);
	target->control =
		mmap(NULL, sizeof(*target->control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(target->control != MAP_FAILED);
	snprintf(number, sizeof(number), "%d", fd);
	target->pid = fork();
	assert_true(target->pid >= 0);
	if (target->pid == 0) {
		execl(BUILD_DIR "/fixtures/restricted", "restricted", way, number,
		      is_hardened_later ? "later" : NULL, NULL);
		_exit(127);
	}
	close(fd);
	for (int i = 0; !atomic_load(&target->control->is_ready); i++) {
		if (i == 20000 || waitpid(target->pid, &status, WNOHANG) != 0)
			fail_msg("the target does not get ready");
		usleep(1000);
	}
}

/* It is alive, works, and ends by itself. */
static void end_target(struct target *target)
{
	int status;
	unsigned long before = atomic_load(&target->control->rounds);
	for (int i = 0; i < 20000 && atomic_load(&target->control->rounds) < before + 3; i++) {
		if (waitpid(target->pid, &status, WNOHANG) != 0)
			fail_msg("the target died: %#x", status);
		usleep(1000);
	}
	assert_true(atomic_load(&target->control->rounds) >= before + 3);
	atomic_store(&target->control->is_stopping, true);
	assert_int_equal(waitpid(target->pid, &status, 0), target->pid);
	assert_int_equal(status, 0);
	munmap(target->control, sizeof(*target->control));
}

/* ---- a tracer -------------------------------------------------------------------------------- */

static bool count_stop(void *context, const struct stop *stop)
{
	(void)stop;
	++*(size_t *)context;
	return true;
}

static void ignore_block(void *context, raddr block)
{
	(void)context;
	(void)block;
}

static void ignore_free(void *context, raddr block, uint64_t time_ns)
{
	(void)time_ns;
	ignore_block(context, block);
}

static void ignore_double(void *context)
{
	(void)context;
}

/* How threads are to wait. */
static enum tracer_stop_kind stop_kind;

static bool plant(int pid, size_t *stops, struct tracer **ret, struct error *err)
{
	struct gate_spec specs[TRACER_LIBC_SPECS_MAX];
	size_t len;
	bool found;
	const struct tracer_options options = { .sample_bytes = 20000, .stop_kind = stop_kind };
	const struct tracer_listener listener = { stops, count_stop, ignore_free, ignore_block,
						  ignore_double };
	return tracer_open(pid, ret, err) && tracer_recover(*ret, &found, err) &&
	       tracer_libc_specs(*ret, specs, &len, err) &&
	       tracer_plant(*ret, specs, len, &options, &listener, err);
}

static void check_traceable(struct target *target)
{
	for (int i = 0; i < 3; i++) { /* the second and third time over what the first left */
		size_t stops = 0;
		struct tracer *tracer;
		struct error err = { 0 };
		if (!plant(target->pid, &stops, &tracer, &err))
			fail_msg("%s", err.context);
		for (int j = 0; j < 200 && stops < 5; j++)
			assert_true(tracer_serve(tracer, 20 * NS_PER_MS, &err));
		assert_true(stops >= 5);
		assert_true(tracer_lift(tracer, &err));
		tracer_close(tracer);
	}
}

/* Filters are shown to root alone. */
static void check_works(const char *way)
{
	struct target target;
	if (geteuid() != 0)
		skip();
	start_target(&target, way, false);
	check_traceable(&target);
	end_target(&target);
}

static void check_refused(const char *way, const char *word)
{
	struct target target;
	size_t stops = 0;
	if (geteuid() != 0)
		skip();
	start_target(&target, way, false);
	for (int i = 0; i < 20; i++) {
		struct tracer *tracer = NULL;
		struct error err = { 0 };
		assert_false(plant(target.pid, &stops, &tracer, &err));
		assert_int_equal(err.kind, ERROR_NOT_PERMITTED);
		if (!strstr(err.context, word))
			fail_msg("no '%s' in: %s", word, err.context);
		tracer_close(tracer);
	}
	end_target(&target);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void test_no_call_is_made_but_those_of_the_tables(void **state)
{
	(void)state;
	check_works("allow_what_a_memfd_needs");
	check_works("allow_what_anonymous_pages_need");
}

/* The second kind of stop has calls of its own, and can do without futex. */
static void test_traps_make_no_other_calls_either(void **state)
{
	(void)state;
	stop_kind = TRACER_STOP_TRAP;
	check_works("allow_what_traps_and_a_memfd_need");
	check_works("allow_what_traps_and_anonymous_pages_need");
	check_works("refuse_futex");
	stop_kind = TRACER_STOP_PARK;
}

static void test_memfd_can_be_done_without(void **state)
{
	(void)state;
	check_works("kill_for_memfd");
	check_works("refuse_memfd");
}

static void test_filter_that_forbids_is_named_and_the_target_unharmed(void **state)
{
	(void)state;
	check_refused("kill_for_gettid", "kills the program for gettid");
	check_refused("kill_for_gettid_then_allow", "kills the program for gettid");
	check_refused("refuse_futex", "refuses futex");
	check_refused("trap_madvise", "sends SIGSYS for madvise");
	check_refused("notify_of_ppoll", "asks a tracer about ppoll");
}

/* Being stopped is enough to make it call restart_syscall. */
static void test_target_that_must_not_restart_survives_being_looked_at(void **state)
{
	(void)state;
	check_refused("kill_for_restart", "restart_syscall");
}

static void test_memory_that_may_not_become_code_is_enough(void **state)
{
	(void)state;
	check_works("deny_new_code");
	if (prctl(GET_MDWE, 0, 0, 0, 0) < 0)
		skip(); /* Linux 6.3 has it */
	check_works("refuse_exec_gain");
}

static void check_hardened_while_traced(const char *way, bool is_harmless)
{
	struct target target;
	size_t stops = 0;
	struct tracer *tracer;
	struct error err = { 0 };
	if (geteuid() != 0)
		skip();
	start_target(&target, way, true);
	if (!plant(target.pid, &stops, &tracer, &err))
		fail_msg("%s", err.context);
	atomic_store(&target.control->is_to_harden_now, true);
	bool is_served = true;
	uint64_t deadline = clock_monotonic_ns() + 3 * NS_PER_SECOND;
	while (is_served && clock_monotonic_ns() < deadline)
		is_served = tracer_serve(tracer, 20 * NS_PER_MS, &err);
	assert_int_equal(is_served, is_harmless);
	if (!is_served)
		assert_int_equal(err.kind, ERROR_UNSAFE);
	assert_true(tracer_lift(tracer, &err));
	tracer_close(tracer);
	end_target(&target);
}

static void test_filter_that_comes_while_traced_is_noticed(void **state)
{
	(void)state;
	check_hardened_while_traced("refuse_memfd", true);
	check_hardened_while_traced("refuse_futex", false);
	check_hardened_while_traced("kill_for_restart", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_call_is_made_but_those_of_the_tables),
		cmocka_unit_test(test_traps_make_no_other_calls_either),
		cmocka_unit_test(test_memfd_can_be_done_without),
		cmocka_unit_test(test_filter_that_forbids_is_named_and_the_target_unharmed),
		cmocka_unit_test(test_target_that_must_not_restart_survives_being_looked_at),
		cmocka_unit_test(test_memory_that_may_not_become_code_is_enough),
		cmocka_unit_test(test_filter_that_comes_while_traced_is_noticed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
