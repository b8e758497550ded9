/* SPDX-License-Identifier: MIT */
#include "tracer/admission.h"

#include <linux/capability.h>
#include <linux/seccomp.h>
#include <unistd.h>

#include "tracer/process.h"
#include "tracer/world.h"

bool admission_read_seccomp(int pid, struct admission_seccomp *ret, struct error *err)
{
	OWNED_FREE int *tids = NULL;
	size_t tid_count;
	if (!process_threads(pid, &tids, &tid_count, err))
		return false;

	struct admission_seccomp seccomp = { 0 };
	for (size_t i = 0; i < tid_count; i++) {
		struct process thread;
		struct error ignored;
		if (!process_read(tids[i], &thread, &ignored))
			continue;
		seccomp.is_strict |= thread.seccomp_mode == SECCOMP_MODE_STRICT;
		if (thread.seccomp_filters > seccomp.most_filters)
			seccomp.most_filters = thread.seccomp_filters;
	}
	*ret = seccomp;
	return true;
}

bool admission_check_open(int pid, struct error *err)
{
	struct process process;
	struct admission_seccomp seccomp;
	if (!process_read(pid, &process, err))
		return false;
	if (process.state == 'Z' || process.state == 'X')
		return error_set(err, ERROR_NO_PROCESS, "process %d has ended (zombie)", pid);
	/* A thread that we could not stop in time is still ours. */
	if (process.tracer_pid && process.tracer_pid != gettid())
		return process_explain_denied(pid, err);
	if (!admission_read_seccomp(pid, &seccomp, err))
		return false;
	if (seccomp.is_strict)
		return error_set(err, ERROR_NOT_PERMITTED,
				 "process %d is under seccomp in strict mode, which would kill it "
				 "for any system call but read and write",
				 pid);
	return true;
}

bool admission_check(int pid, struct error *err)
{
	struct process process;
	if (!admission_check_open(pid, err) || !process_read(pid, &process, err))
		return false;
	if (process.state == 'T' || (process.state == 't' && !process.tracer_pid))
		return error_set(err, ERROR_NOT_PERMITTED,
				 "process %d is stopped (Ctrl-Z or SIGSTOP): let it run on first, "
				 "with kill -CONT %d",
				 pid, pid);
	return true;
}

/* ---- filters --------------------------------------------------------------------------------- */

/* A machine that is busy may need more than one to stop all threads. */
enum { READ_TRIES = 10 };

/* The kernel shows filters to whoever has CAP_SYS_ADMIN and is under no seccomp himself. */
static bool check_that_filters_can_be_read(int pid, struct error *err)
{
	struct process self;
	if (!process_read(getpid(), &self, err))
		return false;
	if (self.seccomp_mode != 0)
		return error_set(err, ERROR_NOT_PERMITTED,
				 "process %d runs under seccomp, and so does filtrace, which may "
				 "not read its filter then: run filtrace on the host, or in a "
				 "container with --security-opt seccomp=unconfined "
				 "--cap-add=SYS_ADMIN",
				 pid);
	if (!(self.capabilities >> CAP_SYS_ADMIN & 1))
		return error_set(err, ERROR_NOT_PERMITTED,
				 "process %d runs under seccomp, and only root may read what its "
				 "filter allows: run filtrace with sudo, in a container with "
				 "--cap-add=SYS_ADMIN",
				 pid);
	return true;
}

static bool is_allowed(uint32_t answer)
{
	uint32_t action = answer & SECCOMP_RET_ACTION_FULL;
	return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
}

static bool check_calls(int pid, const struct seccomp_filters *filters, enum calls calls,
			struct error *err)
{
	for (const struct seccomp_call *call = calls_of[calls]; call->name; call++) {
		uint32_t answer;
		if (!seccomp_filters_judge(filters, call, &answer, err))
			return error_context(err, "process %d", pid);
		if (!is_allowed(answer))
			return error_set(err, ERROR_NOT_PERMITTED,
					 "the seccomp filter of process %d %s %s as filtrace needs "
					 "it there: let the filter allow that",
					 pid, seccomp_answer_verb(answer), call->name);
	}
	return true;
}

/* Stop all threads and read their filters. Only then it is known whether they may be stopped: until
 * it is, no thread is let go on by restart_syscall(2), which the kernel makes it call after a stop
 * in a wait with a time limit. */
static bool read_filters(int pid, struct seccomp_filters *ret, struct error *err)
{
	OWNED_SECCOMP_FILTERS struct seccomp_filters filters = { 0 };
	OWNED_WORLD struct world world = { 0 };
	world_allow_restarts(false);
	if (!world_stop(pid, &world, err))
		return false;
	for (size_t i = 0; i < world.len; i++)
		if (world.threads[i].is_stopped &&
		    !seccomp_filters_read(&filters, world.threads[i].tid, err))
			return false;
	if (!check_calls(pid, &filters, CALLS_RESTART, err))
		return false;
	world_allow_restarts(true);
	*ret = filters;
	filters = (struct seccomp_filters){ 0 };
	return true;
}

/* The filters of all threads; none if there are none. */
static bool find_filters(int pid, struct seccomp_filters *ret, struct error *err)
{
	struct admission_seccomp seccomp;
	if (!admission_read_seccomp(pid, &seccomp, err))
		return false;
	if (seccomp.most_filters == 0) {
		*ret = (struct seccomp_filters){ 0 };
		return true;
	}
	if (!check_that_filters_can_be_read(pid, err))
		return false;
	for (int try = 1; !read_filters(pid, ret, err); try++)
		if (err->kind != ERROR_TIMEOUT || try == READ_TRIES)
			return false;
	return true;
}

bool admission_choose_sharing(int pid, const struct maps *maps, enum region_sharing *ret,
			      struct error *err)
{
	OWNED_SECCOMP_FILTERS struct seccomp_filters filters = { 0 };
	if (!find_filters(pid, &filters, err) || !check_calls(pid, &filters, CALLS_PADS, err) ||
	    !check_calls(pid, &filters, CALLS_STUB, err))
		return false;

	struct error ignored;
	if (check_calls(pid, &filters, CALLS_MEMFD, err))
		*ret = SHARE_MEMFD;
	else if (region_can_share_anonymous(pid, maps) &&
		 check_calls(pid, &filters, CALLS_ANONYMOUS, &ignored))
		*ret = SHARE_ANONYMOUS;
	else
		return false;
	return true;
}

bool admission_check_pads(int pid, struct error *err)
{
	OWNED_SECCOMP_FILTERS struct seccomp_filters filters = { 0 };
	return find_filters(pid, &filters, err) && check_calls(pid, &filters, CALLS_PADS, err);
}
