/* SPDX-License-Identifier: MIT */
#include "tracer/turn.h"

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "base/clock.h"
#include "tracer/process.h"

static const uint64_t PATIENCE_NS = 2 * NS_PER_SECOND;

bool turn_take(int pid, int *ret, struct error *err)
{
	static const struct timespec pause = { .tv_nsec = 2000000 };
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct process process;
	if (!process_read(pid, &process, err))
		return false;
	/* A name that begins with a zero is abstract. */
	int len = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "filtrace %" PRIu64,
			   process.start_boottime_ns);
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);

	OWNED_FD int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t deadline_ns = clock_monotonic_ns() + PATIENCE_NS;
	while (fd >= 0 && bind(fd, (struct sockaddr *)&name, size) != 0 && errno == EADDRINUSE) {
		if (clock_monotonic_ns() >= deadline_ns)
			return error_set(err, ERROR_TIMEOUT,
					 "another filtrace is busy with process %d", pid);
		nanosleep(&pause, NULL);
	}
	*ret = fd;
	fd = -1;
	return true;
}
