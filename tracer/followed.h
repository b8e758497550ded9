/* SPDX-License-Identifier: MIT */
#ifndef TRACER_FOLLOWED_H
#define TRACER_FOLLOWED_H

/**
 * @file
 * The sampled blocks whose frees are awaited: the table and the filter in the target, kept by what
 * live_table.h says of them.
 */

#include "tracer/interval.h"
#include "tracer/live_table.h"
#include "tracer/target_memory.h"

struct followed {
	struct target_memory *tm;
	raddr base; /* of the region */
	struct live_table table;
	uint32_t *stale; /* filter offsets that may have to be cleared */
	size_t stale_len;
};

/** What to tell of each block that thinning forgets. */
typedef void followed_drop(void *context, raddr block);

/** Begin with no block, in a region whose filter and table are zero. Errors: ERROR_NO_MEMORY, and
 *  those of target_memory_write(). followed_deinit() gives the memory here back. */
MUST_CHECK bool followed_init(struct followed *followed, struct target_memory *tm, raddr base,
			      struct error *err);
void followed_deinit(struct followed *followed);

/** Follow a block from now on; `is_full_ret` says that there was no place for it. */
MUST_CHECK bool followed_add(struct followed *followed, raddr block, bool *is_full_ret,
			     struct error *err);

/** Follow a block, which the target has seen freed, no longer. False if it was not followed. */
bool followed_remove(struct followed *followed, raddr block);

/** Do what need not be done while a thread waits: clear the filter where no block is left, and make
 *  room in time. */
MUST_CHECK bool followed_tidy(struct followed *followed, struct error *err);

/** Whether it is time to thin. */
bool followed_is_full(const struct followed *followed);

/** Forget half of the blocks at random. A gate that removes a block meanwhile may see it come back:
 *  its free is then told twice, and the second time unknown. */
MUST_CHECK bool followed_thin(struct followed *followed, struct interval *random,
			      followed_drop *drop, void *context, struct error *err);

#endif
