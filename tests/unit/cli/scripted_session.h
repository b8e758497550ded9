/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_CLI_SCRIPTED_SESSION_H
#define TESTS_UNIT_CLI_SCRIPTED_SESSION_H

/**
 * @file
 * A session (cli/session.h) over a scripted tracer and interpreter in place of the real ones, which
 * are defined here: one test program includes this once, behind cmocka.
 */

#include <assert.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "cli/session.h"
#include "pyframes/pyframes.h"

/* What they do, and what was done to them. */
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
	bool is_crowded;
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

bool pyframes_is_crowded(const struct pyframes *py)
{
	(void)py;
	return script.is_crowded;
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

static inline int set_up(void **state)
{
	(void)state;
	memset(&script, 0, sizeof(script));
	return 0;
}

static inline int tear_down(void **state)
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

static inline struct session *begin(bool is_launched)
{
	const struct session_options options = { .pid = SOME_PID, .is_launched = is_launched };
	struct session *session;
	struct error err;
	assert_true(session_create(&options, &session, &err));
	return session;
}

static inline void wait_for(struct session *session, enum session_state state)
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

static inline void wait_for_slices(int count)
{
	uint64_t deadline = clock_monotonic_ns() + 20 * NS_PER_SECOND;
	while (script.slices < count && clock_monotonic_ns() < deadline)
		nanosleep(&(struct timespec){ .tv_nsec = NS_PER_MS }, NULL);
	assert_true(script.slices >= count);
}

static inline bool stop_at(const struct tracer_listener *listener, raddr thread,
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

#define SCRIPTED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
