/* SPDX-License-Identifier: MIT */
#include "pyframes/pyframes.h"

#include "base/clock.h"
#include "pyframes/ahead.h"
#include "pyframes/allocators.h"
#include "pyframes/code.h"
#include "pyframes/effort.h"
#include "pyframes/intern.h"
#include "pyframes/pool.h"
#include "pyframes/runtime.h"
#include "pyframes/stack.h"
#include "pyframes/threads.h"

/* How much is read at most: while a thread waits, for which some 30 ms are much, and at the
 * beginning, while all run. Both are far more than the deepest stack and thousands of threads take.
 */
enum { STOP_PIECES = 1 << 15, OPEN_PIECES = 1 << 21 };

struct pyframes {
	struct memory *memory;
	struct ahead ahead;
	struct effort effort; /* what structures are read through; reads through `ahead` */
	struct symbols *symbols;
	struct loads *loads;
	struct runtime runtime;
	char version[16];
	struct interner interner;
	struct threads threads;
	struct stack_reader stack;
	struct code_cache *codes;
	struct place places[FRAME_DEPTH_MAX];
	const char *note;
	bool was_initialized;
	bool is_finalizing;
};

static void owned_close(struct pyframes **py)
{
	pyframes_close(*py);
}

static bool read_frames(struct pyframes *py, const struct thread_state *thread,
			const struct frame **ret, size_t *len_ret, bool *is_truncated_ret,
			struct error *err)
{
	size_t place_count;
	bool is_truncated;
	if (!stack_read(&py->stack, thread, py->places, &place_count, &is_truncated, err) ||
	    !code_cache_frames(py->codes, py->places, place_count, ret, len_ret, err))
		return false;
	*is_truncated_ret = is_truncated;
	return true;
}

/* Does a stack read as one? All being empty is no contradiction. */
static bool try_stacks(struct pyframes *py, struct error *err)
{
	const struct frame *frames[FRAME_DEPTH_MAX];
	struct threads_cursor cursor = { 0 };
	bool has_failed = false;
	struct error failure;
	for (;;) {
		struct thread_state thread;
		bool is_done;
		if (!threads_next(&py->threads, &cursor, &thread, &is_done, err))
			return false;
		if (is_done)
			break;

		size_t len;
		bool is_truncated;
		if (!read_frames(py, &thread, frames, &len, &is_truncated, &failure))
			has_failed = true;
		else if (len > 0)
			return true;
	}
	if (has_failed)
		*err = failure;
	return !has_failed;
}

/* Walk from the interpreters to the names of functions, the way that every sample goes, so that a
 * wrong table is refused here. The target runs meanwhile: a failure may be bad luck. */
static bool confirm(struct pyframes *py, struct error *err)
{
	enum { TRIES = 30 };

	struct error failure = { 0 };
	for (int i = 0; i < TRIES; i++) {
		if (threads_check(&py->threads, &failure) && try_stacks(py, &failure)) {
			if (code_cache_is_plausible(py->codes))
				return true;
			error_set(&failure, ERROR_FORMAT, "line tables do not fit their code");
		}
		bool is_torn = failure.kind == ERROR_READ || failure.kind == ERROR_FORMAT;
		if (!is_torn) {
			*err = failure;
			return false;
		}
		clock_sleep(NS_PER_MS);
	}
	*err = failure;
	error_context(err, "this is not laid out as CPython %s is", py->version);
	err->kind = ERROR_UNSUPPORTED;
	return false;
}

bool pyframes_open(struct memory *memory, struct symbols *symbols, struct loads *loads,
		   struct pyframes **ret, struct error *err)
{
	struct runtime runtime;
	return runtime_find(memory, symbols, &runtime, err) &&
	       pyframes_open_runtime(memory, symbols, loads, &runtime, ret, err);
}

bool pyframes_open_runtime(struct memory *memory, struct symbols *symbols, struct loads *loads,
			   const struct runtime *runtime, struct pyframes **ret, struct error *err)
{
	OWNED(owned_close) struct pyframes *py = calloc(1, sizeof(*py));
	if (!py)
		return error_set(err, ERROR_NO_MEMORY, "interpreter");
	py->memory = memory;
	py->symbols = symbols;
	py->loads = loads;
	py->runtime = *runtime;
	version_format(&py->runtime.version, py->version, sizeof(py->version));
	ahead_init(&py->ahead, memory);
	effort_init(&py->effort, &py->ahead.memory);
	effort_allow(&py->effort, OPEN_PIECES);
	threads_init(&py->threads, &py->effort.memory, &py->runtime);
	stack_reader_init(&py->stack, &py->effort.memory, &py->runtime.offsets);
	if (!code_cache_create(&py->effort.memory, &py->runtime, &py->interner, &py->codes, err))
		return false;
	if (!confirm(py, err))
		return false;
	(void)pyframes_is_finalizing(py); /* from now on the end can be told from the beginning */
	*ret = MOVE_PTR(py);
	return true;
}

void pyframes_close(struct pyframes *py)
{
	if (!py)
		return;
	code_cache_destroy(py->codes);
	threads_deinit(&py->threads);
	interner_deinit(&py->interner);
	free(py);
}

const char *pyframes_version(const struct pyframes *py)
{
	return py->version;
}

static const char *note_of(const struct allocators *allocators)
{
	if (allocators->has_tracer)
		return "tracemalloc is on: its records of blocks, some 50 bytes each, count at the "
		       "lines that they tell of";
	if (allocators->has_debug_hooks)
		return "debug hooks are on: each block is 24 or 48 bytes longer than was asked for";
	return NULL;
}

bool pyframes_gate_specs(struct pyframes *py, struct gate_spec *ret, size_t *len_ret,
			 struct error *err)
{
	struct allocators allocators;
	if (!allocators_find(py->memory, py->symbols, py->loads, &py->runtime, &allocators, err))
		return false;
	*len_ret = allocators_specs(&allocators, ret);
	py->note = note_of(&allocators);
	return true;
}

const char *pyframes_note(const struct pyframes *py)
{
	return py->note;
}

static struct standing_thread standing_thread(const struct pyframes_thread *thread)
{
	return (struct standing_thread){
		.thread_pointer = thread->thread_pointer,
		.stack_pointer = thread->stack_pointer,
		.runs_python = thread->gate && allocators_spec_needs_python(thread->gate),
	};
}

static bool read_stack(struct pyframes *py, const struct standing_thread *thread,
		       const struct frame **ret, size_t *len_ret, bool *is_truncated_ret,
		       struct error *err)
{
	struct thread_state state;
	bool is_python;
	if (!threads_find(&py->threads, thread, &state, &is_python, err))
		return false;
	if (!is_python) {
		*len_ret = 0;
		*is_truncated_ret = false;
		return true;
	}
	return read_frames(py, &state, ret, len_ret, is_truncated_ret, err);
}

bool pyframes_stack(struct pyframes *py, const struct pyframes_thread *thread,
		    const struct frame **ret, size_t *len_ret, bool *is_truncated_ret,
		    struct error *err)
{
	const struct standing_thread standing = standing_thread(thread);
	effort_allow(&py->effort, STOP_PIECES);
	ahead_begin(&py->ahead, thread->thread_pointer);
	bool is_ok = read_stack(py, &standing, ret, len_ret, is_truncated_ret, err);
	ahead_end(&py->ahead);
	return is_ok;
}

/* What is wrong with the thread that stands at such a gate; NULL if nothing is. */
static const char *find_problem(struct pyframes *py, const struct standing_thread *standing,
				struct error *err)
{
	struct thread_state state;
	const struct frame *frames[FRAME_DEPTH_MAX];
	size_t len;
	bool is_found = false;
	bool is_current = false;
	bool is_truncated;
	if (!threads_find(&py->threads, standing, &state, &is_found, err) || !is_found)
		return "a thread that allocates has no thread state";
	if (!threads_is_current(&py->threads, &state, &is_current, err) || !is_current)
		return "a thread that allocates does not hold the GIL";
	if (!read_frames(py, &state, frames, &len, &is_truncated, err))
		return "the frames of a thread that allocates cannot be read";
	if (!code_cache_is_plausible(py->codes))
		return "line tables do not fit their code";
	return NULL;
}

bool pyframes_check_stop(struct pyframes *py, const struct pyframes_thread *thread, raddr block,
			 bool *checked_ret, struct error *err)
{
	const struct standing_thread standing = standing_thread(thread);
	const struct gate_spec *gate = thread->gate;
	*checked_ret = standing.runs_python;
	if (!*checked_ret)
		return true;

	struct error failure = { .context = "" };
	effort_allow(&py->effort, STOP_PIECES);
	const char *problem = find_problem(py, &standing, &failure);
	/* pymalloc's realloc may leave a block where another allocator has put it, and so do gates
	 * that hand sampled blocks on. */
	bool is_in_pool = gate->max_counted_bytes == ALLOCATORS_PYMALLOC_MAX &&
			  (gate->operation == GATE_MALLOC || gate->operation == GATE_CALLOC);
	if (!problem && is_in_pool && !pyframes_is_pymalloc_block(py, block))
		problem = "a block of pymalloc is in none of its pools";
	return !problem ||
	       error_set(err, ERROR_UNSUPPORTED, "this is not laid out as CPython %s is: %s%s%s",
			 py->version, problem, *failure.context ? ": " : "", failure.context);
}

bool pyframes_is_pymalloc_block(struct pyframes *py, raddr block)
{
	uint32_t pool_bytes = py->runtime.offsets.pool_bytes;
	struct pool_header header;
	struct error ignored;
	return memory_read(py->memory, block & ~(raddr)(pool_bytes - 1), &header, sizeof(header),
			   &ignored) &&
	       pool_has_block(&header, pool_bytes, block);
}

/* Py_FinalizeEx() sets `initialized` back to 0 after the exit functions and before it tears
 * anything down (CPython Python/pylifecycle.c); until the end of Py_Initialize() it is 0 as well.
 */
bool pyframes_is_finalizing(struct pyframes *py)
{
	const struct runtime *runtime = &py->runtime;
	int32_t initialized;
	struct error ignored;
	if (py->is_finalizing)
		return true;
	bool has_ended =
		!memory_read(py->memory,
			     runtime->symbol.address + runtime->offsets.runtime.initialized,
			     &initialized, sizeof(initialized), &ignored);
	py->is_finalizing = has_ended || (py->was_initialized && !initialized);
	py->was_initialized = py->was_initialized || (!has_ended && initialized);
	return py->is_finalizing;
}

bool pyframes_is_crowded(const struct pyframes *py)
{
	return py->interner.is_full;
}

bool pyframes_intern(struct pyframes *py, const char *function, const char *file, int line,
		     const struct frame **ret, struct error *err)
{
	return interner_frame(&py->interner, function, file, line, ret, err);
}
