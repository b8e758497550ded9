/* SPDX-License-Identifier: MIT */
#ifndef TRACER_ADMISSION_H
#define TRACER_ADMISSION_H

/**
 * @file
 * Which processes are not touched at all, however much we are allowed to.
 */

#include "base/error.h"

/** Refuse a process that has ended, is traced by somebody else, stands still, or may be killed for
 *  a system call. Each reason is one sentence, with what helps. Reads /proc only.
 *  Errors: ERROR_NO_PROCESS, ERROR_NOT_PERMITTED. */
MUST_CHECK bool admission_check(int pid, struct error *err);

#endif
