/* SPDX-License-Identifier: MIT */
#ifndef TRACER_TRACEE_H
#define TRACER_TRACEE_H

/**
 * @file
 * One thread that the calling thread traces (ptrace(2) "Stopped states"): what its stop says, and
 * how it is let go.
 */

#include <stddef.h>

#include "base/memory.h"

struct tracee {
	int tid; /* 0: it has ended */
	bool is_stopped;
	bool is_group_stopped; /* with its whole process, as by SIGSTOP */
	int signal;   /* stopped on its way to this signal, which it gets when let go; 0: none */
	bool is_trap; /* that signal is SIGTRAP, of a breakpoint: nobody has sent it */
	raddr rip;
	raddr rsp;
	raddr fs_base; /* 0: the thread has no thread control block yet */
	uint64_t rbx;
	int64_t rax;
	int64_t orig_rax; /* number of the system call it is in; negative: in none */
};

/** Take a thread's status if it has a new one. Returns whether it has. The end of a child of our
 *  own stays to be waited for by whoever started it: 0 then, as for one that is gone. */
bool tracee_take_status(int tid, int *ret);

/** Take note of a status that waitpid() has reported: of a stop, or of the thread's end. */
void tracee_note_status(struct tracee *thread, int status);

/** Let go of a stopped thread of process `pid`, with the signal it was about to get. A system call
 *  that only our stop interrupted is made to start again, so that no program sees EINTR for it.
 *  False if it has died. */
bool tracee_let_go(int pid, struct tracee *thread);

/** Let a stopped thread that is kept run on, in the same way. */
bool tracee_run_on(int pid, struct tracee *thread);

/** What it means to let go of a thread, for all that the calling thread traces: to detach from it,
 *  or to keep it, and all that it starts, as tracees that run. */
void tracee_keep(bool are_kept);

/** Tell whether the calling thread's targets may call restart_syscall(2), as they do by themselves
 *  after a stop in a wait with a time limit. Where a seccomp filter forbids it, tracee_let_go() has
 *  them make the call that they were in once more instead, its time limit beginning anew. */
void tracee_allow_restarts(bool are_allowed);

/** Tell whether a stopped thread is inside a restartable sequence, which must not be left sideways
 *  (rseq(2)). False also where the kernel cannot say. */
bool tracee_is_in_rseq(const struct tracee *thread, struct memory *memory);

/** Let a stopped thread go on at `rip` when it is let go. False if it has died. */
MUST_CHECK bool tracee_move(struct tracee *thread, raddr rip, struct error *err);

#endif
