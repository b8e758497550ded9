/* SPDX-License-Identifier: MIT */
#include "tracer/stop_kind.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "tracer/stops.h"

static long futex(uint32_t *word, int operation, uint32_t value, const struct timespec *timeout)
{
	return syscall(SYS_futex, word, operation, value, timeout, NULL, 0);
}

static void wait_parked(struct stops *stops, uint32_t rings, uint64_t wait_ns)
{
	const struct timespec timeout = clock_timespec(wait_ns);
	if (wait_ns > 0)
		futex(&stops->region.shared->doorbell, FUTEX_WAIT, rings, &timeout);
}

static void resume_parked(struct stops *stops, size_t box)
{
	futex(&stops->region.shared->states[box], FUTEX_WAKE, INT_MAX, NULL);
}

const struct stop_kind stop_kind_park = {
	.number = STOP_PARK,
	.calls = CALLS_PARK,
	.wait = wait_parked,
	.resume = resume_parked,
};
