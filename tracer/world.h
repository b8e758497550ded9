/* SPDX-License-Identifier: MIT */
#ifndef TRACER_WORLD_H
#define TRACER_WORLD_H

/**
 * @file
 * Threads of the target, stopped for a moment. PTRACE_SEIZE without options, PTRACE_INTERRUPT,
 * PTRACE_DETACH and single register writes, nothing else: whatever instant this program dies at,
 * the kernel lets the threads run on (ptrace(2) "PTRACE_SEIZE", "Stopped states").
 */

#include <stddef.h>

#include "base/memory.h"

struct world_thread {
	int tid;
	bool is_stopped;
	int signal; /* stopped on its way to this signal, which it gets when resumed; 0: none */
	raddr rip;
	raddr rsp;
	raddr fs_base; /* 0: the thread has no thread control block yet */
	int64_t rax;
	int64_t orig_rax; /* number of the system call it is in; negative: in none */
};

/** Owns the list; there is one at a time for each tracing thread. Threads that wait for a vfork
 * child are not in it: they cannot be stopped, and they wake up on the return from a system call,
 * where no gate is. */
struct world {
	int pid;
	struct world_thread *threads;
	size_t len;
	size_t capacity;
};

/** Stop all threads, those that are born meanwhile included. On failure all run on.
 *  Errors: ERROR_NOT_PERMITTED, ERROR_NO_PROCESS, ERROR_TIMEOUT, ERROR_NO_MEMORY. */
MUST_CHECK bool world_stop(int pid, struct world *ret, struct error *err);

/** Stop one thread that can run: not one that waits for a vfork child. As world_stop(). */
MUST_CHECK bool world_stop_one(int tid, struct world *ret, struct error *err);

/** Let go of every thread, with the signal it was about to get, and free the list. A system call
 *  that only our stop interrupted is made to start again, so that no program sees EINTR for it.
 *  Does nothing to a world that was resumed or is all zero. */
void world_resume(struct world *world);

#define OWNED_WORLD OWNED(world_resume)

/** Tell whether the calling thread's targets may call restart_syscall(2), as they do by themselves
 *  after a stop in a wait with a time limit. Where a seccomp filter forbids it, world_resume() has
 *  them make the call that they were in once more instead, its time limit beginning anew. */
void world_allow_restarts(bool are_allowed);

/** Tell whether the stack of some stopped thread holds, within 64 KiB of its end, an aligned word
 *  that is_hit() knows: a return address, or an instruction pointer saved below a signal handler.
 */
bool world_stacks_hold(const struct world *world, struct memory *memory,
		       bool (*is_hit)(const void *context, raddr word), const void *context);

/** Tell whether a stopped thread is inside a restartable sequence, which must not be left sideways
 *  (rseq(2)). False also where the kernel cannot say. */
bool world_thread_is_in_rseq(const struct world_thread *thread, struct memory *memory);

/** Let go of threads that could not be stopped in time, as soon as they do stop, and take note of
 *  those that died while they were stopped. To be called now and then by the thread that traces,
 * for as long as it does: such a thread stands still until then. */
void world_release_stragglers(void);

/** Let a stopped thread go on at `rip`. It must be stopped. False if it has died. */
MUST_CHECK bool world_move(struct world_thread *thread, raddr rip, struct error *err);

#endif
