/* SPDX-License-Identifier: MIT */
#ifndef TRACER_TRAP_H
#define TRACER_TRAP_H

/**
 * @file
 * Stops at an int3 (stop_kind.h).
 */

#include "tracer/tracee.h"

/** Tell whether a stopped thread stands at the trap of the region at `base`, on its way to SIGTRAP.
 */
bool trap_is_ours(const struct tracee *thread, raddr base);

#endif
