/* SPDX-License-Identifier: MIT */
#ifndef TRACER_ADMISSION_H
#define TRACER_ADMISSION_H

/**
 * @file
 * Which processes are not touched at all, however much we are allowed to.
 */

#include "tracer/obstacle.h"
#include "tracer/process.h"

/** Refuse a process that has ended, is traced by somebody else, stands still, or may be killed for
 *  a system call. Each reason is one sentence, with what helps. Reads /proc only.
 *  Errors: ERROR_NO_PROCESS, ERROR_NOT_PERMITTED, ERROR_UNSUPPORTED (a kernel thread). */
MUST_CHECK bool admission_check(int pid, struct error *err);

/** The same for who makes it do no system call: to take gates out. */
MUST_CHECK bool admission_check_running(int pid, struct error *err);

/** What of it a process's own state tells; pure. */
enum obstacle admission_judge(const struct process *process);

/** Tell whether seccomp decides on the system calls of some thread. */
bool admission_has_seccomp(int pid);

#endif
