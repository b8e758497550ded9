/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <assert.h>
#include <cmocka.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "cli/session.h"
#include "pyframes/pyframes.h"

/* A scripted tracer and interpreter in place of the real ones: the session's own promises are to be
 * seen, above all that a target is released on every way out. */
static struct script {
	int failed_opens;	    /* how many attempts to recognise the interpreter fail, */
	enum error_kind open_error; /* and how */
	bool plant_fails;
	bool lift_fails;
	int good_slices;	     /* tracer_serve() calls that succeed ... */
	enum error_kind serve_error; /* ... before one fails like this */
	void (*on_slice)(const struct tracer_listener *listener, int slice);

	struct tracer_stats told; /* by tracer_stats(), but for the counts */

	bool is_finalizing;
	int gates_in_slots;		/* how many times tracer_clear_slots() still finds some */
	enum error_kind clean_up_error; /* of the second tracer_clear_slots(); INTERNAL: none */
	bool ends_in_clean_up;

	atomic_int opened;
	atomic_int closed;
	atomic_int planted;
	atomic_int lifted;
	atomic_int slices;
	atomic_int frames_closed;
	atomic_int specs_made;
	atomic_int slots_cleared;
	const struct tracer_listener *listener;
	struct frame interned[8];
	int interned_count;
} script;

static const struct gate_spec pymalloc_malloc = {
	.name = "obj.malloc",
	.operation = GATE_MALLOC,
	.kind = MEMORY_PYMALLOC,
	.max_counted_bytes = 512,
};
static const struct gate_spec pymalloc_realloc = {
	.name = "obj.realloc",
	.operation = GATE_REALLOC,
	.kind = MEMORY_PYMALLOC,
	.max_counted_bytes = 512,
};
static const struct gate_spec c_realloc = {
	.name = "realloc",
	.operation = GATE_REALLOC,
	.kind = MEMORY_MALLOC,
	.max_counted_bytes = UINT64_MAX,
};

/* Threads of the script, by thread pointer, and blocks in pymalloc's arenas. */
enum { THREAD_IN_PYTHON = 1, THREAD_NATIVE, THREAD_GARBAGE };
static const raddr FIRST_ARENA_BLOCK = 0x100000;

bool tracer_open(int pid, struct tracer **ret, struct error *err)
{
	(void)pid;
	(void)err;
	script.opened++;
	*ret = (struct tracer *)&script;
	return true;
}

bool tracer_open_to_undo(int pid, struct tracer **ret, struct error *err)
{
	return tracer_open(pid, ret, err);
}

void tracer_close(struct tracer *tracer)
{
	script.closed += tracer != NULL;
}

/* The seams go from one script to the other, and nobody looks into them. */
struct memory *tracer_memory(struct tracer *tracer)
{
	return (struct memory *)tracer;
}

struct symbols *tracer_symbols(struct tracer *tracer)
{
	return (struct symbols *)tracer;
}

struct loads *tracer_loads(struct tracer *tracer)
{
	return (struct loads *)tracer;
}

bool tracer_libc_specs(struct tracer *tracer, struct gate_spec *ret, size_t *len_ret,
		       struct error *err)
{
	(void)tracer;
	(void)err;
	*ret = c_realloc;
	*len_ret = 1;
	return true;
}

bool tracer_recover(struct tracer *tracer, bool *found_ret, struct error *err)
{
	(void)tracer;
	(void)err;
	*found_ret = false;
	return true;
}

bool tracer_clear_slots(struct tracer *tracer, const struct gate_spec *specs, size_t spec_count,
			bool *found_ret, struct error *err)
{
	(void)tracer;
	assert(spec_count == 2);
	assert(strcmp(specs[0].name, "obj.malloc") == 0);
	assert(script.lifted == script.planted);
	script.slots_cleared++;
	if (script.lifted && script.clean_up_error != ERROR_INTERNAL) {
		script.is_finalizing = script.ends_in_clean_up;
		return error_set(err, script.clean_up_error, "could not clean up");
	}
	*found_ret = script.gates_in_slots > 0;
	script.gates_in_slots -= *found_ret;
	return true;
}

bool tracer_plant(struct tracer *tracer, const struct gate_spec *specs, size_t spec_count,
		  const struct tracer_options *options, const struct tracer_listener *listener,
		  struct error *err)
{
	(void)tracer;
	(void)options;
	if (script.plant_fails)
		return error_set(err, ERROR_UNSAFE, "foreign bytes");
	assert(spec_count == 3);
	assert(strcmp(specs[2].name, "realloc") == 0);
	script.listener = listener;
	script.planted++;
	return true;
}

bool tracer_serve(struct tracer *tracer, uint64_t duration_ns, struct error *err)
{
	(void)tracer;
	(void)duration_ns;
	int slice = script.slices++;
	if (script.serve_error != ERROR_INTERNAL && slice >= script.good_slices)
		return error_set(err, script.serve_error, "served no more");
	if (script.on_slice)
		script.on_slice(script.listener, slice);
	nanosleep(&(struct timespec){ .tv_nsec = NS_PER_MS }, NULL);
	return true;
}

bool tracer_lift(struct tracer *tracer, struct error *err)
{
	(void)tracer;
	script.lifted++;
	return !script.lift_fails || error_set(err, ERROR_INTERNAL, "could not lift");
}

void tracer_stats(const struct tracer *tracer, struct tracer_stats *ret)
{
	(void)tracer;
	*ret = script.told;
	ret->stops = 7;
	ret->lost = 3;
	ret->sample_bytes = 4096;
}

bool pyframes_open(struct memory *memory, struct symbols *symbols, struct loads *loads,
		   struct pyframes **ret, struct error *err)
{
	(void)memory;
	(void)symbols;
	(void)loads;
	if (script.opened <= script.failed_opens)
		return error_set(err, script.open_error, "no interpreter");
	*ret = (struct pyframes *)&script;
	return true;
}

void pyframes_close(struct pyframes *py)
{
	script.frames_closed += py != NULL;
}

const char *pyframes_version(const struct pyframes *py)
{
	(void)py;
	return "3.11.7";
}

bool pyframes_gate_specs(struct pyframes *py, struct gate_spec *ret, size_t *len_ret,
			 struct error *err)
{
	(void)py;
	(void)err;
	script.specs_made++;
	ret[0] = pymalloc_malloc;
	ret[1] = pymalloc_realloc;
	*len_ret = 2;
	return true;
}

bool pyframes_stack(struct pyframes *py, const struct pyframes_thread *thread,
		    const struct frame **ret, size_t *len_ret, bool *is_truncated_ret,
		    struct error *err)
{
	static const struct frame inner = { "index", "app.py", 11 };
	static const struct frame outer = { "<module>", "app.py", 99 };
	(void)py;
	if (thread->thread_pointer == THREAD_GARBAGE)
		return error_set(err, ERROR_FORMAT, "no frame");
	ret[0] = &inner;
	ret[1] = &outer;
	*len_ret = thread->thread_pointer == THREAD_NATIVE ? 0 : 2;
	*is_truncated_ret = false;
	return true;
}

/* What the gate of the C allocator is passed by tells nothing. */
bool pyframes_check_stop(struct pyframes *py, const struct pyframes_thread *thread, raddr block,
			 bool *checked_ret, struct error *err)
{
	(void)py;
	(void)block;
	*checked_ret = thread->gate->kind == MEMORY_PYMALLOC;
	return !*checked_ret || thread->thread_pointer != THREAD_GARBAGE ||
	       error_set(err, ERROR_UNSUPPORTED, "not laid out as known");
}

bool pyframes_is_pymalloc_block(struct pyframes *py, raddr block)
{
	(void)py;
	return block >= FIRST_ARENA_BLOCK;
}

const char *pyframes_note(const struct pyframes *py)
{
	(void)py;
	return NULL;
}

bool pyframes_is_finalizing(struct pyframes *py)
{
	(void)py;
	return script.is_finalizing;
}

bool pyframes_intern(struct pyframes *py, const char *function, const char *file, int line,
		     const struct frame **ret, struct error *err)
{
	(void)py;
	(void)err;
	assert(script.interned_count < (int)ARRAY_LEN(script.interned));
	struct frame *frame = &script.interned[script.interned_count++];
	*frame = (struct frame){ strdup(function), file, line };
	*ret = frame;
	return true;
}

static int set_up(void **state)
{
	(void)state;
	memset(&script, 0, sizeof(script));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (int i = 0; i < script.interned_count; i++)
		free((char *)script.interned[i].function);
	/* Whatever a test did: nothing is left planted or open. */
	assert_true(script.planted == 0 || script.lifted > 0);
	assert_int_equal(script.opened, script.closed);
	return 0;
}

/* A process that is neither touched nor young. */
enum { SOME_PID = 1 };

static struct session *begin(bool is_launched)
{
	const struct session_options options = { .pid = SOME_PID, .is_launched = is_launched };
	struct session *session;
	struct error err;
	assert_true(session_create(&options, &session, &err));
	return session;
}

static void wait_for(struct session *session, enum session_state state)
{
	struct error err;
	uint64_t deadline = clock_monotonic_ns() + 20 * NS_PER_SECOND;
	while (session_state(session) < state && clock_monotonic_ns() < deadline) {
		struct pollfd change = { .fd = session_fd(session), .events = POLLIN };
		poll(&change, 1, 1000);
		assert_true(session_pump(session, &err));
	}
	assert_true(session_state(session) >= state);
}

static void wait_for_slices(int count)
{
	uint64_t deadline = clock_monotonic_ns() + 20 * NS_PER_SECOND;
	while (script.slices < count && clock_monotonic_ns() < deadline)
		nanosleep(&(struct timespec){ .tv_nsec = NS_PER_MS }, NULL);
	assert_true(script.slices >= count);
}

static bool stop_at(const struct tracer_listener *listener, raddr thread,
		    const struct gate_spec *gate, raddr block)
{
	const struct stop stop = {
		.time_ns = clock_monotonic_ns(),
		.tid = SOME_PID,
		.thread_pointer = thread,
		.gate = gate,
		.block = block,
		.size_bytes = 100,
		.interval_bytes = 1,
	};
	return listener->on_stop(listener->context, &stop);
}

static void test_a_session_is_released_when_stopped(void **state)
{
	(void)state;
	struct error err;
	struct session *session = begin(false);
	wait_for(session, SESSION_TRACING);
	assert_string_equal(session_python(session), "3.11.7");
	assert_int_equal(script.lifted, 0);
	assert_true(session_stop(session, &err));
	assert_int_equal(script.lifted, 1);
	assert_int_equal(session_state(session), SESSION_ENDED);
	assert_false(session_has_exited(session));
	assert_true(session_stop(session, &err));
	session_destroy(session);
	assert_int_equal(script.lifted, 1);
}

static void test_a_session_is_released_when_destroyed(void **state)
{
	(void)state;
	struct session *session = begin(false);
	wait_for(session, SESSION_TRACING);
	session_destroy(session);
	assert_int_equal(script.lifted, 1);
	session_destroy(begin(false));
	session_destroy(NULL);
}

static void test_the_end_of_the_target_is_no_failure(void **state)
{
	(void)state;
	struct error err;
	script.good_slices = 3;
	script.serve_error = ERROR_NO_PROCESS;
	struct session *session = begin(false);
	wait_for(session, SESSION_ENDED);
	assert_true(session_has_exited(session));
	assert_int_equal(script.lifted, 1);
	assert_true(session_stop(session, &err));

	struct snapshot *snapshot;
	assert_true(session_snapshot(session, &snapshot, &err));
	assert_true(snapshot->target.has_exited);
	snapshot_destroy(snapshot);
	session_destroy(session);
}

static void test_a_failure_while_tracing_releases_and_keeps_the_data(void **state)
{
	(void)state;
	struct error err;
	script.good_slices = 3;
	script.serve_error = ERROR_UNSAFE;
	struct session *session = begin(false);
	wait_for(session, SESSION_ENDED);
	assert_int_equal(script.lifted, 1);
	assert_false(session_has_exited(session));
	assert_false(session_stop(session, &err));
	assert_int_equal(err.kind, ERROR_UNSAFE);
	assert_string_equal(err.context, "served no more");

	struct snapshot *snapshot;
	assert_true(session_snapshot(session, &snapshot, &err));
	snapshot_destroy(snapshot);
	session_destroy(session);
}

static void test_a_failure_to_lift_is_told(void **state)
{
	(void)state;
	struct error err;
	script.lift_fails = true;
	struct session *session = begin(false);
	wait_for(session, SESSION_TRACING);
	assert_false(session_stop(session, &err));
	assert_string_equal(err.context, "could not lift");
	assert_false(session_is_released(session));
	assert_false(session_has_exited(session));
	session_destroy(session);
}

static void test_a_failure_to_lift_after_another_failure_is_told_too(void **state)
{
	(void)state;
	struct error err;
	script.lift_fails = true;
	script.serve_error = ERROR_UNSAFE;
	struct session *session = begin(false);
	wait_for(session, SESSION_ENDED);
	assert_false(session_stop(session, &err));
	assert_int_equal(err.kind, ERROR_UNSAFE);
	assert_string_equal(err.context, "and detaching failed (could not lift): served no more");
	assert_false(session_is_released(session));
	session_destroy(session);
}

static void test_figures_of_the_target_are_bounded_by_what_is_possible(void **state)
{
	(void)state;
	struct error err;
	struct snapshot *snapshot;
	struct tracer_stats stats;
	script.told = (struct tracer_stats){ .stopped_seconds = 1e9,
					     .p99_stop_seconds = 1e9,
					     .longest_stop_seconds = 1e9 };
	struct session *session = begin(false);
	wait_for(session, SESSION_TRACING);
	wait_for_slices(3);
	assert_true(session_stop(session, &err));
	assert_true(session_snapshot(session, &snapshot, &err));
	session_stats(session, &stats);
	assert_true(snapshot->capture.longest_stop_seconds == snapshot->capture.seconds);
	assert_true(snapshot->capture.stopped_seconds < 1e6);
	assert_true(stats.p99_stop_seconds == snapshot->capture.seconds);
	assert_true(stats.stopped_seconds == snapshot->capture.stopped_seconds);
	snapshot_destroy(snapshot);
	session_destroy(session);
}

static void test_gates_in_the_targets_tables_are_cleared_before_and_after(void **state)
{
	(void)state;
	struct error err;
	script.gates_in_slots = 1;
	struct session *session = begin(false);
	wait_for(session, SESSION_TRACING);
	assert_int_equal(script.slots_cleared, 1);
	assert_int_equal(script.specs_made, 2);
	script.gates_in_slots = 1;
	assert_true(session_stop(session, &err));
	assert_true(session_is_released(session));
	assert_int_equal(script.slots_cleared, 2);
	assert_int_equal(script.gates_in_slots, 0);
	session_destroy(session);
}

static void test_a_failure_to_clean_up_is_told(void **state)
{
	(void)state;
	struct error err;
	script.clean_up_error = ERROR_READ;
	struct session *session = begin(false);
	wait_for(session, SESSION_TRACING);
	assert_false(session_stop(session, &err));
	assert_string_equal(err.context, "could not clean up");
	assert_false(session_is_released(session));
	assert_false(session_has_exited(session));
	session_destroy(session);
}

static void test_a_target_that_is_gone_when_it_is_cleaned_up_has_exited(void **state)
{
	(void)state;
	struct error err;
	script.clean_up_error = ERROR_NO_PROCESS;
	struct session *session = begin(false);
	wait_for(session, SESSION_TRACING);
	assert_false(session_stop(session, &err));
	assert_int_equal(err.kind, ERROR_NO_PROCESS);
	assert_true(session_has_exited(session));
	session_destroy(session);
}

static void test_there_is_nothing_to_clean_up_in_a_target_that_ends(void **state)
{
	(void)state;
	struct error err;
	script.clean_up_error = ERROR_READ;
	script.ends_in_clean_up = true;
	struct session *session = begin(false);
	wait_for(session, SESSION_TRACING);
	assert_true(session_stop(session, &err));
	assert_int_equal(script.slots_cleared, 2);
	session_destroy(session);
}

static void test_a_failure_to_plant_is_told_and_leaves_no_data(void **state)
{
	(void)state;
	struct error err;
	struct snapshot *snapshot;
	script.plant_fails = true;
	struct session *session = begin(false);
	wait_for(session, SESSION_ENDED);
	assert_false(session_was_traced(session));
	assert_false(session_stop(session, &err));
	assert_int_equal(err.kind, ERROR_UNSAFE);
	assert_false(session_snapshot(session, &snapshot, &err));
	assert_int_equal(err.kind, ERROR_NO_DATA);
	session_destroy(session);
}

static void test_a_runtime_that_is_not_initialised_is_waited_for(void **state)
{
	(void)state;
	script.failed_opens = 3;
	script.open_error = ERROR_TIMEOUT;
	struct session *session = begin(false);
	wait_for(session, SESSION_TRACING);
	assert_int_equal(script.opened, 4);
	session_destroy(session);
}

static void test_only_a_young_process_may_still_become_an_interpreter(void **state)
{
	(void)state;
	struct error err;
	script.failed_opens = 3;
	script.open_error = ERROR_UNSUPPORTED;
	struct session *session = begin(true);
	wait_for(session, SESSION_TRACING);
	assert_int_equal(script.opened, 4);
	session_destroy(session);

	int opened_before = script.opened;
	script.failed_opens += opened_before;
	session = begin(false);
	wait_for(session, SESSION_ENDED);
	assert_int_equal(script.opened, opened_before + 1);
	assert_false(session_stop(session, &err));
	assert_int_equal(err.kind, ERROR_UNSUPPORTED);
	session_destroy(session);
}

static void test_waiting_ends_when_told_to(void **state)
{
	(void)state;
	script.failed_opens = 1000000;
	script.open_error = ERROR_TIMEOUT;
	uint64_t start_ns = clock_monotonic_ns();
	session_destroy(begin(false));
	assert_true(clock_monotonic_ns() - start_ns < 5 * NS_PER_SECOND);
}

static void sample_three_free_one(const struct tracer_listener *listener, int slice)
{
	if (slice != 0)
		return;
	assert(stop_at(listener, THREAD_IN_PYTHON, &pymalloc_malloc, 0x100000));
	assert(stop_at(listener, THREAD_IN_PYTHON, &c_realloc, 0x2000));
	assert(stop_at(listener, THREAD_IN_PYTHON, &pymalloc_malloc, 0x100040));
	listener->on_free(listener->context, 0x100040, clock_monotonic_ns());
}

static void test_samples_and_frees_reach_the_snapshot(void **state)
{
	(void)state;
	struct error err;
	struct snapshot *snapshot;
	script.on_slice = sample_three_free_one;
	struct session *session = begin(false);
	wait_for_slices(2);
	assert_true(session_stop(session, &err));
	assert_true(session_snapshot(session, &snapshot, &err));
	session_destroy(session);

	/* The snapshot stands on its own: the session is gone. */
	assert_int_equal(snapshot->target.pid, SOME_PID);
	assert_string_equal(snapshot->target.python, "3.11.7");
	assert_int_equal(snapshot->capture.samples, 3);
	assert_int_equal(snapshot->capture.dropped, 3);
	assert_int_equal(snapshot->capture.sample_bytes, 4096);
	assert_true(snapshot->total.live_bytes.value == 200);
	assert_int_equal(snapshot->site_count, 1);
	assert_string_equal(snapshot->sites[0].frame->function, "index");
	assert_int_equal(snapshot->stack_count, 2);
	assert_string_equal(snapshot->stacks[0].thread, "MainThread");
	assert_int_equal(snapshot->stacks[0].frame_count, 2);
	snapshot_destroy(snapshot);
}

static void free_while_shutting_down(const struct tracer_listener *listener, int slice)
{
	uint64_t now_ns = clock_monotonic_ns();
	if (slice != 0)
		return;
	for (raddr block = 0x1000; block <= 0x4000; block += 0x1000)
		assert(stop_at(listener, THREAD_IN_PYTHON, &c_realloc, block));
	listener->on_free(listener->context, 0x1000, now_ns);
	script.is_finalizing = true;
	listener->on_free(listener->context, 0x2000, now_ns);
	listener->on_free(listener->context, 0x3000, now_ns + 1);
	listener->on_free(listener->context, 0x4000, now_ns + 2);
}

static void test_what_was_kept_until_the_shutdown_stays_live(void **state)
{
	(void)state;
	struct error err;
	struct snapshot *snapshot;
	script.on_slice = free_while_shutting_down;
	struct session *session = begin(false);
	wait_for_slices(2);
	assert_true(session_stop(session, &err));
	assert_true(session_snapshot(session, &snapshot, &err));
	assert_true(snapshot->total.live_bytes.value == 200);
	snapshot_destroy(snapshot);
	session_destroy(session);
}

static void realloc_in_the_c_allocator(const struct tracer_listener *listener, int slice)
{
	if (slice != 0)
		return;
	assert(!stop_at(listener, THREAD_IN_PYTHON, &pymalloc_realloc, 0x2000));
	assert(stop_at(listener, THREAD_IN_PYTHON, &pymalloc_realloc, 0x100000));
	assert(stop_at(listener, THREAD_IN_PYTHON, &c_realloc, 0x2000));
}

static void test_a_block_that_stays_in_the_c_allocator_counts_once(void **state)
{
	(void)state;
	struct error err;
	struct snapshot *snapshot;
	script.on_slice = realloc_in_the_c_allocator;
	struct session *session = begin(false);
	wait_for_slices(2);
	assert_true(session_stop(session, &err));
	assert_true(session_snapshot(session, &snapshot, &err));
	assert_int_equal(snapshot->capture.samples, 2);
	snapshot_destroy(snapshot);
	session_destroy(session);
}

static void sample_without_frames(const struct tracer_listener *listener, int slice)
{
	if (slice != 0)
		return;
	assert(stop_at(listener, THREAD_NATIVE, &c_realloc, 0x2000));
	assert(stop_at(listener, THREAD_NATIVE, &c_realloc, 0x3000));
	assert(stop_at(listener, THREAD_GARBAGE, &c_realloc, 0x4000));
}

static void test_stacks_without_python_frames_have_a_name(void **state)
{
	(void)state;
	struct error err;
	struct snapshot *snapshot;
	script.on_slice = sample_without_frames;
	struct session *session = begin(false);
	wait_for_slices(2);
	assert_true(session_stop(session, &err));
	assert_true(session_snapshot(session, &snapshot, &err));
	assert_int_equal(snapshot->site_count, 2);
	assert_string_equal(snapshot->sites[0].frame->function, "[native thread MainThread]");
	assert_true(snapshot->sites[0].figures.live_bytes.value == 200);
	assert_string_equal(snapshot->sites[1].frame->function, "[unreadable stack]");
	snapshot_destroy(snapshot);
	session_destroy(session);
}

/* More than the queue takes, all at once, while nobody reads it. Blocks that were refused are not
 * followed: nobody hears of their frees. */
enum { FLOOD = 1000000 };
static int accepted;

static void contradict(const struct tracer_listener *listener, int slice)
{
	(void)slice;
	for (raddr i = 0; i < 20; i++)
		stop_at(listener, THREAD_GARBAGE, &pymalloc_malloc, FIRST_ARENA_BLOCK + 16 * i);
}

static void test_stops_that_contradict_the_layout_end_the_session(void **state)
{
	(void)state;
	struct error err;
	script.on_slice = contradict;
	struct session *session = begin(false);
	wait_for(session, SESSION_ENDED);
	assert_false(session_stop(session, &err));
	assert_int_equal(err.kind, ERROR_UNSUPPORTED);
	assert_non_null(strstr(err.context, "not laid out"));
	assert_int_equal(script.lifted, 1);
	session_destroy(session);
}

static void agree_once_then_contradict(const struct tracer_listener *listener, int slice)
{
	if (slice == 0) {
		stop_at(listener, THREAD_GARBAGE, &pymalloc_malloc, FIRST_ARENA_BLOCK);
		stop_at(listener, THREAD_IN_PYTHON, &pymalloc_malloc, FIRST_ARENA_BLOCK + 16);
	}
	contradict(listener, slice);
}

static void test_one_stop_that_is_as_it_must_be_is_enough(void **state)
{
	(void)state;
	struct error err;
	script.on_slice = agree_once_then_contradict;
	struct session *session = begin(false);
	wait_for_slices(3);
	assert_true(session_stop(session, &err));
	session_destroy(session);
}

static void flood(const struct tracer_listener *listener, int slice)
{
	static bool is_followed[FLOOD];
	if (slice != 0)
		return;
	for (raddr i = 0; i < FLOOD; i++) {
		is_followed[i] = stop_at(listener, THREAD_IN_PYTHON, &c_realloc, 16 * (i + 1));
		accepted += is_followed[i];
	}
	for (raddr i = 0; i < FLOOD; i++) {
		if (is_followed[i])
			listener->on_free(listener->context, 16 * (i + 1), clock_monotonic_ns());
	}
}

static void test_a_full_queue_refuses_samples_but_loses_no_free(void **state)
{
	(void)state;
	struct error err;
	struct snapshot *snapshot;
	script.on_slice = flood;
	accepted = 0;
	struct session *session = begin(false);
	wait_for_slices(2);
	assert_true(session_stop(session, &err));
	assert_true(session_snapshot(session, &snapshot, &err));
	assert_in_range(accepted, 100000, FLOOD - 1);
	assert_int_equal(snapshot->capture.samples, accepted);
	assert_int_equal(snapshot->capture.dropped, 3 + FLOOD - accepted);
	assert_true(snapshot->total.live_bytes.value == 0);
	snapshot_destroy(snapshot);
	session_destroy(session);
}

static void test_frames_live_as_long_as_the_session(void **state)
{
	(void)state;
	struct error err;
	struct session *session = begin(false);
	wait_for(session, SESSION_TRACING);
	assert_true(session_stop(session, &err));
	int closed_by_clean_up = script.frames_closed;
	assert_int_equal(closed_by_clean_up, 1);
	session_destroy(session);
	assert_int_equal(script.frames_closed, closed_by_clean_up + 1);
}

int main(void)
{
#define SCRIPTED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		SCRIPTED(test_a_session_is_released_when_stopped),
		SCRIPTED(test_a_session_is_released_when_destroyed),
		SCRIPTED(test_the_end_of_the_target_is_no_failure),
		SCRIPTED(test_a_failure_while_tracing_releases_and_keeps_the_data),
		SCRIPTED(test_a_failure_to_lift_is_told),
		SCRIPTED(test_a_failure_to_lift_after_another_failure_is_told_too),
		SCRIPTED(test_figures_of_the_target_are_bounded_by_what_is_possible),
		SCRIPTED(test_gates_in_the_targets_tables_are_cleared_before_and_after),
		SCRIPTED(test_a_failure_to_clean_up_is_told),
		SCRIPTED(test_a_target_that_is_gone_when_it_is_cleaned_up_has_exited),
		SCRIPTED(test_there_is_nothing_to_clean_up_in_a_target_that_ends),
		SCRIPTED(test_a_failure_to_plant_is_told_and_leaves_no_data),
		SCRIPTED(test_a_runtime_that_is_not_initialised_is_waited_for),
		SCRIPTED(test_only_a_young_process_may_still_become_an_interpreter),
		SCRIPTED(test_waiting_ends_when_told_to),
		SCRIPTED(test_samples_and_frees_reach_the_snapshot),
		SCRIPTED(test_what_was_kept_until_the_shutdown_stays_live),
		SCRIPTED(test_a_block_that_stays_in_the_c_allocator_counts_once),
		SCRIPTED(test_stacks_without_python_frames_have_a_name),
		SCRIPTED(test_stops_that_contradict_the_layout_end_the_session),
		SCRIPTED(test_one_stop_that_is_as_it_must_be_is_enough),
		SCRIPTED(test_a_full_queue_refuses_samples_but_loses_no_free),
		SCRIPTED(test_frames_live_as_long_as_the_session),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
