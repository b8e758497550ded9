/* SPDX-License-Identifier: MIT */
#ifndef PYFRAMES_THREADS_H
#define PYFRAMES_THREADS_H

/**
 * @file
 * The thread states of all interpreters, and which of them is a given thread's now.
 */

#include "base/error.h"
#include "base/memory.h"
#include "pyframes/runtime.h"

/** What is taken from a PyThreadState. */
struct thread_state {
	raddr address;
	raddr next;
	raddr interpreter;
	raddr thread_id; /* thread pointer of its thread */
	uint64_t id;
	uint32_t status; /* 0 where the version has none */
	raddr frame;	 /* see py_offsets.thread.frame */
	raddr datastack_chunk;
	raddr datastack_top;
};

struct threads {
	struct memory *memory;
	const struct runtime *runtime;
	size_t state_bytes;	    /* how much of a PyThreadState is read */
	struct known_thread *known; /* thread pointer -> where its state was */
};

/** Start without any known thread. The runtime must outlive `threads`. */
void threads_init(struct threads *threads, struct memory *memory, const struct runtime *runtime);
void threads_deinit(struct threads *threads);

/** A thread that stands still. */
struct standing_thread {
	raddr thread_pointer;
	raddr stack_pointer; /* 0: unknown */
	bool runs_python;    /* for sure: it holds the GIL, if there is one */
};

/** Find the state that a thread runs on now. Up to 3.12 that may be one of another thread's making,
 *  as when a thread enters a subinterpreter; then stack pointer or GIL tell. `found_ret` false: it
 *  has none, and `ret` is untouched.
 *  Errors: ERROR_FORMAT (the lists are no such lists), ERROR_READ, ERROR_NO_MEMORY. */
MUST_CHECK bool threads_find(struct threads *threads, const struct standing_thread *thread,
			     struct thread_state *ret, bool *found_ret, struct error *err);

/** Compare with what must hold whenever nobody changes the lists: some thread lives, and whoever
 * holds the GIL, where the runtime names him, is one of them. The target runs meanwhile, so that a
 * failure may be bad luck. Errors: ERROR_FORMAT, ERROR_READ, ERROR_TIMEOUT (no thread yet). */
MUST_CHECK bool threads_check(const struct threads *threads, struct error *err);

/** Tell whether this state runs now: it holds the GIL or, in a build without it, is attached. Its
 *  thread must stand still. Errors: ERROR_READ. */
MUST_CHECK bool threads_is_current(const struct threads *threads, const struct thread_state *state,
				   bool *ret, struct error *err);

/** A place in the lists of interpreters and thread states. Zero-initialised it stands before the
 *  first. */
struct threads_cursor {
	bool is_started;
	raddr interpreter;
	raddr next_interpreter;
	raddr next_state;
	unsigned steps;
	raddr landmark; /* passed some steps ago */
};

/** Go to the next thread state; `done_ret` true: there is none. The lists may change meanwhile:
 *  then this fails or skips. Errors: ERROR_FORMAT, ERROR_READ. */
MUST_CHECK bool threads_next(const struct threads *threads, struct threads_cursor *cursor,
			     struct thread_state *ret, bool *done_ret, struct error *err);

#endif
