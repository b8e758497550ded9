/* SPDX-License-Identifier: MIT */
#ifndef TRACER_BUS_GUARD_H
#define TRACER_BUS_GUARD_H

/**
 * @file
 * Files of the target are mapped here while they are read, and anybody may cut them short
 * meanwhile: a page behind the new end then raises SIGBUS (mmap(2)). With the guard it reads as
 * zeros.
 */

/** Install the guard, for all threads that do not block SIGBUS. Other causes of SIGBUS end the
 *  program as ever. */
void bus_guard_install(void);

#endif
