/* SPDX-License-Identifier: MIT */
#include "tracer/world.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "tracer/process.h"

/* How long a thread may take to stop. One that runs stops within microseconds; one that sleeps in
 * the kernel without a way to be woken (a dead disk) never does. */
static const uint64_t STOP_TIMEOUT_NS = 100 * NS_PER_MS;

/* ... and one that is not stuck there: it only waits for a processor, and will stop. Where others
 * stand still meanwhile, that is about as long as a machine with so much to do lets all wait. */
static const uint64_t STARVED_TIMEOUT_NS = 300 * NS_PER_MS;
static const uint64_t STARVED_ALONE_TIMEOUT_NS = 3 * NS_PER_SECOND;

/* Threads that are still ours although their world is gone. Tracees belong to the tracing thread,
 * and so does this list. */
static _Thread_local struct {
	int *tids;
	size_t len;
	size_t capacity;
} stragglers;

static bool reserve_stragglers(size_t count, struct error *err)
{
	if (count <= stragglers.capacity)
		return true;
	int *tids = reallocarray(stragglers.tids, 2 * count, sizeof(*tids));
	if (!tids)
		return error_set(err, ERROR_NO_MEMORY, "list of threads");
	stragglers.tids = tids;
	stragglers.capacity = 2 * count;
	return true;
}

static void add_straggler(int tid)
{
	stragglers.tids[stragglers.len++] = tid;
}

/* Make room for one more thread before it is seized, here and among the stragglers, one of which it
 * may become: a thread that got lost would stand still for as long as we live. */
static bool reserve(struct world *world, struct error *err)
{
	if (!reserve_stragglers(stragglers.len + world->len + 1, err))
		return false;
	if (world->len == world->capacity) {
		size_t capacity = world->capacity ? 2 * world->capacity : 64;
		struct tracee *threads = reallocarray(world->threads, capacity, sizeof(*threads));
		if (!threads)
			return error_set(err, ERROR_NO_MEMORY, "list of threads");
		world->threads = threads;
		world->capacity = capacity;
	}
	return true;
}

static void append(struct world *world, int tid)
{
	world->threads[world->len++] = (struct tracee){ .tid = tid };
}

static bool has(const struct world *world, int tid)
{
	for (size_t i = 0; i < world->len; i++)
		if (world->threads[i].tid == tid)
			return true;
	return false;
}

/* It is ours again, and need not be seized anew. */
static bool take_over_straggler(int tid)
{
	for (size_t i = 0; i < stragglers.len; i++) {
		if (stragglers.tids[i] == tid) {
			stragglers.tids[i] = stragglers.tids[--stragglers.len];
			return true;
		}
	}
	return false;
}

/* Threads that are kept (tracee_keep()) are traced by us already. */
static bool is_ours(int tid)
{
	struct process thread;
	struct error ignored;
	return process_read(tid, &thread, &ignored) && thread.tracer_pid == gettid();
}

/* Seize one thread. A thread that has just ended is no error: it is not added. */
static bool seize(struct world *world, int tid, struct error *err)
{
	if (!reserve(world, err))
		return false;
	if (take_over_straggler(tid) || ptrace(PTRACE_SEIZE, tid, NULL, NULL) == 0) {
		append(world, tid);
		return true;
	}
	if (errno == ESRCH)
		return true;

	int os_errno = errno, status;
	if (process_thread_is_dead(world->pid, tid)) {
		tracee_take_status(tid, &status);
		return true;
	}
	if (is_ours(tid)) {
		append(world, tid);
		return true;
	}
	errno = os_errno;
	return error_set_errno(err, ERROR_UNSAFE, "cannot trace thread %d", tid);
}

static bool may_still_stop(const struct world *world, int tid, uint64_t waited_ns)
{
	uint64_t timeout_ns = world->len == 1 ? STARVED_ALONE_TIMEOUT_NS : STARVED_TIMEOUT_NS;
	return waited_ns < STOP_TIMEOUT_NS ||
	       (waited_ns < timeout_ns && !process_thread_is_stuck(world->pid, tid));
}

/* Wait until every thread has stopped or ended. Polls, for a blocking wait could hang for ever on
 * one thread while others of the group are zombies. */
static bool collect(struct world *world, struct error *err)
{
	uint64_t start_ns = clock_monotonic_ns();

	for (size_t i = 0; i < world->len;) {
		struct tracee *thread = &world->threads[i];
		int status;
		if (!thread->tid || thread->is_stopped) {
			i++;
			continue;
		}
		if (tracee_take_status(thread->tid, &status)) {
			tracee_note_status(thread, status);
			continue;
		}
		if (!may_still_stop(world, thread->tid, clock_monotonic_ns() - start_ns))
			return error_set(err, ERROR_TIMEOUT, "thread %d does not stop",
					 thread->tid);
		sched_yield();
	}
	return true;
}

static void interrupt_from(struct world *world, size_t first)
{
	for (size_t i = first; i < world->len; i++)
		if (world->threads[i].tid)
			ptrace(PTRACE_INTERRUPT, world->threads[i].tid, NULL, NULL);
}

/* One round: seize and stop all threads that are not in the world yet. */
static bool stop_new_threads(struct world *world, bool *found_ret, struct error *err)
{
	OWNED_FREE int *tids = NULL;
	size_t tid_count;
	if (!process_threads(world->pid, &tids, &tid_count, err))
		return false;

	size_t first = world->len;
	for (size_t i = 0; i < tid_count; i++) {
		if (has(world, tids[i]) || process_thread_waits_for_vfork(world->pid, tids[i]))
			continue;
		if (!seize(world, tids[i], err))
			return false;
	}
	interrupt_from(world, first);
	*found_ret = world->len > first;
	return collect(world, err);
}

bool world_stop(int pid, struct world *ret, struct error *err)
{
	struct world world = { .pid = pid };
	bool found = true;
	bool is_ok = true;
	while (is_ok && found)
		is_ok = stop_new_threads(&world, &found, err);
	if (is_ok && world.len == 0)
		is_ok = error_set(err, ERROR_NO_PROCESS, "process %d has no thread to stop", pid);
	if (!is_ok) {
		world_resume(&world);
		return false;
	}
	*ret = world;
	return true;
}

bool world_stop_one(int tid, struct world *ret, struct error *err)
{
	struct world world = { .pid = tid };
	bool is_ok = seize(&world, tid, err);

	if (is_ok) {
		interrupt_from(&world, 0);
		is_ok = collect(&world, err);
	}
	if (is_ok && (world.len == 0 || !world.threads[0].is_stopped))
		is_ok = error_set(err, ERROR_NO_PROCESS, "thread %d has ended", tid);
	if (!is_ok) {
		world_resume(&world);
		return false;
	}
	*ret = world;
	return true;
}

void world_release_stragglers(void)
{
	size_t left = 0;
	for (size_t i = 0; i < stragglers.len; i++) {
		int status;
		struct tracee thread = { .tid = stragglers.tids[i] };
		if (!tracee_take_status(thread.tid, &status)) {
			stragglers.tids[left++] = thread.tid;
			continue;
		}
		tracee_note_status(&thread, status);
		if (thread.tid && !tracee_let_go(thread.tid, &thread))
			stragglers.tids[left++] = thread.tid;
	}
	stragglers.len = left;
	if (left == 0) {
		free(stragglers.tids);
		stragglers.tids = NULL;
		stragglers.capacity = 0;
	}
}

void world_resume(struct world *world)
{
	for (size_t i = 0; i < world->len; i++) {
		struct tracee *thread = &world->threads[i];
		if (!thread->tid)
			continue;
		if (!thread->is_stopped || !tracee_let_go(world->pid, thread))
			add_straggler(thread->tid);
	}
	world_release_stragglers();
	free(world->threads);
	*world = (struct world){ 0 };
}

enum { STACK_SCAN_BYTES = 64 * 1024, STACK_CHUNK_BYTES = 4096 };

static bool stack_holds(raddr stack, struct memory *memory,
			bool (*is_hit)(const void *context, raddr word), const void *context)
{
	raddr words[STACK_CHUNK_BYTES / sizeof(raddr)];
	struct error ignored;
	raddr end = stack + STACK_SCAN_BYTES;

	/* Up to the end of the mapping: the first chunk that cannot be read. */
	for (raddr at = stack & ~UINT64_C(7); at < end;) {
		size_t len = STACK_CHUNK_BYTES - at % STACK_CHUNK_BYTES;
		if (!memory_read(memory, at, words, len, &ignored))
			return false;
		for (size_t i = 0; i < len / sizeof(raddr); i++)
			if (is_hit(context, words[i]))
				return true;
		at += len;
	}
	return false;
}

bool world_stacks_hold(const struct world *world, struct memory *memory,
		       bool (*is_hit)(const void *context, raddr word), const void *context)
{
	for (size_t i = 0; i < world->len; i++)
		if (world->threads[i].is_stopped &&
		    stack_holds(world->threads[i].rsp, memory, is_hit, context))
			return true;
	return false;
}
