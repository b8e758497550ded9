/* SPDX-License-Identifier: MIT */
#include "tracer/region.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracer/shared_file.h"
#include "tracer/stub.h"

static const char MEMFD_PATH[] = "/memfd:filtrace (deleted)";
static const char ANONYMOUS_PATH[] = "/dev/zero (deleted)";

#define MAP_FILES_FORMAT "/proc/%d/map_files/%" PRIx64 "-%" PRIx64

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

/* ---- the hand-shake -------------------------------------------------------------------------- */

/* Nobody can cut it short under our mapping: a memfd is sealed, and to what has none only we have
 * a way. */
static bool open_pages(int pid, raddr base, enum region_sharing sharing, int target_fd, int *ret,
		       struct error *err)
{
	char path[80];
	raddr start = base + SHARED_OFFSET;
	if (sharing == SHARE_MEMFD) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, target_fd);
		return shared_file_open(path, MEMFD_PATH, true, ret, err);
	}
	snprintf(path, sizeof(path), MAP_FILES_FORMAT, pid, start, start + SHARED_BYTES);
	return shared_file_open(path, ANONYMOUS_PATH, false, ret, err);
}

/* What the target says of its errno. */
static const char *offer_reason(const struct stub_answer *offer)
{
	return strerror(offer->fd > INT_MIN ? -offer->fd : 0);
}

/* Whether the stub has what was wanted of it. */
static bool check_offer(int pid, const struct stub_answer *offer, struct error *err)
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
static bool take_offer(struct target_memory *tm, raddr base, enum region_sharing sharing,
		       const struct stub_answer *offer, struct shared_pages **ret,
		       struct error *err)
{
	OWNED_FD int fd = -1;
	if (!check_offer(tm->pid, offer, err) ||
	    !open_pages(tm->pid, base, sharing, offer->fd, &fd, err))
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
		if (!mapping->inode)
			continue;
		snprintf(path, sizeof(path), MAP_FILES_FORMAT, pid, mapping->start, mapping->end);
		OWNED_FD int fd = open(path, O_PATH | O_CLOEXEC);
		return fd >= 0;
	}
	return false;
}

bool region_open(struct target_memory *tm, const struct images *images, raddr base,
		 enum region_state state, enum region_sharing sharing, struct region *ret,
		 struct error *err)
{
	struct stub_job job = {
		.stub = &stub_maps_region,
		.base = base,
		.is_new = state == REGION_NEW,
		.arguments = { state == REGION_NEW, sharing == SHARE_ANONYMOUS },
	};
	struct stub_answer offer;
	struct shared_pages *shared = NULL;
	struct error second;
	if (!stub_run(tm, images, &job, &offer, err))
		return false;

	/* Whatever the offer is worth, the stub is let go. */
	bool is_taken = take_offer(tm, base, sharing, &offer, &shared, err);
	bool is_dismissed = stub_dismiss(tm, base, &second);
	stub_clear(tm, &job);
	if (!is_taken)
		return false;
	if (!is_dismissed) {
		munmap(shared, SHARED_BYTES);
		*err = second;
		return false;
	}
	shared->cookie = job.cookie;
	*ret = (struct region){ base, shared };
	return true;
}

static bool read_cookie(const struct region *region, struct memory *memory, uint64_t *ret)
{
	struct error ignored;
	return memory_read(memory, region->base + SHARED_OFFSET + SHARED_COOKIE, ret, sizeof(*ret),
			   &ignored);
}

bool region_is_shared(const struct region *region, struct memory *memory)
{
	uint64_t cookie;
	return read_cookie(region, memory, &cookie) && cookie == region->shared->cookie &&
	       cookie != 0;
}

bool region_is_taken_over(const struct region *region, struct memory *memory)
{
	uint64_t cookie;
	return read_cookie(region, memory, &cookie) && cookie != region->shared->cookie;
}

void region_close(struct region *region)
{
	if (region->shared)
		munmap(region->shared, SHARED_BYTES);
	*region = (struct region){ 0 };
}
