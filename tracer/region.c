/* SPDX-License-Identifier: MIT */
#include "tracer/region.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "tracer/pads.h"
#include "tracer/process.h"
#include "tracer/shared_file.h"

static const char MEMFD_PATH[] = "/memfd:filtrace (deleted)";
static const char ANONYMOUS_PATH[] = "/dev/zero (deleted)";

/* How long one thread may take to run the stub. Most take well under a millisecond. */
static const uint64_t STUB_TIMEOUT_NS = 200 * NS_PER_MS;
#define MAP_FILES_FORMAT "/proc/%d/map_files/%" PRIx64 "-%" PRIx64

enum { STUB_THREADS_MAX = 4, STUB_STACK_BYTES = 512, CLEAR_TRIES = 20 };

_Static_assert(STUB_PLACES_OFFSET + STUB_PLACE_COUNT * STUB_PLACE_BYTES <= CODE_BYTES, "code");

/* Whether shared pages of our size have our region in front. Those that bear our name are ours even
 * if nothing is written there yet. */
static bool is_region(struct memory *memory, const struct maps *maps, const struct mapping *shared)
{
	raddr base = shared->start - SHARED_OFFSET;
	const struct mapping *code = maps_find(maps, base);
	bool is_named = strcmp(shared->path, MEMFD_PATH) == 0;
	uint64_t magic;
	struct error ignored;

	if (!is_named && strcmp(shared->path, ANONYMOUS_PATH) != 0)
		return false;
	return code && code->is_executable && !code->inode &&
	       memory_read(memory, base + ANCHOR_OFFSET, &magic, sizeof(magic), &ignored) &&
	       (is_named || magic == REGION_MAGIC);
}

size_t regions_find(struct memory *memory, const struct maps *maps, raddr *ret, size_t max)
{
	size_t found = 0;
	for (size_t i = 0; i < maps->len && found < max; i++) {
		const struct mapping *mapping = &maps->list[i];
		if (mapping->is_shared && mapping->file_offset == 0 &&
		    mapping->end - mapping->start == SHARED_BYTES &&
		    mapping->start >= SHARED_OFFSET && is_region(memory, maps, mapping))
			ret[found++] = mapping->start - SHARED_OFFSET;
	}
	return found;
}

bool region_read_u32(struct target_memory *tm, raddr base, size_t offset, uint32_t *ret,
		     struct error *err)
{
	return memory_read(&tm->memory, base + offset, ret, sizeof(*ret), err);
}

bool region_write_u32(struct target_memory *tm, raddr base, size_t offset, uint32_t value,
		      struct error *err)
{
	return target_memory_write(tm, base + offset, &value, sizeof(value), err);
}

static void sleep_us(long us)
{
	nanosleep(&(struct timespec){ .tv_nsec = us * 1000 }, NULL);
}

/* ---- one stub in one thread ------------------------------------------------------------------ */

struct stub_job {
	raddr base;
	bool is_new; /* the stub maps it, and runs behind the code of some file until then */
	enum region_sharing sharing;
	raddr place;	 /* where the stub's code goes */
	uint64_t cookie; /* random: by it we know that what we read was written by our stub */
	int tid;
	raddr resume; /* where the thread was */
};

static raddr stub_entry(const struct stub_job *job)
{
	return job->place + (raddr)(stub_enter - stub_begin);
}

static void set_word(uint8_t *stub, const uint8_t *symbol, uint64_t value)
{
	memcpy(stub + (symbol - stub_begin), &value, sizeof(value));
}

static bool write_stub(struct target_memory *tm, const struct stub_job *job, struct error *err)
{
	uint8_t stub[STUB_PLACE_BYTES];
	memcpy(stub, stub_begin, sizeof(stub));
	set_word(stub, stub_base, job->base);
	set_word(stub, stub_is_new, job->is_new);
	set_word(stub, stub_is_anonymous, job->sharing == SHARE_ANONYMOUS);
	set_word(stub, stub_cookie, job->cookie);
	set_word(stub, stub_resume, job->resume);
	set_word(stub, stub_resume_call, job->resume - 2);
	return target_memory_write(tm, job->place, stub, sizeof(stub), err);
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

/* Once the thread has left a place behind the code of some file, that is made zero again: for the
 * next one, and because nothing of ours should stay there. A thread that has not left by then (its
 * processor is busy, or a signal handler runs on top) keeps the place for good. */
static void clear_place(struct target_memory *tm, const struct stub_job *job)
{
	static const uint8_t nothing[STUB_PLACE_BYTES];
	bool is_clear = false;
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
			sleep_us(500);
	}
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
	return write_stub(tm, job, err) && tracee_move(thread, stub_entry(job), err);
}

/* The stub was not run in time. If its thread has not moved since, put it back where it was: then
 * nothing has happened. One that has moved is on its way through, or could not map the region. One
 * that cannot be stopped may run the stub at any time: no other must be started. */
static bool cancel_stub(const struct stub_job *job, struct error *err)
{
	OWNED_WORLD struct world world = { 0 };
	struct error why;
	if (!world_stop_one(job->tid, &world, &why))
		return error_set(err, ERROR_UNSAFE,
				 "thread %d is stuck in the kernel (%s): nothing was planted",
				 job->tid, why.context);
	return world.threads[0].rip != stub_entry(job) ||
	       tracee_move(&world.threads[0], job->resume, err);
}

/* ---- the hand-shake -------------------------------------------------------------------------- */

struct offer {
	uint32_t state;
	int32_t fd; /* or minus errno */
	int64_t wipe_result;
	uint64_t uses;
	uint64_t cookie;
};

_Static_assert(offsetof(struct offer, cookie) == ANCHOR_STUB_COOKIE - ANCHOR_STUB_STATE, "offer");

static raddr stub_state_addr(raddr base)
{
	return base + ANCHOR_OFFSET + ANCHOR_STUB_STATE;
}

static bool write_state(struct target_memory *tm, raddr base, uint32_t state, struct error *err)
{
	return target_memory_write(tm, stub_state_addr(base), &state, sizeof(state), err);
}

static bool is_offer(uint32_t state)
{
	return state == STUB_OFFERED || state == STUB_FAILED || state == STUB_NO_CODE;
}

/* Wait until the stub offers shared pages, or says why it cannot. */
static bool await_offer(struct target_memory *tm, const struct stub_job *job, struct offer *ret,
			struct error *err)
{
	uint64_t deadline = clock_monotonic_ns() + STUB_TIMEOUT_NS;
	while (clock_monotonic_ns() < deadline) {
		struct error ignored;
		if (memory_read(&tm->memory, stub_state_addr(job->base), ret, sizeof(*ret),
				&ignored) &&
		    ret->cookie == job->cookie && is_offer(ret->state))
			return true;
		sleep_us(50);
	}
	return error_set(err, ERROR_TIMEOUT, "no thread of process %d ran the stub within %d ms",
			 tm->pid, (int)(STUB_TIMEOUT_NS / NS_PER_MS));
}

/* Nobody can cut it short under our mapping: a memfd is sealed, and to what has none only we have
 * a way. */
static bool open_pages(int pid, const struct stub_job *job, int target_fd, int *ret,
		       struct error *err)
{
	char path[80];
	raddr start = job->base + SHARED_OFFSET;
	if (job->sharing == SHARE_MEMFD) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, target_fd);
		return shared_file_open(path, MEMFD_PATH, true, ret, err);
	}
	snprintf(path, sizeof(path), MAP_FILES_FORMAT, pid, start, start + SHARED_BYTES);
	return shared_file_open(path, ANONYMOUS_PATH, false, ret, err);
}

/* What the target says of its errno. */
static const char *offer_reason(const struct offer *offer)
{
	return strerror(offer->fd > INT_MIN ? -offer->fd : 0);
}

/* Whether the stub has what was wanted of it. */
static bool check_offer(int pid, const struct offer *offer, struct error *err)
{
	if (offer->state == STUB_NO_CODE)
		return error_set(err, ERROR_NOT_PERMITTED,
				 "process %d may not map memory for code (%s): a security policy, "
				 "as SELinux's execmem, forbids it",
				 pid, offer_reason(offer));
	if (offer->state == STUB_FAILED)
		return error_set(err, ERROR_UNSUPPORTED, "process %d cannot make a memfd: %s", pid,
				 offer_reason(offer));
	if (offer->wipe_result != 0)
		return error_set(err, ERROR_UNSUPPORTED,
				 "this kernel lacks MADV_WIPEONFORK (Linux 4.14): children of fork "
				 "would not be safe");
	return true;
}

/* Map the pages here while the stub stands by there. */
static bool take_offer(struct target_memory *tm, const struct stub_job *job,
		       const struct offer *offer, struct shared_pages **ret, struct error *err)
{
	OWNED_FD int fd = -1;
	if (!check_offer(tm->pid, offer, err) || !open_pages(tm->pid, job, offer->fd, &fd, err))
		return false;
	void *pages = mmap(NULL, SHARED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (pages == MAP_FAILED)
		return error_set_errno(err, ERROR_INTERNAL, "cannot map the shared pages");
	*ret = pages;
	return true;
}

bool region_can_share_anonymous(int pid, const struct maps *maps)
{
	for (size_t i = 0; i < maps->len; i++) {
		const struct mapping *mapping = &maps->list[i];
		char path[80];
		snprintf(path, sizeof(path), MAP_FILES_FORMAT, pid, mapping->start, mapping->end);
		OWNED_FD int fd = mapping->inode ? open(path, O_PATH | O_CLOEXEC) : -1;
		if (mapping->inode)
			return fd >= 0;
	}
	return false;
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
		if (!memory_read(&tm->memory, stub_state_addr(base), &state, sizeof(state),
				 &ignored))
			return;
		sleep_us(20);
	}
}

/* A stub that still offers its pages does so to a filtrace that was killed: let it finish. */
static bool dismiss_earlier_stub(struct target_memory *tm, raddr base, struct error *err)
{
	uint32_t state;
	if (!memory_read(&tm->memory, stub_state_addr(base), &state, sizeof(state), err))
		return false;
	if (is_offer(state)) {
		if (!write_state(tm, base, STUB_TAKEN, err))
			return false;
		await_finish(tm, base);
	}
	return write_state(tm, base, 0, err);
}

/* ---- where stubs go -------------------------------------------------------------------------- */

static bool is_in_places(const void *base_addr, raddr word)
{
	raddr places = *(const raddr *)base_addr + STUB_PLACES_OFFSET;
	return word - places < STUB_PLACE_COUNT * STUB_PLACE_BYTES;
}

static bool some_thread_is_in_places(raddr base, struct memory *memory, const struct world *world)
{
	for (size_t i = 0; i < world->len; i++)
		if (world->threads[i].is_stopped && is_in_places(&base, world->threads[i].rip))
			return true;
	return world_stacks_hold(world, memory, is_in_places, &base);
}

/* All places are taken. They are free again once no thread is in any of them, or will return to
 * one from a signal handler. */
static bool free_places(struct target_memory *tm, raddr base, struct error *err)
{
	OWNED_WORLD struct world world = { 0 };
	if (!world_stop(tm->pid, &world, err))
		return false;
	if (some_thread_is_in_places(base, &tm->memory, &world))
		return error_set(err, ERROR_TIMEOUT, "threads are still inside earlier stubs");
	return true;
}

static bool place_in_region(struct target_memory *tm, raddr base, raddr *ret, struct error *err)
{
	size_t uses_offset = ANCHOR_OFFSET + ANCHOR_STUB_USES;
	uint32_t uses;
	if (!region_read_u32(tm, base, uses_offset, &uses, err))
		return false;
	if (uses >= STUB_PLACE_COUNT) {
		if (!free_places(tm, base, err))
			return false;
		uses = 0;
	}
	*ret = base + STUB_PLACES_OFFSET + (raddr)uses * STUB_PLACE_BYTES;
	return region_write_u32(tm, base, uses_offset, uses + 1, err);
}

static bool place_in_slack(struct target_memory *tm, const struct images *images, raddr *ret,
			   struct error *err)
{
	struct slack slack;
	if (images_find_slack(images, &tm->memory, stub_bytes(), &slack, 1) == 0)
		return error_set(err, ERROR_UNSUPPORTED,
				 "no unused bytes behind any code of process %d", tm->pid);
	*ret = slack.address;
	return true;
}

/* A region's own places serve once it stands. */
static bool choose_place(struct target_memory *tm, const struct images *images,
			 struct stub_job *job, struct error *err)
{
	return job->is_new ? place_in_slack(tm, images, &job->place, err)
			   : place_in_region(tm, job->base, &job->place, err);
}

static bool run_stub(struct target_memory *tm, struct stub_job *job, struct offer *ret,
		     struct error *err)
{
	if (!start_stub(tm, job, err))
		return false;
	if (await_offer(tm, job, ret, err))
		return true;
	struct error second;
	if (!cancel_stub(job, &second))
		*err = second;
	return false;
}

/* Answer the stub, whatever its offer is worth, and see it finish. */
static bool accept_offer(struct target_memory *tm, const struct stub_job *job,
			 const struct offer *offer, struct shared_pages **ret, struct error *err)
{
	struct shared_pages *shared = NULL;
	struct error second;
	bool is_taken = take_offer(tm, job, offer, &shared, err);
	if (write_state(tm, job->base, STUB_TAKEN, &second))
		await_finish(tm, job->base);
	if (!is_taken)
		return false;
	shared->cookie = job->cookie;
	*ret = shared;
	return true;
}

static bool try_stub(struct target_memory *tm, const struct images *images, struct stub_job *job,
		     struct shared_pages **ret, struct error *err)
{
	struct offer offer;

	if (getrandom(&job->cookie, sizeof(job->cookie), 0) != sizeof(job->cookie))
		return error_set_errno(err, ERROR_INTERNAL, "getrandom");
	if ((!job->is_new && !dismiss_earlier_stub(tm, job->base, err)) ||
	    !choose_place(tm, images, job, err))
		return false;

	bool is_ok = run_stub(tm, job, &offer, err) && accept_offer(tm, job, &offer, ret, err);
	if (job->is_new)
		clear_place(tm, job);
	return is_ok;
}

bool region_open(struct target_memory *tm, const struct images *images, raddr base,
		 enum region_state state, enum region_sharing sharing, struct region *ret,
		 struct error *err)
{
	OWNED_FREE int *tids = NULL;
	size_t tid_count;
	if (!process_threads(tm->pid, &tids, &tid_count, err))
		return false;

	for (size_t i = 0; i < tid_count && i < STUB_THREADS_MAX; i++) {
		struct stub_job job = { .base = base,
					.is_new = state == REGION_NEW,
					.sharing = sharing,
					.tid = tids[i] };
		struct shared_pages *shared = NULL;
		if (try_stub(tm, images, &job, &shared, err)) {
			*ret = (struct region){ base, shared };
			return true;
		}
		if (err->kind != ERROR_NO_PROCESS)
			return false;
	}
	return error_set(err, ERROR_TIMEOUT,
			 "no thread of process %d can be borrowed: all are "
			 "stuck in the kernel",
			 tm->pid);
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

bool region_stub_is_running(const struct region *region, const struct images *images,
			    struct memory *memory, const struct world *world)
{
	for (size_t i = 0; i < world->len; i++)
		if (world->threads[i].is_stopped && is_in_slack(images, world->threads[i].rip))
			return true;
	return some_thread_is_in_places(region->base, memory, world);
}

bool region_is_shared(const struct region *region, struct memory *memory)
{
	uint64_t cookie;
	struct error ignored;
	return memory_read(memory, region->base + SHARED_OFFSET + SHARED_COOKIE, &cookie,
			   sizeof(cookie), &ignored) &&
	       cookie == region->shared->cookie && cookie != 0;
}

void region_close(struct region *region)
{
	if (region->shared)
		munmap(region->shared, SHARED_BYTES);
	*region = (struct region){ 0 };
}
