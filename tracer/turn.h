/* SPDX-License-Identifier: MIT */
#ifndef TRACER_TURN_H
#define TRACER_TURN_H

/**
 * @file
 * One filtrace at a time: two that send threads through stubs of the same process would write both
 * into the same place, and a thread would go on where another was found.
 */

#include "base/error.h"

/** Wait for our turn with a process, and keep it until `ret` is closed, or this program ends in
 *  whatever way. The kernel keeps it: a name of an abstract socket (unix(7)), made of the time at
 *  which the process started, which is the same in all pid namespaces. It is not shared between
 *  network namespaces; and where there are no sockets, `ret` is -1.
 *  Errors: ERROR_TIMEOUT (somebody else keeps his turn), ERROR_NO_PROCESS. */
MUST_CHECK bool turn_take(int pid, int *ret, struct error *err);

#endif
