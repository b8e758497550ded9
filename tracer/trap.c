/* SPDX-License-Identifier: MIT */
#include "tracer/trap.h"

#include "tracer/kept.h"
#include "tracer/pads.h"
#include "tracer/stops.h"

bool trap_is_ours(const struct tracee *thread, raddr base)
{
	return thread->is_trap && thread->rip == base + (raddr)(pads_trap_return - pads_begin);
}

/* The mailbox of a thread at our trap: park() keeps the address of its state in rbx. */
static bool find_box(const struct stops *stops, const struct tracee *thread, size_t *ret)
{
	raddr states = stops->region.base + SHARED_OFFSET + SHARED_STATES;
	uint64_t offset = thread->rbx - states;
	if (offset % sizeof(uint32_t) != 0 || offset / sizeof(uint32_t) >= MAILBOX_COUNT)
		return false;
	*ret = offset / sizeof(uint32_t);
	return true;
}

static bool is_posted(const struct stops *stops, size_t box)
{
	return __atomic_load_n(&stops->region.shared->states[box], __ATOMIC_ACQUIRE) ==
	       MAILBOX_POSTED;
}

/* A thread whose mailbox was served before it came to the trap need not stand there. */
static void take_trapped(struct stops *stops, struct tracee *thread)
{
	size_t box;
	bool is_ours = trap_is_ours(thread, stops->region.base);
	if (is_ours)
		thread->signal = 0;
	if (is_ours && find_box(stops, thread, &box) && is_posted(stops, box) &&
	    stops->trapped_len < MAILBOX_COUNT)
		stops->trapped[stops->trapped_len++] = (struct trapped){ *thread, box };
	else
		tracee_run_on(stops->tm->pid, thread);
}

static void run_on(struct stops *stops, size_t i)
{
	tracee_run_on(stops->tm->pid, &stops->trapped[i].thread);
	stops->trapped[i] = stops->trapped[--stops->trapped_len];
}

static void resume_trapped(struct stops *stops, size_t box)
{
	for (size_t i = stops->trapped_len; i-- > 0;)
		if (stops->trapped[i].box == box)
			run_on(stops, i);
}

/* Whoever traps is served by the next round. A target may have taken a post back that it had made.
 */
static void wait_for_trap(struct stops *stops, uint32_t rings, uint64_t wait_ns)
{
	struct tracee thread;
	(void)rings;
	for (size_t i = stops->trapped_len; i-- > 0;)
		if (!is_posted(stops, stops->trapped[i].box))
			run_on(stops, i);
	for (int i = 0; i < MAILBOX_COUNT && kept_next(stops->tm->pid, wait_ns, &thread); i++) {
		if (thread.tid)
			take_trapped(stops, &thread);
		wait_ns = 0;
	}
}

const struct stop_kind stop_kind_trap = {
	.number = STOP_TRAP,
	.calls = CALLS_TRAP,
	.keeps_threads = true,
	.sets_action = true,
	.wait = wait_for_trap,
	.resume = resume_trapped,
};
