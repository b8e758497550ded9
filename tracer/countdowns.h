/* SPDX-License-Identifier: MIT */
#ifndef TRACER_COUNTDOWNS_H
#define TRACER_COUNTDOWNS_H

/**
 * @file
 * The countdown that each thread has for itself, in words of its control block that glibc leaves
 * free (region_layout.h, TCB_COUNTDOWN).
 */

#include "tracer/gates.h"
#include "tracer/world.h"

/** Let every thread's own countdown start from nothing, if any gate has such. The words are glibc's
 *  to give: whoever else uses them is not to be disturbed, which is asked unless an earlier
 * filtrace has been here. All threads must be stopped. Errors: ERROR_UNSAFE, those of memory. */
MUST_CHECK bool countdowns_reset(const struct gates *gates, struct target_memory *tm,
				 const struct world *world, bool had_region, struct error *err);

#endif
