/* SPDX-License-Identifier: MIT */
#include "tracer/stub.h"

#include <stddef.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "tracer/process.h"
#include "tracer/region.h"

const struct stub stub_maps_region = { stub_region_begin, stub_region_enter, stub_region_words };
const struct stub stub_sets_action = { stub_action_begin, stub_action_enter, stub_action_words };

/* How long one thread may take to run a stub. Most take well under a millisecond. */
static const uint64_t STUB_TIMEOUT_NS = 200 * NS_PER_MS;

/* How often it is asked for its answer, for its end, and whether its thread has left it. */
static const uint64_t ANSWER_PAUSE_NS = NS_PER_MS / 20;
static const uint64_t FINISH_PAUSE_NS = NS_PER_MS / 50;
static const uint64_t LEAVE_PAUSE_NS = NS_PER_MS / 2;

enum { ALL_PLACES = (1 << STUB_PLACE_COUNT) - 1 };

enum { STUB_THREADS_MAX = 4, STUB_STACK_BYTES = 512, CLEAR_TRIES = 20 };

_Static_assert(STUB_PLACES_OFFSET + STUB_PLACE_COUNT * STUB_PLACE_BYTES <= CODE_BYTES, "code");
_Static_assert(offsetof(struct stub_answer, cookie) == ANCHOR_STUB_COOKIE - ANCHOR_STUB_STATE,
	       "stub_answer");
_Static_assert(ANCHOR_STUB_INSIDE + STUB_PLACE_COUNT <= ANCHOR_GATES, "anchor");
_Static_assert(STUB_ARGUMENTS + STUB_ARGUMENTS_MAX * 8 == STUB_WORDS_BYTES, "words");

/* ---- one stub in one thread ------------------------------------------------------------------ */

static raddr stub_entry(const struct stub_job *job)
{
	return job->place + (raddr)(job->stub->enter - job->stub->begin);
}

static bool write_stub(struct target_memory *tm, const struct stub_job *job, struct error *err)
{
	uint8_t code[STUB_PLACE_BYTES];
	uint64_t words[STUB_WORDS_BYTES / sizeof(uint64_t)] = {
		[STUB_BASE / 8] = job->base,	 [STUB_COOKIE / 8] = job->cookie,
		[STUB_RESUME / 8] = job->resume, [STUB_RESUME_CALL / 8] = job->resume - 2,
		[STUB_INSIDE / 8] = job->inside,
	};
	memcpy(&words[STUB_ARGUMENTS / 8], job->arguments, sizeof(job->arguments));
	memcpy(code, job->stub->begin, sizeof(code));
	memcpy(code + (job->stub->words - job->stub->begin), words, sizeof(words));
	return target_memory_write(tm, job->place, code, sizeof(code), err);
}

/* A stub needs a little stack, and must not cut a restartable sequence short (rseq(2)). */
static bool thread_can_run_stub(struct target_memory *tm, const struct tracee *thread)
{
	uint8_t stack[STUB_STACK_BYTES];
	struct error ignored;
	return memory_read(&tm->memory, thread->rsp - sizeof(stack), stack, sizeof(stack),
			   &ignored) &&
	       !tracee_is_in_rseq(thread, &tm->memory);
}

static bool is_in_stub(const void *job, raddr word)
{
	return word - ((const struct stub_job *)job)->place < STUB_PLACE_BYTES;
}

/* A place behind other code is made zero again: for the next stub, and because nothing of ours
 * should stay there. A thread that has not left by then (its processor is busy, or a signal handler
 * runs on top) keeps the place for good. */
void stub_clear(struct target_memory *tm, const struct stub_job *job)
{
	static const uint8_t nothing[STUB_PLACE_BYTES];
	bool is_clear = !job->is_new;
	for (int try = 0; try < CLEAR_TRIES && !is_clear; try++) {
		OWNED_WORLD struct world world = { 0 };
		struct error ignored;
		if (!world_stop_one(job->tid, &world, &ignored))
			return;
		is_clear = !is_in_stub(job, world.threads[0].rip) &&
			   !world_stacks_hold(&world, &tm->memory, is_in_stub, job) &&
			   target_memory_write(tm, job->place, nothing, sizeof(nothing), &ignored);
		world_resume(&world);
		if (!is_clear)
			clock_sleep(LEAVE_PAUSE_NS);
	}
}

/* Say that a thread is inside, or that it never was: on its way out it says so itself. */
static bool write_inside(struct target_memory *tm, const struct stub_job *job, bool is_inside,
			 struct error *err)
{
	const uint8_t byte = is_inside;
	return !job->inside || target_memory_write(tm, job->inside, &byte, sizeof(byte), err);
}

/* Send the job's thread into the stub. ERROR_NO_PROCESS: this thread is of no use, try another. */
static bool start_stub(struct target_memory *tm, struct stub_job *job, struct error *err)
{
	OWNED_WORLD struct world world = { 0 };
	struct error why;
	if (process_thread_waits_for_vfork(tm->pid, job->tid) ||
	    !world_stop_one(job->tid, &world, &why) || !thread_can_run_stub(tm, &world.threads[0]))
		return error_set(err, ERROR_NO_PROCESS, "thread %d cannot be borrowed", job->tid);

	struct tracee *thread = &world.threads[0];
	job->resume = thread->rip;
	return write_stub(tm, job, err) && write_inside(tm, job, true, err) &&
	       tracee_move(thread, stub_entry(job), err);
}

/* The stub was not run in time. If its thread has not moved since, put it back where it was: then
 * nothing has happened. One that has moved is on its way through, or could not map the region. One
 * that cannot be stopped may run the stub at any time: no other must be started. */
static bool cancel_stub(struct target_memory *tm, const struct stub_job *job, struct error *err)
{
	OWNED_WORLD struct world world = { 0 };
	struct error why;
	if (!world_stop_one(job->tid, &world, &why))
		return error_set(err, ERROR_UNSAFE,
				 "thread %d is stuck in the kernel (%s): nothing was planted",
				 job->tid, why.context);
	return world.threads[0].rip != stub_entry(job) ||
	       (tracee_move(&world.threads[0], job->resume, err) &&
		write_inside(tm, job, false, err));
}

/* ---- what it says ---------------------------------------------------------------------------- */

static raddr state_addr(raddr base)
{
	return base + ANCHOR_OFFSET + ANCHOR_STUB_STATE;
}

static bool write_state(struct target_memory *tm, raddr base, uint32_t state, struct error *err)
{
	return target_memory_write(tm, state_addr(base), &state, sizeof(state), err);
}

static bool stands_by(uint32_t state)
{
	return state == STUB_OFFERED || state == STUB_FAILED || state == STUB_NO_CODE;
}

static bool is_answer(uint32_t state)
{
	return stands_by(state) || state == STUB_DONE || state == STUB_REFUSED;
}

static bool await_answer(struct target_memory *tm, const struct stub_job *job,
			 struct stub_answer *ret, struct error *err)
{
	uint64_t deadline = clock_monotonic_ns() + STUB_TIMEOUT_NS;
	while (clock_monotonic_ns() < deadline) {
		struct error ignored;
		if (memory_read(&tm->memory, state_addr(job->base), ret, sizeof(*ret), &ignored) &&
		    ret->cookie == job->cookie && is_answer(ret->state))
			return true;
		clock_sleep(ANSWER_PAUSE_NS);
	}
	return error_set(err, ERROR_TIMEOUT, "no thread of process %d ran the stub within %d ms",
			 tm->pid, (int)(STUB_TIMEOUT_NS / NS_PER_MS));
}

/* The stub closes the memfd last of all; wait for that, so that the target's descriptors are as
 * they were before anybody looks. A region that it unmaps again cannot be read: that is the end,
 * too. */
static void await_finish(struct target_memory *tm, raddr base)
{
	uint64_t deadline = clock_monotonic_ns() + STUB_TIMEOUT_NS;
	uint32_t state = STUB_TAKEN;
	struct error ignored;
	while (state == STUB_TAKEN && clock_monotonic_ns() < deadline) {
		if (!memory_read(&tm->memory, state_addr(base), &state, sizeof(state), &ignored))
			return;
		clock_sleep(FINISH_PAUSE_NS);
	}
}

bool stub_dismiss(struct target_memory *tm, raddr base, struct error *err)
{
	if (!write_state(tm, base, STUB_TAKEN, err))
		return false;
	await_finish(tm, base);
	return true;
}

/* A stub that still stands by does so for a filtrace that was killed: let it finish. */
static bool dismiss_earlier_stub(struct target_memory *tm, raddr base, struct error *err)
{
	uint32_t state;
	return memory_read(&tm->memory, state_addr(base), &state, sizeof(state), err) &&
	       (!stands_by(state) || stub_dismiss(tm, base, err)) && write_state(tm, base, 0, err);
}

/* ---- where stubs go -------------------------------------------------------------------------- */

static raddr place_at(raddr base, unsigned i)
{
	return base + STUB_PLACES_OFFSET + (raddr)i * STUB_PLACE_BYTES;
}

/* Some of the region's places. */
struct places {
	raddr base;    /* of the region */
	unsigned mask; /* bit n: place n */
	uint8_t inside[STUB_PLACE_COUNT];
};

static struct places places_of(raddr base, unsigned mask, struct memory *memory)
{
	struct places places = { .base = base, .mask = mask };
	struct error ignored;
	if (!memory_read(memory, base + ANCHOR_OFFSET + ANCHOR_STUB_INSIDE, places.inside,
			 sizeof(places.inside), &ignored))
		memset(places.inside, 1, sizeof(places.inside));
	return places;
}

/* Which of them an address is in, and where there; ALL_PLACES: in none. */
static unsigned find_place(const struct places *places, raddr address, raddr *offset_ret)
{
	raddr offset = address - place_at(places->base, 0);
	raddr i = offset / STUB_PLACE_BYTES;
	*offset_ret = offset % STUB_PLACE_BYTES;
	return i < STUB_PLACE_COUNT && places->mask >> i & 1 ? (unsigned)i : ALL_PLACES;
}

static bool are_in(const struct places *places, raddr rip)
{
	raddr offset;
	return find_place(places, rip, &offset) != ALL_PLACES;
}

/* Is this word of a stack one that will be returned to? Frames of signals that came while a stub
 * ran lie below its thread's stack, and may never be written over; but it has left then, and said
 * so. (stub_x86_64.S) */
static bool lead_back(const void *places_in, raddr word)
{
	const struct places *places = places_in;
	raddr offset;
	unsigned place = find_place(places, word, &offset);
	if (place == ALL_PLACES)
		return false;
	bool is_entry = offset <= (raddr)(stub_maps_region.enter - stub_maps_region.begin);
	return places->inside[place] || (!is_entry && offset < STUB_HEAD_BYTES);
}

/* In one of them, or about to return to one from a signal handler. */
static bool some_thread_is_in(const struct places *places, struct memory *memory,
			      const struct world *world)
{
	for (size_t i = 0; i < world->len; i++)
		if (world->threads[i].is_stopped && are_in(places, world->threads[i].rip))
			return true;
	return world_stacks_hold(world, memory, lead_back, places);
}

/* All places are taken. Each is free again once no thread is in it. */
static bool free_places(struct target_memory *tm, raddr base, uint32_t *taken_ret,
			struct error *err)
{
	OWNED_WORLD struct world world = { 0 };
	if (!world_stop(tm->pid, &world, err))
		return false;
	*taken_ret = 0;
	for (unsigned i = 0; i < STUB_PLACE_COUNT; i++) {
		struct places place = places_of(base, 1u << i, &tm->memory);
		if (some_thread_is_in(&place, &tm->memory, &world))
			*taken_ret |= 1u << i;
	}
	return *taken_ret != ALL_PLACES ||
	       error_set(err, ERROR_TIMEOUT, "threads are still inside earlier stubs");
}

static bool place_in_region(struct target_memory *tm, struct stub_job *job, struct error *err)
{
	size_t offset = ANCHOR_OFFSET + ANCHOR_STUB_PLACES;
	uint32_t taken;
	if (!region_read_u32(tm, job->base, offset, &taken, err))
		return false;
	taken &= ALL_PLACES;
	if (taken == ALL_PLACES && !free_places(tm, job->base, &taken, err))
		return false;
	unsigned i = (unsigned)__builtin_ctz(~taken);
	job->place = place_at(job->base, i);
	job->inside = job->base + ANCHOR_OFFSET + ANCHOR_STUB_INSIDE + i;
	return region_write_u32(tm, job->base, offset, taken | 1u << i, err);
}

static bool place_in_slack(struct target_memory *tm, const struct images *images,
			   struct stub_job *job, struct error *err)
{
	struct slack slack;
	if (images_find_slack(images, &tm->memory, STUB_PLACE_BYTES, &slack, 1) == 0)
		return error_set(err, ERROR_UNSUPPORTED,
				 "no unused bytes behind any code of process %d", tm->pid);
	job->place = slack.address;
	job->inside = 0;
	return true;
}

/* A region's own places serve once it stands. */
static bool choose_place(struct target_memory *tm, const struct images *images,
			 struct stub_job *job, struct error *err)
{
	return job->is_new ? place_in_slack(tm, images, job, err) : place_in_region(tm, job, err);
}

/* Stubs run from the region's places, or from the ends of other code, where nothing else does. */
static bool is_in_slack(const struct images *images, raddr rip)
{
	enum { TAILS_MAX = 8 };
	struct slack tails[TAILS_MAX];
	const struct image *image = images_find(images, rip);
	size_t count = image ? image_tails(image, tails, TAILS_MAX) : 0;
	for (size_t i = 0; i < count; i++)
		if (rip - tails[i].address < tails[i].len)
			return true;
	return false;
}

bool stub_is_running(raddr base, const struct images *images, struct memory *memory,
		     const struct world *world)
{
	for (size_t i = 0; i < world->len; i++)
		if (world->threads[i].is_stopped && is_in_slack(images, world->threads[i].rip))
			return true;
	const struct places all = places_of(base, ALL_PLACES, memory);
	return some_thread_is_in(&all, memory, world);
}

/* ---- running it ------------------------------------------------------------------------------ */

static bool run_in_thread(struct target_memory *tm, struct stub_job *job, struct stub_answer *ret,
			  struct error *err)
{
	if (!start_stub(tm, job, err))
		return false;
	if (await_answer(tm, job, ret, err))
		return true;
	struct error second;
	if (!cancel_stub(tm, job, &second))
		*err = second;
	return false;
}

static bool try_thread(struct target_memory *tm, const struct images *images, struct stub_job *job,
		       struct stub_answer *ret, struct error *err)
{
	if (getrandom(&job->cookie, sizeof(job->cookie), 0) != sizeof(job->cookie))
		return error_set_errno(err, ERROR_INTERNAL, "getrandom");
	if ((!job->is_new && !dismiss_earlier_stub(tm, job->base, err)) ||
	    !choose_place(tm, images, job, err))
		return false;
	if (run_in_thread(tm, job, ret, err))
		return true;
	stub_clear(tm, job);
	return false;
}

bool stub_run(struct target_memory *tm, const struct images *images, struct stub_job *job,
	      struct stub_answer *ret, struct error *err)
{
	OWNED_FREE int *tids = NULL;
	size_t tid_count;
	if (!process_threads(tm->pid, &tids, &tid_count, err))
		return false;
	for (size_t i = 0; i < tid_count && i < STUB_THREADS_MAX; i++) {
		job->tid = tids[i];
		if (try_thread(tm, images, job, ret, err))
			return true;
		if (err->kind != ERROR_NO_PROCESS)
			return false;
	}
	return error_set(
		err, ERROR_TIMEOUT,
		"no thread of process %d can be borrowed: those tried are stuck in the kernel",
		tm->pid);
}
