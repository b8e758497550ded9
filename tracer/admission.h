/* SPDX-License-Identifier: MIT */
#ifndef TRACER_ADMISSION_H
#define TRACER_ADMISSION_H

/**
 * @file
 * Which processes are not touched at all, however much we are allowed to.
 */

#include "tracer/calls.h"
#include "tracer/maps.h"
#include "tracer/obstacle.h"
#include "tracer/process.h"
#include "tracer/region.h"

/** Refuse a process that has ended, is traced by somebody else, stands still, or whose seccomp
 *  nobody here can judge. Each reason is one sentence, with what helps. Reads /proc only.
 *  Errors: ERROR_NO_PROCESS, ERROR_NOT_PERMITTED, ERROR_UNSUPPORTED (a kernel thread). */
MUST_CHECK bool admission_check(int pid, struct error *err);

/** The same for who makes it do nothing, only takes gates out: it may stand still. */
MUST_CHECK bool admission_check_to_undo(int pid, struct error *err);

/** What of it a process's own state tells; pure. */
enum obstacle admission_judge(const struct process *process);

/** How much of seccomp is over a process: grows when a thread gets one more filter. */
struct admission_seccomp {
	bool is_strict;	  /* some thread may do nothing but read and write */
	int most_filters; /* of any thread; before Linux 5.9: 1 if there are any */
};

/** Look at the threads of a process. Reads /proc only. Errors: ERROR_NO_PROCESS, ERROR_NO_MEMORY.
 */
MUST_CHECK bool admission_read_seccomp(int pid, struct admission_seccomp *ret, struct error *err);

/** Tell whether filters that there are could be read by a process as ours, `own`; pure. The kernel
 *  shows them to whoever has CAP_SYS_ADMIN and is under no seccomp himself. */
enum obstacle admission_judge_seccomp(const struct admission_seccomp *seccomp,
				      const struct process *own);

/** Choose how to share pages with a process whose pads make these calls so that no seccomp filter
 * of any of its threads forbids a system call of ours; stops the threads for a moment if there are
 * filters. Errors: ERROR_NOT_PERMITTED with the one cause and what helps; those of world_stop(). */
MUST_CHECK bool admission_choose_sharing(int pid, const struct maps *maps, enum calls pads,
					 enum region_sharing *ret, struct error *err);

/** A thread may have put itself under one more filter since `known` was read: refuse a process that
 *  may no longer make the calls of its pads, else note what is known now. One that cannot be looked
 *  at just now is left to the next time. Errors: ERROR_UNSAFE. */
MUST_CHECK bool admission_look_again(int pid, enum calls pads, struct admission_seccomp *known,
				     struct error *err);

#endif
