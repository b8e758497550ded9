/* SPDX-License-Identifier: MIT */
#ifndef TRACER_TURN_H
#define TRACER_TURN_H

/**
 * @file
 * One filtrace at a time: two that send threads through stubs of the same process would write both
 * into the same place, and a thread would go on where another was found; two that find the same
 * region blank would both write their code into it, one of them over what threads may run by then.
 */

#include "base/error.h"

/** Wait for our turn with a process, and keep it until `ret` is closed, or this program ends in
 *  whatever way: a lock on the process's own pidfd (pidfd_open(2), fcntl(2) "Open file description
 *  locks"), which is one file for all who open it, whatever namespaces they are in. A process that
 *  we fork without exec keeps the turn as well. Not to be taken twice. Errors: ERROR_TIMEOUT
 *  (somebody else keeps his turn), ERROR_NO_PROCESS, ERROR_NOT_PERMITTED. */
MUST_CHECK bool turn_take(int pid, int *ret, struct error *err);

#endif
