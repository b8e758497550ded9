/* SPDX-License-Identifier: MIT */
#ifndef TRACER_STOP_KIND_H
#define TRACER_STOP_KIND_H

/**
 * @file
 * How a thread waits at a gate, and how the tracer hears of it: one const table for each kind. In
 * both it has posted a mailbox before, and runs on when that is released.
 */

#include "tracer/calls.h"
#include "tracer/tracer.h"

struct stops;

struct stop_kind {
	uint32_t number;    /* enum tracer_stop_kind, for the pads */
	enum calls calls;   /* that pads make */
	bool keeps_threads; /* all threads stay traced while gates are planted (tracee_keep()) */
	bool sets_action;   /* of SIGTRAP (trap_action.h) */

	/** Wait until some thread may have posted, at most `wait_ns`; 0: do not wait, see only to
	 *  what must not be left. `rings` is the doorbell as it was before mailboxes were served.
	 */
	void (*wait)(struct stops *stops, uint32_t rings, uint64_t wait_ns);
	/** Let the thread go on whose mailbox has just been released. */
	void (*resume)(struct stops *stops, size_t box);
};

/** In a futex, in the target; nothing of it is traced. */
extern const struct stop_kind stop_kind_park;
/** At an int3, in a stop of ptrace. For targets that may not call futex(2), and to check the first
 *  by. A tracer that stands still keeps whoever traps waiting, for there is no time limit. */
extern const struct stop_kind stop_kind_trap;

const struct stop_kind *stop_kind_find(enum tracer_stop_kind kind);

#endif
