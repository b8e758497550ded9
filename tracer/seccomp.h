/* SPDX-License-Identifier: MIT */
#ifndef TRACER_SECCOMP_H
#define TRACER_SECCOMP_H

/**
 * @file
 * What the seccomp filters of a target would say to system calls that we want it to make. The
 * filters are read and judged here; nothing is tried out. Source: seccomp(2), the kernel's
 * seccomp_check_filter() for the instructions that may occur in a filter.
 */

#include <linux/filter.h>
#include <stddef.h>

#include "base/error.h"

/** A system call as a filter sees it. */
struct seccomp_call {
	const char *name;
	int number;
	uint8_t any_args; /* bit n: args[n] may be anything */
	uint64_t args[6];
};

/** Find the gravest answer (SECCOMP_RET_*, with its data) that a filter can give to a call,
 * whatever the arguments that may be anything, and wherever the call is made from. Pure. Errors:
 * ERROR_FORMAT (no filter that the kernel would have taken), ERROR_NO_MEMORY. */
MUST_CHECK bool seccomp_judge(const struct sock_filter *filter, size_t len,
			      const struct seccomp_call *call, uint32_t *ret, struct error *err);

/** Tell whether the first answer is graver than the second: the kernel takes the gravest of all
 *  filters' (seccomp(2) "Filters"). */
bool seccomp_is_graver(uint32_t answer, uint32_t than);

/** Say in words what an answer does to the call: "kills the process for". */
const char *seccomp_answer_verb(uint32_t answer);

/** The different filters of some threads; seccomp_filters_deinit() gives them back. */
struct seccomp_filters {
	struct seccomp_filter {
		struct sock_filter *list;
		size_t len;
	} * filters;
	size_t len;
};

void seccomp_filters_deinit(struct seccomp_filters *filters);

#define OWNED_SECCOMP_FILTERS OWNED(seccomp_filters_deinit)

/** Add the filters of a thread that are not known yet. The thread must be stopped under ptrace.
 *  Errors: ERROR_NOT_PERMITTED with errno EACCES (we lack CAP_SYS_ADMIN, or are under seccomp
 *  ourselves); ERROR_UNSUPPORTED (a kernel that cannot show them), ERROR_NO_PROCESS,
 *  ERROR_NO_MEMORY. */
MUST_CHECK bool seccomp_filters_read(struct seccomp_filters *filters, int tid, struct error *err);

/** As seccomp_judge(), by all of the filters. */
MUST_CHECK bool seccomp_filters_judge(const struct seccomp_filters *filters,
				      const struct seccomp_call *call, uint32_t *ret,
				      struct error *err);

#endif
