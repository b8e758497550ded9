/* SPDX-License-Identifier: MIT */
#ifndef TRACER_CALLS_H
#define TRACER_CALLS_H

/**
 * @file
 * Every system call that stub and pads make in a target, as stub_x86_64.S and pads_x86_64.S make
 * it: whoever changes those changes these tables.
 */

#include "tracer/seccomp.h"

enum calls {
	CALLS_RESTART, /* the kernel's own, when it resumes a thread that we have stopped */
	/* By any thread at any time, for as long as gates are planted: */
	CALLS_PARK,	 /* where it waits in a futex */
	CALLS_TRAP,	 /* where it waits at a trap; and by stub and handler for that */
	CALLS_STUB,	 /* once, while attaching */
	CALLS_MEMFD,	 /* besides: to share pages by a memfd */
	CALLS_ANONYMOUS, /* or to share them without one */
	CALLS_COUNT
};

/** The calls of one kind: ends with one that has no name. */
extern const struct seccomp_call *const calls_of[CALLS_COUNT];

#endif
