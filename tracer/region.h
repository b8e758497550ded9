/* SPDX-License-Identifier: MIT */
#ifndef TRACER_REGION_H
#define TRACER_REGION_H

/**
 * @file
 * The region in the target (region_layout.h): found if an earlier filtrace left one, else mapped by
 * a stub that one of the target's own threads runs. Each attach gets fresh shared pages, so that
 * neither a forked copy nor a leftover tracer has a hand in them. Never unmapped.
 */

#include "base/error.h"
#include "tracer/images.h"
#include "tracer/maps.h"
#include "tracer/shared_pages.h"
#include "tracer/target_memory.h"

/** Whether the region has to be made. */
enum region_state {
	REGION_NEW,   /* nothing is mapped at its base */
	REGION_BLANK, /* mapped by an attach that was cut short: holds no code and no magic */
	REGION_READY, /* left by an earlier attach, whole */
};

/** How the shared pages come to be in two processes. */
enum region_sharing {
	SHARE_MEMFD,
	SHARE_ANONYMOUS, /* without memfd_create in the target; needs the rights of root here */
};

struct region {
	raddr base;
	struct shared_pages *shared; /* our mapping of the shared pages; region_close() unmaps it */
};

/** Tell whether we may map shared pages of `pid` that have no memfd. */
bool region_can_share_anonymous(int pid, const struct maps *maps);

/** More regions than attaches have reason to leave in one target. */
enum { REGIONS_MAX = 16 };

/** Find the regions that lie in a target: their bases, at most `max`. */
size_t regions_find(struct memory *memory, const struct maps *maps, raddr *ret, size_t max);

/** Replace the shared pages of the region at `base`, mapping the region first if it is REGION_NEW,
 *  and map them here. Control, filter and table are zero afterwards. It must be our turn (turn.h),
 *  and `state` be as it was found since then. Errors: ERROR_TIMEOUT (try again with another base:
 *  something lies there, or no thread could run the stub just now), ERROR_UNSAFE (a thread is stuck
 *  on its way into the stub), ERROR_UNSUPPORTED (no room, no file descriptor left in the target),
 *  ERROR_NO_PROCESS, ERROR_NOT_PERMITTED. */
MUST_CHECK bool region_open(struct target_memory *tm, const struct images *images, raddr base,
			    enum region_state state, enum region_sharing sharing,
			    struct region *ret, struct error *err);
void region_close(struct region *region);

/** Tell whether the target still has mapped the shared pages that we have. */
bool region_is_shared(const struct region *region, struct memory *memory);

/** Tell whether it has others there, which an attach after ours has put in their place. (That it
 *  has none, or has spoilt what is in them, is another matter.) */
bool region_is_taken_over(const struct region *region, struct memory *memory);

/* One word of the region, in the anchor or control page. */
MUST_CHECK bool region_read_u32(struct target_memory *tm, raddr base, size_t offset, uint32_t *ret,
				struct error *err);
MUST_CHECK bool region_write_u32(struct target_memory *tm, raddr base, size_t offset,
				 uint32_t value, struct error *err);

#endif
