/* SPDX-License-Identifier: MIT */
#ifndef TRACER_WORLD_H
#define TRACER_WORLD_H

/**
 * @file
 * Threads of the target, stopped for a moment. PTRACE_SEIZE without options, PTRACE_INTERRUPT,
 * PTRACE_DETACH and single register writes, nothing else: whatever instant this program dies at,
 * the kernel lets the threads run on (ptrace(2) "PTRACE_SEIZE", "Stopped states").
 */

#include "tracer/tracee.h"

/** Owns the list; there is one at a time for each tracing thread. Threads that wait for a vfork
 * child are not in it: they cannot be stopped, and they wake up on the return from a system call,
 * where no gate is. */
struct world {
	int pid;
	struct tracee *threads;
	size_t len;
	size_t capacity;
};

/** Stop all threads, those that are born meanwhile included. On failure all run on.
 *  Errors: ERROR_NOT_PERMITTED, ERROR_NO_PROCESS, ERROR_TIMEOUT, ERROR_NO_MEMORY. */
MUST_CHECK bool world_stop(int pid, struct world *ret, struct error *err);

/** Stop one thread that can run: not one that waits for a vfork child. As world_stop(). */
MUST_CHECK bool world_stop_one(int tid, struct world *ret, struct error *err);

/** Let go of every thread (tracee_let_go()) and free the list. Does nothing to a world that was
 *  resumed or is all zero. */
void world_resume(struct world *world);

#define OWNED_WORLD OWNED(world_resume)

/** Tell whether the stack of some stopped thread holds, within 64 KiB of its end, an aligned word
 *  that is_hit() knows: a return address, or an instruction pointer saved below a signal handler.
 */
bool world_stacks_hold(const struct world *world, struct memory *memory,
		       bool (*is_hit)(const void *context, raddr word), const void *context);

/** Let go of threads that could not be stopped in time, as soon as they do stop, and take note of
 *  those that died while they were stopped. To be called now and then by the thread that traces,
 * for as long as it does: such a thread stands still until then. */
void world_release_stragglers(void);

#endif
