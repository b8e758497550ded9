/* SPDX-License-Identifier: MIT */
#include "tracer/admission.h"

#include "tracer/process.h"

/* A filter may kill a thread for the system calls that stub and pads make in it. */
static bool check_seccomp(int pid, struct error *err)
{
	OWNED_FREE int *tids = NULL;
	size_t tid_count;
	if (!process_threads(pid, &tids, &tid_count, err))
		return false;
	for (size_t i = 0; i < tid_count; i++) {
		struct process thread;
		struct error ignored;
		if (process_read(tids[i], &thread, &ignored) && thread.seccomp_mode != 0)
			return error_set(err, ERROR_NOT_PERMITTED,
					 "process %d runs under seccomp, and this version cannot "
					 "tell which system calls it would be killed for",
					 pid);
	}
	return true;
}

bool admission_check(int pid, struct error *err)
{
	struct process process;
	if (!process_read(pid, &process, err))
		return false;
	if (process.state == 'Z' || process.state == 'X')
		return error_set(err, ERROR_NO_PROCESS, "process %d has ended (zombie)", pid);
	if (process.tracer_pid)
		return process_explain_denied(pid, err);
	if (process.state == 'T' || process.state == 't')
		return error_set(err, ERROR_NOT_PERMITTED,
				 "process %d is stopped (Ctrl-Z or SIGSTOP): let it run on first, "
				 "with kill -CONT %d",
				 pid, pid);
	return check_seccomp(pid, err);
}
