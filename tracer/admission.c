/* SPDX-License-Identifier: MIT */
#include "tracer/admission.h"

#include <unistd.h>

#include "tracer/access.h"

static bool refuse(const struct process *process, enum obstacle obstacle, struct error *err)
{
	struct access access = { .process = *process };
	struct obstacle_words words;
	process_thread_name(process->tracer_pid, process->tracer_pid, access.tracer_name,
			    sizeof(access.tracer_name));
	access_words(&access, &words);
	return obstacle_explain(obstacle, &words, err);
}

/* A filter may kill a thread for the system calls that stub and pads make in it. */
bool admission_has_seccomp(int pid)
{
	OWNED_FREE int *tids = NULL;
	size_t tid_count;
	struct error ignored;
	if (!process_threads(pid, &tids, &tid_count, &ignored))
		return false;
	for (size_t i = 0; i < tid_count; i++) {
		struct process thread;
		if (process_read(tids[i], &thread, &ignored) && thread.seccomp_mode != 0)
			return true;
	}
	return false;
}

/* What we have stopped ourselves, for an attempt that took too long, is in nobody's way. */
static void forget_ourselves(struct process *process)
{
	if (process->tracer_pid != gettid())
		return;
	process->tracer_pid = 0;
	if (process->state == 't')
		process->state = 'R';
}

enum obstacle admission_judge(const struct process *process)
{
	enum obstacle obstacle = access_judge_process(process);
	bool is_stopped = process->state == 'T' || process->state == 't';
	return obstacle == OBSTACLE_NONE && is_stopped ? OBSTACLE_STOPPED : obstacle;
}

bool admission_check_running(int pid, struct error *err)
{
	struct process process;
	if (!process_read(pid, &process, err))
		return false;
	forget_ourselves(&process);
	enum obstacle obstacle = admission_judge(&process);
	return obstacle == OBSTACLE_NONE || refuse(&process, obstacle, err);
}

bool admission_check(int pid, struct error *err)
{
	const struct process process = { .pid = pid };
	return admission_check_running(pid, err) &&
	       (!admission_has_seccomp(pid) || refuse(&process, OBSTACLE_SECCOMP, err));
}
