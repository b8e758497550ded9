/* SPDX-License-Identifier: MIT */
#include "tracer/turn.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "tracer/process.h"

/* As long as it is tried to plant. */
static const uint64_t PATIENCE_NS = 5 * NS_PER_SECOND;
static const uint64_t PAUSE_NS = 2 * NS_PER_MS;

/* Before Linux 6.9 all pidfds are one file: there the byte tells processes apart, by the one number
 * of theirs that is the same for everybody who looks. */
static bool try_to_lock(int pidfd, const struct process *process)
{
	struct flock lock = { .l_type = F_WRLCK,
			      .l_whence = SEEK_SET,
			      .l_start = process->namespace_pid,
			      .l_len = 1 };
	return fcntl(pidfd, F_OFD_SETLK, &lock) == 0;
}

bool turn_take(int pid, int *ret, struct error *err)
{
	struct process process;
	if (!process_read(pid, &process, err))
		return false;
	OWNED_FD int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return error_set_errno(err, ERROR_NO_PROCESS, "cannot open process %d", pid);

	uint64_t deadline_ns = clock_monotonic_ns() + PATIENCE_NS;
	while (!try_to_lock(pidfd, &process)) {
		if (errno != EAGAIN)
			return error_set_errno(err, ERROR_INTERNAL, "cannot lock process %d", pid);
		if (clock_monotonic_ns() >= deadline_ns)
			return error_set(err, ERROR_TIMEOUT,
					 "another filtrace is busy with process %d", pid);
		clock_sleep(PAUSE_NS);
	}
	*ret = MOVE_FD(pidfd);
	return true;
}
