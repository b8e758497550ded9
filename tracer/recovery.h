/* SPDX-License-Identifier: MIT */
#ifndef TRACER_RECOVERY_H
#define TRACER_RECOVERY_H

/**
 * @file
 * What an earlier filtrace left in a process: found by the regions in its memory, told by their
 * journals, undone with all threads stopped.
 */

#include "base/error.h"
#include "tracer/images.h"
#include "tracer/target_memory.h"
#include "tracer/tracer.h"

/** Look, and change nothing. Errors: those of maps_read(). */
MUST_CHECK bool recovery_look(struct target_memory *tm, struct tracer_leftovers *ret,
			      struct error *err);

/** Undo what every journal says. `found_ret`: there was something in one. Errors:
 *  ERROR_NOT_PERMITTED (another filtrace is attached), those of world_stop(), gates_undo() and
 *  trap_action_restore(). */
MUST_CHECK bool recovery_undo(struct target_memory *tm, const struct images *images,
			      bool *found_ret, struct error *err);

/** The function that an address stands for: itself, or what a pad of some region goes on to. */
MUST_CHECK bool recovery_resolve_pad(struct target_memory *tm, raddr function, raddr *ret,
				     struct error *err);

#endif
