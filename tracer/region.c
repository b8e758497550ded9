/* SPDX-License-Identifier: MIT */
#include "tracer/region.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "tracer/pads.h"
#include "tracer/process.h"

static const char MEMFD_PATH[] = "/memfd:filtrace (deleted)";

/* How long one thread may take to run the stub. Most take well under a millisecond. */
static const uint64_t STUB_TIMEOUT_NS = 200 * NS_PER_MS;
enum { STUB_ATTEMPTS = 4, STUB_STACK_BYTES = 512 };

_Static_assert(STUB_PLACES_OFFSET + STUB_PLACE_COUNT * STUB_PLACE_BYTES <= CODE_BYTES, "code");

size_t regions_find(struct memory *memory, const struct maps *maps, raddr *ret, size_t max)
{
	size_t found = 0;
	for (size_t i = 0; i < maps->len && found < max; i++) {
		const struct mapping *mapping = &maps->list[i];
		if (!mapping->is_shared || mapping->file_offset != 0 ||
		    mapping->end - mapping->start != SHARED_BYTES ||
		    mapping->start < SHARED_OFFSET || strcmp(mapping->path, MEMFD_PATH) != 0)
			continue;

		uint64_t magic;
		struct error ignored;
		raddr base = mapping->start - SHARED_OFFSET;
		if (memory_read(memory, base + ANCHOR_OFFSET, &magic, sizeof(magic), &ignored))
			ret[found++] = base;
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
	bool is_fresh;
	raddr place; /* where the stub's code goes */
};

static void set_word(uint8_t *stub, const uint8_t *symbol, uint64_t value)
{
	memcpy(stub + (symbol - stub_begin), &value, sizeof(value));
}

static bool write_stub(struct target_memory *tm, const struct stub_job *job, raddr rip,
		       struct error *err)
{
	OWNED_FREE uint8_t *stub = malloc(stub_bytes());
	if (!stub)
		return error_set(err, ERROR_NO_MEMORY, "stub");

	memcpy(stub, stub_begin, stub_bytes());
	set_word(stub, stub_base, job->base);
	set_word(stub, stub_is_fresh, job->is_fresh);
	set_word(stub, stub_resume, rip);
	set_word(stub, stub_resume_call, rip - 2);
	return target_memory_write(tm, job->place, stub, stub_bytes(), err);
}

/* A stub needs a little stack, and must not cut a restartable sequence short (rseq(2)). */
static bool thread_can_run_stub(struct target_memory *tm, const struct world_thread *thread)
{
	uint8_t stack[STUB_STACK_BYTES];
	struct error ignored;
	return memory_read(&tm->memory, thread->rsp - sizeof(stack), stack, sizeof(stack),
			   &ignored) &&
	       !world_thread_is_in_rseq(thread, &tm->memory);
}

/* Send one thread into the stub. False without an error of consequence: try another one. */
static bool start_stub(struct target_memory *tm, int tid, const struct stub_job *job,
		       struct error *err)
{
	OWNED_WORLD struct world world = { 0 };
	if (process_thread_waits_for_vfork(tm->pid, tid))
		return error_set(err, ERROR_TIMEOUT, "thread %d waits for a vfork child", tid);
	if (!world_stop_one(tid, &world, err))
		return false;

	struct world_thread *thread = &world.threads[0];
	if (!thread_can_run_stub(tm, thread))
		return error_set(err, ERROR_TIMEOUT, "thread %d cannot be borrowed just now", tid);
	return write_stub(tm, job, thread->rip, err) &&
	       world_move(thread, job->place + (raddr)(stub_enter - stub_begin), err);
}

/* Wait until the stub offers the memfd. */
static bool await_offer(struct target_memory *tm, raddr base, int *fd_ret, struct error *err)
{
	uint64_t deadline = clock_monotonic_ns() + STUB_TIMEOUT_NS;
	while (clock_monotonic_ns() < deadline) {
		struct error ignored;
		struct {
			uint32_t state;
			int32_t fd;
			int64_t wipe_result;
		} offer;
		if (memory_read(&tm->memory, base + ANCHOR_OFFSET + ANCHOR_STUB_STATE, &offer,
				sizeof(offer), &ignored) &&
		    offer.state == STUB_OFFERED) {
			if (offer.wipe_result != 0)
				return error_set(err, ERROR_UNSUPPORTED,
						 "this kernel lacks MADV_WIPEONFORK (Linux 4.14): "
						 "children of fork would not be safe");
			*fd_ret = offer.fd;
			return true;
		}
		sleep_us(50);
	}
	return error_set(err, ERROR_TIMEOUT,
			 "no thread of process %d ran within %d ms: is it stopped (Ctrl-Z), or "
			 "blocked in the kernel?",
			 tm->pid, (int)(STUB_TIMEOUT_NS / NS_PER_MS));
}

/* Map the memfd here while the stub keeps it open there. */
static bool take_offer(struct target_memory *tm, raddr base, int target_fd,
		       struct shared_pages **ret, struct error *err)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", tm->pid, target_fd);
	OWNED_FD int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return error_set_errno(err, ERROR_TIMEOUT, "cannot open %s", path);

	void *pages = mmap(NULL, SHARED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (pages == MAP_FAILED)
		return error_set_errno(err, ERROR_INTERNAL, "cannot map the shared pages");
	if (!region_write_u32(tm, base, ANCHOR_OFFSET + ANCHOR_STUB_STATE, STUB_TAKEN, err)) {
		munmap(pages, SHARED_BYTES);
		return false;
	}
	*ret = pages;
	return true;
}

/* The stub closes the memfd last of all; wait for that, so that the target's descriptors are as
 * they were before anybody looks. */
static void await_finish(struct target_memory *tm, raddr base)
{
	uint64_t deadline = clock_monotonic_ns() + STUB_TIMEOUT_NS;
	uint32_t state = STUB_TAKEN;
	struct error ignored;
	while (state == STUB_TAKEN && clock_monotonic_ns() < deadline) {
		if (!region_read_u32(tm, base, ANCHOR_OFFSET + ANCHOR_STUB_STATE, &state, &ignored))
			return;
		sleep_us(20);
	}
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

/* A stub that still offers its pages does so to a filtrace that was killed: let it finish. */
static bool dismiss_earlier_stub(struct target_memory *tm, raddr base, struct error *err)
{
	size_t state_offset = ANCHOR_OFFSET + ANCHOR_STUB_STATE;
	uint32_t state;
	if (!region_read_u32(tm, base, state_offset, &state, err))
		return false;
	if (state == STUB_OFFERED) {
		if (!region_write_u32(tm, base, state_offset, STUB_TAKEN, err))
			return false;
		await_finish(tm, base);
	}
	return region_write_u32(tm, base, state_offset, 0, err);
}

static bool try_stub(struct target_memory *tm, const struct images *images, int tid,
		     struct region *region, struct error *err)
{
	/* A stub that was given up for late may have mapped a fresh region after all. */
	bool is_mapped = dismiss_earlier_stub(tm, region->base, err);
	struct stub_job job = { .base = region->base, .is_fresh = !is_mapped };
	int fd = -1;

	if (!is_mapped && !region->is_fresh)
		return false;
	if (region->is_fresh ? !place_in_slack(tm, images, &job.place, err) :
			       !place_in_region(tm, region->base, &job.place, err))
		return false;
	if (!start_stub(tm, tid, &job, err) || !await_offer(tm, region->base, &fd, err) ||
	    !take_offer(tm, region->base, fd, &region->shared, err))
		return false;
	await_finish(tm, region->base);
	if (getrandom(&region->shared->cookie, sizeof(region->shared->cookie), 0) < 0)
		return error_set_errno(err, ERROR_INTERNAL, "getrandom");
	return true;
}

bool region_open(struct target_memory *tm, const struct images *images, raddr base, bool is_fresh,
		 struct region *ret, struct error *err)
{
	struct region region = { .base = base, .is_fresh = is_fresh };
	OWNED_FREE int *tids = NULL;
	size_t tid_count;
	if (!process_threads(tm->pid, &tids, &tid_count, err))
		return false;

	for (size_t attempt = 0; attempt < STUB_ATTEMPTS; attempt++) {
		if (attempt > 0)
			sleep_us(1000);
		if (try_stub(tm, images, tids[attempt % tid_count], &region, err)) {
			*ret = region;
			return true;
		}
		if (err->kind != ERROR_TIMEOUT && err->kind != ERROR_NO_PROCESS)
			return false;
	}
	return false;
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
