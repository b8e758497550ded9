/* SPDX-License-Identifier: MIT */
#ifndef TRACER_ADMISSION_H
#define TRACER_ADMISSION_H

/**
 * @file
 * Which processes are not touched at all, however much we are allowed to.
 */

#include "base/error.h"
#include "tracer/calls.h"
#include "tracer/maps.h"
#include "tracer/region.h"

/** Refuse a process that has ended, is traced by somebody else, or may make no system call. Each
 *  reason is one sentence, with what helps. Reads /proc only.
 *  Errors: ERROR_NO_PROCESS, ERROR_NOT_PERMITTED. */
MUST_CHECK bool admission_check_open(int pid, struct error *err);

/** As admission_check_open(), and refuse a process that stands still: it cannot run our stub. What
 *  was left in it can be undone all the same. */
MUST_CHECK bool admission_check(int pid, struct error *err);

/** How much of seccomp is over a process: grows when a thread gets one more filter. */
struct admission_seccomp {
	bool is_strict;	  /* some thread may do nothing but read and write */
	int most_filters; /* of any thread; before Linux 5.9: 1 if there are any */
};

/** Look at the threads of a process. Reads /proc only. Errors: ERROR_NO_PROCESS, ERROR_NO_MEMORY.
 */
MUST_CHECK bool admission_read_seccomp(int pid, struct admission_seccomp *ret, struct error *err);

/** Choose how to share pages with a process so that no seccomp filter of any of its threads forbids
 *  a system call of ours; stops the threads for a moment if there are filters. Errors:
 *  ERROR_NOT_PERMITTED with the one cause and what helps; those of world_stop(). */
MUST_CHECK bool admission_choose_sharing(int pid, const struct maps *maps, enum region_sharing *ret,
					 struct error *err);

/** Refuse a process whose filters, as they are now, forbid a call that pads make.
 *  Errors: as admission_choose_sharing(). */
MUST_CHECK bool admission_check_pads(int pid, struct error *err);

#endif
