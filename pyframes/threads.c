/* SPDX-License-Identifier: MIT */
#include "pyframes/threads.h"

#include <string.h>

#include "base/hash.h"

enum {
	STATE_BYTES_MAX = 512,	  /* of a PyThreadState that are read */
	STATE_SIZE_MAX = 1024,	  /* no PyThreadState is larger */
	LIST_STEPS_MAX = 1 << 16, /* in all lists together */
	KNOWN_MAX = 1 << 12,
	FIND_TRIES = 3,
};

/* Thread states are inserted at the head, and their ids are never used twice: while the same one
 * is at the head, whoever lives now was there already. */
struct list_mark {
	raddr interpreter; /* head of the list of interpreters */
	raddr head;	   /* head of its thread states */
	uint64_t head_id;
};

struct known_thread {
	raddr thread_pointer;
	raddr state;
	bool is_only_match; /* and there was only one interpreter */
	struct list_mark mark;
	UT_hash_handle hh;
};

static size_t end_of(uint32_t offset, size_t end)
{
	size_t own_end = offset == OFFSET_NONE ? 0 : offset + sizeof(uint64_t);
	return own_end > end ? own_end : end;
}

void threads_init(struct threads *threads, struct memory *memory, const struct runtime *runtime)
{
	const struct py_offsets *py = &runtime->offsets;
	size_t end = 0;
	end = end_of(py->thread.next, end);
	end = end_of(py->thread.interpreter, end);
	end = end_of(py->thread.id, end);
	end = end_of(py->thread.thread_id, end);
	end = end_of(py->thread.status, end);
	end = end_of(py->thread.frame, end);
	end = end_of(py->thread.datastack_chunk, end);
	if (py->thread.datastack_chunk != OFFSET_NONE)
		end = end_of(py->thread.datastack_chunk + sizeof(raddr), end);

	*threads = (struct threads){ .memory = memory, .runtime = runtime, .state_bytes = end };
}

void threads_deinit(struct threads *threads)
{
	struct known_thread *known;
	struct known_thread *next;
	HASH_ITER(hh, threads->known, known, next) {
		HASH_DEL(threads->known, known);
		free(known);
	}
}

static uint64_t word_at(const uint8_t *raw, uint32_t offset)
{
	uint64_t word = 0;
	if (offset != OFFSET_NONE)
		memcpy(&word, raw + offset, sizeof(word));
	return word;
}

static struct thread_state state_parse(const struct py_offsets *py, raddr address,
				       const uint8_t *raw)
{
	struct thread_state state = {
		.address = address,
		.next = word_at(raw, py->thread.next),
		.interpreter = word_at(raw, py->thread.interpreter),
		.thread_id = word_at(raw, py->thread.thread_id),
		.id = word_at(raw, py->thread.id),
		.status = (uint32_t)word_at(raw, py->thread.status),
		.frame = word_at(raw, py->thread.frame),
		.datastack_chunk = word_at(raw, py->thread.datastack_chunk),
	};
	if (state.datastack_chunk)
		state.datastack_top = word_at(raw, py->thread.datastack_chunk + sizeof(raddr));
	return state;
}

static bool read_state(const struct threads *threads, raddr address, struct thread_state *ret,
		       struct error *err)
{
	uint8_t raw[STATE_BYTES_MAX];
	if (!memory_read(threads->memory, address, raw, threads->state_bytes, err))
		return error_context(err, "thread state");
	*ret = state_parse(&threads->runtime->offsets, address, raw);
	return true;
}

/* Does the walk over the lists go on for ever? No address is in them twice, so one that is met
 * again will be met over and over: seen within three times as many steps as there are addresses (R.
 * P. Brent, "An improved Monte Carlo factorization algorithm", 1980). */
static bool is_endless(struct threads_cursor *cursor, raddr address)
{
	if (address == cursor->landmark || cursor->steps == LIST_STEPS_MAX)
		return true;
	if ((cursor->steps & (cursor->steps - 1)) == 0)
		cursor->landmark = address;
	cursor->steps++;
	return false;
}

/* Go on to the first thread state of the next interpreter that has one, if there is any. */
static bool next_interpreter(const struct threads *threads, struct threads_cursor *cursor,
			     struct error *err)
{
	const struct py_offsets *py = &threads->runtime->offsets;
	cursor->interpreter = cursor->next_interpreter;

	struct memory_span spans[] = {
		{ .address = cursor->interpreter + py->interpreter.next,
		  .buffer = &cursor->next_interpreter,
		  .len = sizeof(raddr) },
		{ .address = cursor->interpreter + py->interpreter.threads_head,
		  .buffer = &cursor->next_state,
		  .len = sizeof(raddr) },
	};
	if (!memory_read_spans(threads->memory, spans, ARRAY_LEN(spans), err))
		return false;
	if (!spans[0].is_read || !spans[1].is_read) {
		error_set_read(err, cursor->interpreter, 0);
		return error_context(err, "interpreter state");
	}
	return true;
}

bool threads_next(const struct threads *threads, struct threads_cursor *cursor,
		  struct thread_state *ret, bool *done_ret, struct error *err)
{
	const struct runtime *runtime = threads->runtime;
	if (!cursor->is_started) {
		raddr head = runtime->symbol.address + runtime->offsets.runtime.interpreters_head;
		if (!memory_read(threads->memory, head, &cursor->next_interpreter, sizeof(raddr),
				 err))
			return error_context(err, "list of interpreters");
		cursor->is_started = true;
	}

	while (!cursor->next_state && cursor->next_interpreter) {
		if (is_endless(cursor, cursor->next_interpreter))
			return error_set(err, ERROR_FORMAT, "the list of interpreters has no end");
		if (!next_interpreter(threads, cursor, err))
			return false;
	}
	if (!cursor->next_state) {
		*done_ret = true;
		return true;
	}

	struct thread_state state;
	if (is_endless(cursor, cursor->next_state))
		return error_set(err, ERROR_FORMAT, "the list of threads has no end");
	if (!read_state(threads, cursor->next_state, &state, err))
		return false;
	if (state.interpreter != cursor->interpreter)
		return error_set(err, ERROR_FORMAT,
				 "thread state at %" PRIraddr " is of another interpreter",
				 state.address);
	cursor->next_state = state.next;
	*ret = state;
	*done_ret = false;
	return true;
}

static bool is_alive(const struct threads *threads, const struct thread_state *state)
{
	if (threads->runtime->offsets.thread.status == OFFSET_NONE)
		return true;
	return (state->status & THREAD_BOUND) && !(state->status & THREAD_UNBOUND);
}

/* Up to 3.11 the runtime names the state that holds the GIL; from 3.12 on, each state knows. */
static bool is_current(const struct thread_state *state, raddr runtime_current)
{
	return state->address == runtime_current || (state->status & THREAD_ACTIVE);
}

/* A thread that entered a subinterpreter has several states, all with its thread pointer; and up
 * to 3.11 a new thread's state has that of its parent until it runs. Higher is more likely. */
static int state_rank(const struct py_offsets *py, const struct thread_state *state,
		      raddr runtime_current)
{
	if (is_current(state, runtime_current))
		return 4;
	if (state->status & THREAD_BOUND_GILSTATE)
		return 3;
	/* One without frames has none, or the _PyCFrame that is part of the state itself. */
	bool has_frames = py->cframe_frame == OFFSET_NONE
				  ? state->frame != 0
				  : state->frame - state->address >= STATE_SIZE_MAX;
	return has_frames ? 2 : 1;
}

static bool read_current(const struct threads *threads, raddr *ret, struct error *err)
{
	const struct runtime *runtime = threads->runtime;
	uint32_t offset = runtime->offsets.runtime.current_thread;
	*ret = 0;
	return offset == OFFSET_NONE ||
	       memory_read(threads->memory, runtime->symbol.address + offset, ret, sizeof(*ret),
			   err);
}

bool threads_is_current(const struct threads *threads, const struct thread_state *state, bool *ret,
			struct error *err)
{
	raddr current;
	if (!read_current(threads, &current, err))
		return false;
	*ret = is_current(state, current);
	return true;
}

bool threads_check(const struct threads *threads, struct error *err)
{
	raddr current;
	if (!read_current(threads, &current, err))
		return error_context(err, "who holds the GIL");

	struct threads_cursor cursor = { 0 };
	bool has_any = false;
	bool has_living = false;
	bool has_current = current == 0;
	for (;;) {
		struct thread_state state;
		bool is_done;
		if (!threads_next(threads, &cursor, &state, &is_done, err))
			return false;
		if (is_done)
			break;
		has_any = true;
		has_living |= is_alive(threads, &state) && state.thread_id != 0;
		has_current |= state.address == current;
	}
	if (!has_any)
		return error_set(err, ERROR_TIMEOUT, "the interpreter has no thread yet");
	if (!has_living)
		return error_set(err, ERROR_FORMAT, "no thread state is that of a thread");
	if (!has_current)
		return error_set(err, ERROR_FORMAT,
				 "the GIL is held by %" PRIraddr ", which is no thread state",
				 current);
	return true;
}

/* The state's current frame is recorded on the C stack, and not in the state itself. */
static bool is_on_stack(const struct py_offsets *py, const struct thread_state *state)
{
	return py->cframe_frame != OFFSET_NONE && state->frame - state->address >= STATE_SIZE_MAX;
}

/* The candidates of a search. */
struct candidates {
	struct thread_state best; /* of those with the thread's thread pointer; address 0: none */
	int best_rank;
	unsigned match_count;
	struct thread_state nearest; /* of those whose _PyCFrame lies above the stack pointer */
	struct thread_state holder;  /* the one that holds the GIL, if the thread does */
};

static void consider(const struct threads *threads, const struct standing_thread *thread,
		     raddr current, const struct thread_state *state, struct candidates *candidates)
{
	const struct py_offsets *py = &threads->runtime->offsets;
	if (thread->runs_python && state->address == current)
		candidates->holder = *state;
	if (thread->stack_pointer && is_on_stack(py, state) &&
	    state->frame > thread->stack_pointer &&
	    (!candidates->nearest.address || state->frame < candidates->nearest.frame))
		candidates->nearest = *state;

	if (state->thread_id != thread->thread_pointer || !is_alive(threads, state))
		return;
	candidates->match_count++;
	int rank = state_rank(py, state, current);
	if (rank > candidates->best_rank) {
		candidates->best_rank = rank;
		candidates->best = *state;
	}
}

/* What lies between the stack pointer and a _PyCFrame of the thread's own is on its stack, too. */
static const struct thread_state *choose(const struct py_offsets *py,
					 const struct candidates *candidates)
{
	if (candidates->holder.address)
		return &candidates->holder;
	bool is_inside = candidates->best.address && is_on_stack(py, &candidates->best) &&
			 candidates->nearest.address &&
			 candidates->nearest.frame < candidates->best.frame;
	return is_inside ? &candidates->nearest : &candidates->best;
}

/* Look through all lists. The state's address is 0 if there is no match. */
static bool search(const struct threads *threads, const struct standing_thread *thread,
		   struct thread_state *ret, struct known_thread *known_ret, struct error *err)
{
	raddr current;
	if (!read_current(threads, &current, err))
		return false;

	*known_ret = (struct known_thread){ .thread_pointer = thread->thread_pointer };
	struct candidates candidates = { .best_rank = 0 };
	struct threads_cursor cursor = { 0 };
	for (;;) {
		struct thread_state state;
		bool is_done;
		if (!threads_next(threads, &cursor, &state, &is_done, err))
			return false;
		if (is_done)
			break;
		if (!known_ret->mark.head)
			known_ret->mark = (struct list_mark){ .interpreter = cursor.interpreter,
							      .head = state.address,
							      .head_id = state.id };
		consider(threads, thread, current, &state, &candidates);
	}
	*ret = *choose(&threads->runtime->offsets, &candidates);
	known_ret->state = ret->address;
	known_ret->is_only_match =
		candidates.match_count == 1 && known_ret->mark.interpreter == cursor.interpreter;
	return true;
}

/* Read the state of a known thread and, in the same instant, what proves that it still is one. */
static bool recheck(const struct threads *threads, const struct known_thread *known,
		    struct thread_state *ret, bool *valid_ret, struct error *err)
{
	const struct runtime *runtime = threads->runtime;
	const struct py_offsets *py = &runtime->offsets;
	uint8_t raw[STATE_BYTES_MAX];
	struct list_mark mark;
	raddr current = 0;

	struct memory_span spans[] = {
		{ known->state, raw, threads->state_bytes, false },
		{ runtime->symbol.address + py->runtime.interpreters_head, &mark.interpreter,
		  sizeof(raddr), false },
		{ known->mark.interpreter + py->interpreter.threads_head, &mark.head, sizeof(raddr),
		  false },
		{ known->mark.head + py->thread.id, &mark.head_id, sizeof(uint64_t), false },
		{ runtime->symbol.address + py->runtime.current_thread, &current, sizeof(raddr),
		  false },
	};
	size_t span_count = ARRAY_LEN(spans) - (py->runtime.current_thread == OFFSET_NONE);
	if (!memory_read_spans(threads->memory, spans, span_count, err))
		return false;

	*valid_ret = false;
	for (size_t i = 0; i < span_count; i++)
		if (!spans[i].is_read)
			return true;

	struct thread_state state = state_parse(py, known->state, raw);
	bool is_same_list = mark.interpreter == known->mark.interpreter &&
			    mark.head == known->mark.head && mark.head_id == known->mark.head_id;
	*valid_ret = state.thread_id == known->thread_pointer && is_alive(threads, &state) &&
		     (is_current(&state, current) || (known->is_only_match && is_same_list));
	*ret = state;
	return true;
}

static bool remember(struct threads *threads, const struct known_thread *known, struct error *err)
{
	struct known_thread *entry;
	HASH_FIND(hh, threads->known, &known->thread_pointer, sizeof(raddr), entry);
	if (!entry) {
		if (HASH_COUNT(threads->known) >= KNOWN_MAX)
			threads_deinit(threads);
		OWNED_FREE struct known_thread *added = calloc(1, sizeof(*added));
		if (!added)
			return error_set(err, ERROR_NO_MEMORY, "known thread");
		added->thread_pointer = known->thread_pointer;
		HASH_ADD(hh, threads->known, thread_pointer, sizeof(raddr), added);
		if (!added->hh.tbl)
			return error_set(err, ERROR_NO_MEMORY, "table of threads");
		entry = MOVE_PTR(added);
	}
	entry->state = known->state;
	entry->is_only_match = known->is_only_match;
	entry->mark = known->mark;
	return true;
}

bool threads_find(struct threads *threads, const struct standing_thread *thread,
		  struct thread_state *ret, bool *found_ret, struct error *err)
{
	struct known_thread *entry;
	HASH_FIND(hh, threads->known, &thread->thread_pointer, sizeof(raddr), entry);
	if (entry) {
		struct thread_state state;
		bool is_valid;
		if (!recheck(threads, entry, &state, &is_valid, err))
			return false;
		if (is_valid) {
			*ret = state;
			*found_ret = true;
			return true;
		}
	}

	/* Other threads may come and go while the lists are walked: try again. */
	struct thread_state state;
	struct known_thread known;
	struct error failure;
	unsigned tries = FIND_TRIES;
	while (!search(threads, thread, &state, &known, &failure)) {
		bool is_torn = failure.kind == ERROR_READ || failure.kind == ERROR_FORMAT;
		if (!is_torn || --tries == 0) {
			*err = failure;
			return false;
		}
	}
	*found_ret = state.address != 0;
	if (!*found_ret)
		return true;
	*ret = state;
	return remember(threads, &known, err);
}
