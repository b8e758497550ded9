/* SPDX-License-Identifier: MIT */
#include "tracer/trap_action.h"

#include <signal.h>

#include "base/clock.h"
#include "tracer/obstacle.h"
#include "tracer/pads.h"
#include "tracer/process.h"
#include "tracer/region.h"
#include "tracer/stub.h"
#include "tracer/turn.h"

/* sigaction(2), as the kernel takes it (asm/signal.h). */
enum { ACTION_FLAGS = SA_SIGINFO | SA_ONSTACK | 0x04000000 /* SA_RESTORER */ };

/* How often, and how far apart, it is asked whether a thread still blocks SIGTRAP. */
enum { LOOKS = 100 };
static const uint64_t LOOK_PAUSE_NS = 5 * NS_PER_MS;

static const uint64_t LEAVE_PATIENCE_NS = 2 * NS_PER_SECOND;
static const uint64_t LEAVE_PAUSE_NS = NS_PER_MS;
static const uint64_t CHANGE_PATIENCE_NS = 5 * NS_PER_SECOND;

static const uint64_t SIGTRAP_BIT = UINT64_C(1) << (SIGTRAP - 1);

static raddr in_region(raddr base, const uint8_t *code)
{
	return base + (raddr)(code - pads_begin);
}

static bool refuse(int pid, enum obstacle obstacle, struct error *err)
{
	const struct obstacle_words words = { .pid = pid };
	return obstacle_explain(obstacle, &words, err);
}

/* For good: the C library blocks all signals for a moment, as where a thread or a process is born.
 */
static bool blocks_sigtrap(int pid, int tid)
{
	struct process_signals signals;
	struct error ended;
	for (int look = 0; look < LOOKS; look++) {
		if (!process_read_signals(pid, tid, &signals, &ended) ||
		    !(signals.blocked & SIGTRAP_BIT) || process_thread_waits_for_vfork(pid, tid))
			return false;
		clock_sleep(LOOK_PAUSE_NS);
	}
	return true;
}

bool trap_action_check(int pid, struct error *err)
{
	OWNED_FREE int *tids = NULL;
	size_t tid_count;
	struct process_signals signals;
	if (!process_threads(pid, &tids, &tid_count, err) ||
	    !process_read_signals(pid, pid, &signals, err))
		return false;
	if ((signals.ignored | signals.caught) & SIGTRAP_BIT)
		return refuse(pid, OBSTACLE_SIGTRAP_USED, err);

	for (size_t i = 0; i < tid_count; i++)
		if (blocks_sigtrap(pid, tids[i]))
			return refuse(pid, OBSTACLE_SIGTRAP_BLOCKED, err);
	return true;
}

/* Have the target set its action, if it is the expected one now, or already the one wanted. */
static bool try_change(struct target_memory *tm, const struct images *images, raddr base,
		       raddr expected, raddr handler, bool *is_set_ret, struct error *err)
{
	struct stub_job job = { .stub = &stub_sets_action,
				.base = base,
				.arguments = { expected, handler } };
	struct stub_answer answer;
	if (handler) {
		job.arguments[2] = ACTION_FLAGS;
		job.arguments[3] = in_region(base, pads_trap_restorer);
	}
	OWNED_FD int turn = -1;
	if (!turn_take(tm->pid, &turn, err) || !stub_run(tm, images, &job, &answer, err))
		return error_context(err, "action of SIGTRAP");
	*is_set_ret = answer.state == STUB_DONE;
	return true;
}

/* On a machine with much to do, a thread may need more than one try to run a stub. */
static bool change(struct target_memory *tm, const struct images *images, raddr base,
		   raddr expected, raddr handler, bool *is_set_ret, struct error *err)
{
	uint64_t deadline_ns = clock_monotonic_ns() + CHANGE_PATIENCE_NS;
	while (!try_change(tm, images, base, expected, handler, is_set_ret, err))
		if (err->kind != ERROR_TIMEOUT || clock_monotonic_ns() > deadline_ns)
			return false;
	return true;
}

static bool note(struct target_memory *tm, raddr base, uint32_t is_ours, struct error *err)
{
	return region_write_u32(tm, base, ANCHOR_OFFSET + ANCHOR_ACTION, is_ours, err);
}

bool trap_action_set(struct target_memory *tm, const struct images *images, raddr base,
		     struct error *err)
{
	bool is_set;
	struct error second;
	if (!note(tm, base, 1, err))
		return false;
	/* One that was not run in time may still be: the note stays. */
	if (!change(tm, images, base, 0, in_region(base, pads_trap_handler), &is_set, err))
		return false;
	if (is_set)
		return true;
	if (!note(tm, base, 0, &second))
		*err = second;
	return refuse(tm->pid, OBSTACLE_SIGTRAP_USED, err);
}

/* Pads count who is inside. Gates are disarmed: nobody comes any more. */
static bool await_nobody_traps(struct target_memory *tm, raddr base, struct error *err)
{
	uint64_t deadline_ns = clock_monotonic_ns() + LEAVE_PATIENCE_NS;
	uint32_t count;
	for (;;) {
		if (!region_read_u32(tm, base, CONTROL_OFFSET + CONTROL_TRAPPING, &count, err))
			return false;
		if (count == 0)
			return true;
		if (clock_monotonic_ns() > deadline_ns)
			return error_set(err, ERROR_TIMEOUT,
					 "a thread of process %d has not left its gate", tm->pid);
		clock_sleep(LEAVE_PAUSE_NS);
	}
}

bool trap_action_restore(struct target_memory *tm, const struct images *images, raddr base,
			 bool *found_ret, struct error *err)
{
	uint32_t is_ours;
	bool was_ours;
	if (!region_read_u32(tm, base, ANCHOR_OFFSET + ANCHOR_ACTION, &is_ours, err))
		return false;
	*found_ret = is_ours == 1;
	if (!*found_ret)
		return true;
	/* Whoever has set another one since wants that. */
	return (await_nobody_traps(tm, base, err) &&
		change(tm, images, base, in_region(base, pads_trap_handler), 0, &was_ours, err) &&
		note(tm, base, 0, err)) ||
	       error_context(err,
			     "a handler of SIGTRAP that does nothing stays until the next attach "
			     "or: filtrace unstick -p %d",
			     tm->pid);
}
