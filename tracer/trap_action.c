/* SPDX-License-Identifier: MIT */
#include "tracer/trap_action.h"

#include <signal.h>
#include <time.h>

#include "base/clock.h"
#include "tracer/obstacle.h"
#include "tracer/pads.h"
#include "tracer/process.h"
#include "tracer/region.h"
#include "tracer/stub.h"
#include "tracer/world.h"

/* sigaction(2), as the kernel takes it (asm/signal.h). */
enum { ACTION_FLAGS = SA_SIGINFO | SA_ONSTACK | 0x04000000 /* SA_RESTORER */ };

static const uint64_t LEAVE_PATIENCE_NS = 2 * NS_PER_SECOND;

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

	struct error ended;
	for (size_t i = 0; i < tid_count; i++)
		if (process_read_signals(pid, tids[i], &signals, &ended) &&
		    (signals.blocked & SIGTRAP_BIT))
			return refuse(pid, OBSTACLE_SIGTRAP_BLOCKED, err);
	return true;
}

/* Have the target set its action, if it is the expected one now. */
static bool change(struct target_memory *tm, const struct images *images, raddr base,
		   raddr expected, raddr handler, bool *was_expected_ret, struct error *err)
{
	struct stub_job job = { .stub = &stub_sets_action,
				.base = base,
				.arguments = { expected, handler } };
	struct stub_answer answer;
	if (handler) {
		job.arguments[2] = ACTION_FLAGS;
		job.arguments[3] = in_region(base, pads_trap_restorer);
	}
	if (!stub_run(tm, images, &job, &answer, err))
		return error_context(err, "action of SIGTRAP");
	*was_expected_ret = answer.state == STUB_DONE;
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

static bool is_parking(const void *base_addr, raddr word)
{
	raddr base = *(const raddr *)base_addr;
	return word - in_region(base, pads_park) < (raddr)(pads_end - pads_park);
}

static bool no_thread_parks(struct target_memory *tm, raddr base, struct error *err)
{
	OWNED_WORLD struct world world = { 0 };
	if (!world_stop(tm->pid, &world, err))
		return false;
	for (size_t i = 0; i < world.len; i++)
		if (world.threads[i].is_stopped && is_parking(&base, world.threads[i].rip))
			return error_set(err, ERROR_TIMEOUT, "thread %d still waits at a gate",
					 world.threads[i].tid);
	return !world_stacks_hold(&world, &tm->memory, is_parking, &base) ||
	       error_set(err, ERROR_TIMEOUT, "a signal handler runs on top of a gate");
}

bool trap_action_restore(struct target_memory *tm, const struct images *images, raddr base,
			 bool *found_ret, struct error *err)
{
	uint32_t is_ours;
	bool was_ours;
	uint64_t deadline_ns = clock_monotonic_ns() + LEAVE_PATIENCE_NS;
	if (!region_read_u32(tm, base, ANCHOR_OFFSET + ANCHOR_ACTION, &is_ours, err))
		return false;
	*found_ret = is_ours == 1;
	if (!*found_ret)
		return true;
	while (!no_thread_parks(tm, base, err)) {
		if (err->kind != ERROR_TIMEOUT || clock_monotonic_ns() > deadline_ns)
			return false;
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	}
	/* Whoever has set another one since wants that. */
	return change(tm, images, base, in_region(base, pads_trap_handler), 0, &was_ours, err) &&
	       note(tm, base, 0, err);
}
