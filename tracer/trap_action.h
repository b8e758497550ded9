/* SPDX-License-Identifier: MIT */
#ifndef TRACER_TRAP_ACTION_H
#define TRACER_TRAP_ACTION_H

/**
 * @file
 * The target's action for SIGTRAP. By default a trap that no tracer sees ends a process; while
 * stops are traps, it is a handler in the region, for which such a trap is nothing. Set and put
 * back by a stub, noted in the anchor before.
 */

#include "tracer/images.h"
#include "tracer/target_memory.h"

/** Refuse a process that uses SIGTRAP itself: a thread blocks it, or it is ignored or handled.
 * Reads /proc only. Errors: ERROR_UNSUPPORTED, ERROR_NO_PROCESS. */
MUST_CHECK bool trap_action_check(int pid, struct error *err);

/** Set our handler. No thread must be traced. Errors: ERROR_UNSUPPORTED (the action is not the
 *  default one), those of stub_run(). */
MUST_CHECK bool trap_action_set(struct target_memory *tm, const struct images *images, raddr base,
				struct error *err);

/** Put the default action back if the region at `base` says that it has set ours; `found_ret` tells
 *  whether it says so. Waits until no thread can come to a trap any more: gates must be disarmed,
 *  and no thread traced. Errors: ERROR_TIMEOUT (one still can, as where all are stopped: ours
 * stays, which harms nothing), those of stub_run(). */
MUST_CHECK bool trap_action_restore(struct target_memory *tm, const struct images *images,
				    raddr base, bool *found_ret, struct error *err);

#endif
