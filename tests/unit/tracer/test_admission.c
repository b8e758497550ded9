/* SPDX-License-Identifier: MIT */
/* Real targets that have put themselves under seccomp or forbidden themselves new code. */
#include "tracer/admission.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tracer/tracer.h"

enum { FILTER_MAX = 1024, SET_MDWE = 65, GET_MDWE = 66, MDWE_REFUSE_EXEC_GAIN = 1 };

/* ---- a target -------------------------------------------------------------------------------- */

/* Shared with the target. */
struct control {
	atomic_bool is_ready;
	atomic_bool is_stopping;
	atomic_bool is_to_harden_now; /* do so in the middle of the work */
	atomic_ulong rounds;
};

struct target {
	int pid;
	struct control *control;
};

static void work(struct control *control)
{
	uint8_t *blocks[64];
	for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
		blocks[i] = malloc(1000 + i);
		memset(blocks[i], (int)i, 1000 + i);
	}
	for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
		if (blocks[i][0] != i || blocks[i][999 + i] != i)
			_exit(1);
		free(blocks[i]);
	}
	atomic_fetch_add(&control->rounds, 1);
	/* A wait that is restarted by restart_syscall(2). */
	syscall(SYS_nanosleep, &(struct timespec){ .tv_nsec = 2000000 }, NULL);
}

static void run_target(struct control *control, void (*harden)(void), bool is_hardened_later)
{
	alarm(60);
	mallopt(M_TOP_PAD, 1 << 20); /* so that the allocator itself needs no system call */
	mallopt(M_TRIM_THRESHOLD, 1 << 24);
	work(control);
	if (!is_hardened_later)
		harden();
	atomic_store(&control->is_ready, true);
	while (!atomic_load(&control->is_stopping)) {
		work(control);
		if (atomic_exchange(&control->is_to_harden_now, false))
			harden();
	}
	_exit(0);
}

static void start_target(struct target *target, void (*harden)(void), bool is_hardened_later)
{
	target->control = mmap(NULL, sizeof(*target->control), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(target->control != MAP_FAILED);
	target->pid = fork();
	assert_true(target->pid >= 0);
	if (target->pid == 0)
		run_target(target->control, harden, is_hardened_later);
	for (int i = 0; !atomic_load(&target->control->is_ready); i++) {
		if (i == 20000)
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
static void check_works(void (*harden)(void))
{
	struct target target;
	if (geteuid() != 0)
		skip();
	start_target(&target, harden, false);
	check_traceable(&target);
	end_target(&target);
}

static void check_refused(void (*harden)(void), const char *word)
{
	struct target target;
	size_t stops = 0;
	if (geteuid() != 0)
		skip();
	start_target(&target, harden, false);
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

/* ---- filters --------------------------------------------------------------------------------- */

static struct sock_filter filter[FILTER_MAX];
static size_t filter_len;

static void emit(uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	if (filter_len == FILTER_MAX)
		_exit(2);
	filter[filter_len++] = (struct sock_filter){ code, jt, jf, k };
}

static void emit_load(size_t offset)
{
	emit(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

/* If the call is this one, with these arguments, this is the answer. */
static void emit_answer(const struct seccomp_call *call, uint32_t answer)
{
	size_t jumps[13];
	size_t jump_count = 0;
	emit_load(offsetof(struct seccomp_data, nr));
	jumps[jump_count++] = filter_len;
	emit(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call->number, 0, 0);
	for (size_t i = 0; i < 6; i++) {
		for (size_t half = 0; half < 2 && !(call->any_args >> i & 1); half++) {
			emit_load(offsetof(struct seccomp_data, args) + 8 * i + 4 * half);
			jumps[jump_count++] = filter_len;
			emit(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(call->args[i] >> 32 * half), 0,
			     0);
		}
	}
	emit(BPF_RET | BPF_K, answer, 0, 0);
	for (size_t i = 0; i < jump_count; i++)
		filter[jumps[i]].jf = (uint8_t)(filter_len - jumps[i] - 1);
}

static void emit_simple(int number, uint32_t answer)
{
	const struct seccomp_call call = { .number = number, .any_args = 0x3f };
	emit_answer(&call, answer);
}

static void emit_calls(enum calls calls)
{
	for (const struct seccomp_call *call = calls_of[calls]; call->name; call++)
		emit_answer(call, SECCOMP_RET_ALLOW);
}

static void install(uint32_t otherwise)
{
	emit(BPF_RET | BPF_K, otherwise, 0, 0);
	const struct sock_fprog program = { (unsigned short)filter_len, filter };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(3);
	filter_len = 0;
}

/* Death to everything but what the target needs itself and what we say that we need. */
static void allow_only(enum calls sharing)
{
	emit_simple(SYS_nanosleep, SECCOMP_RET_ALLOW);
	emit_simple(SYS_exit_group, SECCOMP_RET_ALLOW);
	emit_calls(CALLS_RESTART);
	emit_calls(stop_kind == TRACER_STOP_TRAP ? CALLS_TRAP : CALLS_PARK);
	emit_calls(CALLS_STUB);
	emit_calls(sharing);
	install(SECCOMP_RET_KILL_PROCESS);
}

static void allow_what_a_memfd_needs(void)
{
	allow_only(CALLS_MEMFD);
}

static void allow_what_anonymous_pages_need(void)
{
	allow_only(CALLS_ANONYMOUS);
}

static void forbid(int number, uint32_t answer)
{
	emit_simple(number, answer);
	install(SECCOMP_RET_ALLOW);
}

static void kill_for_memfd(void)
{
	forbid(SYS_memfd_create, SECCOMP_RET_KILL_PROCESS);
}

static void refuse_memfd(void)
{
	forbid(SYS_memfd_create, SECCOMP_RET_ERRNO | ENOSYS);
}

static void kill_for_gettid(void)
{
	forbid(SYS_gettid, SECCOMP_RET_KILL_THREAD);
}

static void refuse_futex(void)
{
	forbid(SYS_futex, SECCOMP_RET_ERRNO | EPERM);
}

static void trap_madvise(void)
{
	forbid(SYS_madvise, SECCOMP_RET_TRAP);
}

static void notify_of_ppoll(void)
{
	forbid(SYS_ppoll, SECCOMP_RET_TRACE);
}

static void kill_for_restart(void)
{
	forbid(SYS_restart_syscall, SECCOMP_RET_KILL_PROCESS);
}

/* The innermost filter of several decides, too. */
static void kill_for_gettid_then_allow(void)
{
	forbid(SYS_gettid, SECCOMP_RET_KILL_PROCESS);
	install(SECCOMP_RET_LOG);
}

/* As a service manager's MemoryDenyWriteExecute does it: nothing is writable and executable, and
 * nothing becomes executable. */
static void deny_new_code(void)
{
	static const uint32_t both = PROT_WRITE | PROT_EXEC;
	const uint32_t prot = offsetof(struct seccomp_data, args[2]);
	emit_load(offsetof(struct seccomp_data, nr));
	emit(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 4);
	emit_load(prot);
	emit(BPF_ALU | BPF_AND | BPF_K, both, 0, 0);
	emit(BPF_JMP | BPF_JEQ | BPF_K, both, 0, 1);
	emit(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM, 0, 0);
	emit_load(offsetof(struct seccomp_data, nr));
	emit(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 3);
	emit_load(prot);
	emit(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1);
	emit(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM, 0, 0);
	install(SECCOMP_RET_ALLOW);
}

static void refuse_exec_gain(void)
{
	if (prctl(SET_MDWE, MDWE_REFUSE_EXEC_GAIN, 0, 0, 0))
		_exit(4);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void test_no_call_is_made_but_those_of_the_tables(void **state)
{
	(void)state;
	check_works(allow_what_a_memfd_needs);
	check_works(allow_what_anonymous_pages_need);
}

/* The second kind of stop has calls of its own, and can do without futex. */
static void test_traps_make_no_other_calls_either(void **state)
{
	(void)state;
	stop_kind = TRACER_STOP_TRAP;
	check_works(allow_what_a_memfd_needs);
	check_works(allow_what_anonymous_pages_need);
	check_works(refuse_futex);
	stop_kind = TRACER_STOP_PARK;
}

static void test_memfd_can_be_done_without(void **state)
{
	(void)state;
	check_works(kill_for_memfd);
	check_works(refuse_memfd);
}

static void test_filter_that_forbids_is_named_and_the_target_unharmed(void **state)
{
	(void)state;
	check_refused(kill_for_gettid, "kills the program for gettid");
	check_refused(kill_for_gettid_then_allow, "kills the program for gettid");
	check_refused(refuse_futex, "refuses futex");
	check_refused(trap_madvise, "sends SIGSYS for madvise");
	check_refused(notify_of_ppoll, "asks a tracer about ppoll");
}

/* Being stopped is enough to make it call restart_syscall. */
static void test_target_that_must_not_restart_survives_being_looked_at(void **state)
{
	(void)state;
	check_refused(kill_for_restart, "restart_syscall");
}

static void test_memory_that_may_not_become_code_is_enough(void **state)
{
	(void)state;
	check_works(deny_new_code);
	if (prctl(GET_MDWE, 0, 0, 0, 0) < 0)
		skip(); /* Linux 6.3 has it */
	check_works(refuse_exec_gain);
}

static void check_hardened_while_traced(void (*harden)(void), bool is_harmless)
{
	struct target target;
	size_t stops = 0;
	struct tracer *tracer;
	struct error err = { 0 };
	if (geteuid() != 0)
		skip();
	start_target(&target, harden, true);
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
	check_hardened_while_traced(refuse_memfd, true);
	check_hardened_while_traced(refuse_futex, false);
	check_hardened_while_traced(kill_for_restart, false);
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
