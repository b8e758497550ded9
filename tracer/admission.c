/* SPDX-License-Identifier: MIT */
#include "tracer/admission.h"

#include <linux/capability.h>
#include <linux/seccomp.h>
#include <unistd.h>

#include "tracer/access.h"
#include "tracer/world.h"

static bool refuse(const struct process *process, enum obstacle obstacle, const char *detail,
		   struct error *err)
{
	struct access access = { .process = *process };
	struct obstacle_words words;
	process_thread_name(process->tracer_pid, process->tracer_pid, access.tracer_name,
			    sizeof(access.tracer_name));
	access_words(&access, &words);
	words.detail = detail;
	return obstacle_explain(obstacle, &words, err);
}

/* A thread that we could not stop in time is still ours: nobody else traces it. */
static bool read_process(int pid, struct process *ret, struct error *err)
{
	if (!process_read(pid, ret, err))
		return false;
	if (ret->tracer_pid != gettid())
		return true;
	ret->tracer_pid = 0;
	if (ret->state == 't')
		ret->state = 'R';
	return true;
}

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

enum obstacle admission_judge(const struct process *process)
{
	enum obstacle obstacle = access_judge_process(process);
	bool is_stopped = process->state == 'T' || process->state == 't';
	return obstacle == OBSTACLE_NONE && is_stopped ? OBSTACLE_STOPPED : obstacle;
}

enum obstacle admission_judge_seccomp(const struct admission_seccomp *seccomp,
				      const struct process *own)
{
	if (seccomp->is_strict)
		return OBSTACLE_SECCOMP_STRICT;
	if (seccomp->most_filters == 0)
		return OBSTACLE_NONE;
	bool can_read = own->seccomp_mode == 0 && own->effective >> CAP_SYS_ADMIN & 1;
	return can_read ? OBSTACLE_NONE : OBSTACLE_SECCOMP_HIDDEN;
}

static bool check_seccomp(const struct process *process, struct error *err)
{
	struct admission_seccomp seccomp;
	struct process own;
	if (!admission_read_seccomp(process->pid, &seccomp, err) ||
	    !process_read(getpid(), &own, err))
		return false;
	enum obstacle obstacle = admission_judge_seccomp(&seccomp, &own);
	return obstacle == OBSTACLE_NONE || refuse(process, obstacle, NULL, err);
}

bool admission_check_to_undo(int pid, struct error *err)
{
	struct process process;
	if (!read_process(pid, &process, err))
		return false;
	enum obstacle obstacle = access_judge_process(&process);
	return obstacle == OBSTACLE_NONE || refuse(&process, obstacle, NULL, err);
}

bool admission_check(int pid, struct error *err)
{
	struct process process;
	if (!admission_check_to_undo(pid, err) || !read_process(pid, &process, err))
		return false;
	/* Not if it is us who hold it. */
	enum obstacle obstacle = process.state == 'T' ? admission_judge(&process) : OBSTACLE_NONE;
	return (obstacle == OBSTACLE_NONE || refuse(&process, obstacle, NULL, err)) &&
	       check_seccomp(&process, err);
}

/* ---- filters --------------------------------------------------------------------------------- */

/* A machine that is busy may need more than one to stop all threads. */
enum { READ_TRIES = 10 };

static bool is_allowed(uint32_t answer)
{
	uint32_t action = answer & SECCOMP_RET_ACTION_FULL;
	return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
}

static bool refuse_call(int pid, const struct seccomp_call *call, uint32_t answer,
			struct error *err)
{
	const struct process process = { .pid = pid };
	char detail[64];
	snprintf(detail, sizeof(detail), "%s %s", seccomp_answer_verb(answer), call->name);
	return refuse(&process, OBSTACLE_SECCOMP, detail, err);
}

static bool check_calls(int pid, const struct seccomp_filters *filters, enum calls calls,
			struct error *err)
{
	for (const struct seccomp_call *call = calls_of[calls]; call->name; call++) {
		uint32_t answer;
		if (!seccomp_filters_judge(filters, call, &answer, err))
			return error_context(err, "process %d", pid);
		if (!is_allowed(answer))
			return refuse_call(pid, call, answer, err);
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
	tracee_allow_restarts(false);
	if (!world_stop(pid, &world, err))
		return false;
	for (size_t i = 0; i < world.len; i++)
		if (world.threads[i].is_stopped &&
		    !seccomp_filters_read(&filters, world.threads[i].tid, err))
			return false;
	if (!check_calls(pid, &filters, CALLS_RESTART, err))
		return false;
	tracee_allow_restarts(true);
	*ret = filters;
	filters = (struct seccomp_filters){ 0 };
	return true;
}

/* The filters of all threads; none if there are none. */
static bool find_filters(int pid, struct seccomp_filters *ret, struct error *err)
{
	struct admission_seccomp seccomp;
	const struct process process = { .pid = pid };
	if (!admission_read_seccomp(pid, &seccomp, err) || !check_seccomp(&process, err))
		return false;
	if (seccomp.most_filters == 0) {
		*ret = (struct seccomp_filters){ 0 };
		return true;
	}
	for (int try = 1; !read_filters(pid, ret, err); try++)
		if (err->kind != ERROR_TIMEOUT || try == READ_TRIES)
			return false;
	return true;
}

bool admission_choose_sharing(int pid, const struct maps *maps, enum calls pads,
			      enum region_sharing *ret, struct error *err)
{
	OWNED_SECCOMP_FILTERS struct seccomp_filters filters = { 0 };
	if (!find_filters(pid, &filters, err) || !check_calls(pid, &filters, pads, err) ||
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

static bool check_pads(int pid, enum calls pads, struct error *err)
{
	OWNED_SECCOMP_FILTERS struct seccomp_filters filters = { 0 };
	return find_filters(pid, &filters, err) && check_calls(pid, &filters, pads, err);
}

bool admission_look_again(int pid, enum calls pads, struct admission_seccomp *known,
			  struct error *err)
{
	struct admission_seccomp now;
	struct error why;
	if (!admission_read_seccomp(pid, &now, &why) ||
	    (now.most_filters <= known->most_filters && !now.is_strict))
		return true;
	if (check_pads(pid, pads, &why))
		*known = now;
	else if (why.kind != ERROR_TIMEOUT)
		return error_set(err, ERROR_UNSAFE, "%s", why.context);
	return true;
}
