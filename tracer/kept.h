/* SPDX-License-Identifier: MIT */
#ifndef TRACER_KEPT_H
#define TRACER_KEPT_H

/**
 * @file
 * Threads that stay traced while they run (tracee_keep()): the kernel stops each of them at every
 * signal and at its birth, and so the calling thread has to ask for that all the time.
 */

#include "tracer/tracee.h"

/** Wait for the next stop of a kept thread of process `pid`, at most `wait_ns`; 0: only look. Every
 *  stop but one for SIGTRAP is dealt with here: the thread gets its signal and runs on. Returns
 *  whether there was one; `ret` is the thread that waits to be let go on its way to SIGTRAP, with
 *  tid 0 if there is none. */
bool kept_next(int pid, uint64_t wait_ns, struct tracee *ret);

#endif
