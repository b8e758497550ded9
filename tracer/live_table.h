/* SPDX-License-Identifier: MIT */
#ifndef TRACER_LIVE_TABLE_H
#define TRACER_LIVE_TABLE_H

/**
 * @file
 * The tracer's copy of the target's table of sampled blocks and of the filter before it. Only the
 * tracer inserts and only it writes the filter; the target's gates remove. So a slot that is empty
 * here is empty there, and what to write over there follows from this copy alone. Touches no
 * target.
 */

#include <stdbool.h>

#include "base/error.h"
#include "tracer/region_layout.h"

enum {
	LIVE_SLOT_COUNT = TABLE_BYTES / 8,
	/* Thinned when it holds so many: a quarter of the slots, so that full buckets stay rare
	 * (1 block in 5,000 finds its bucket full). */
	LIVE_BLOCKS_MAX = LIVE_SLOT_COUNT / 4,
};

struct live_table {
	raddr *slots;	      /* [LIVE_SLOT_COUNT]; 0: empty */
	uint8_t *filter_uses; /* [FILTER_BYTES]: how many blocks share the filter's byte */
	size_t block_count;
};

/** A change to make in the target, as offsets from the region's base. */
struct live_change {
	uint32_t slot_offset;
	raddr slot;
	uint32_t filter_offset;
	uint8_t filter; /* 0: no block has this hash */
};

MUST_CHECK bool live_table_init(struct live_table *table, struct error *err);
void live_table_deinit(struct live_table *table);

/** Insert a block, or find it there, and say what to write. False if its bucket is full. */
MUST_CHECK bool live_table_insert(struct live_table *table, raddr block, struct live_change *ret);

/** Remove a block; where the target has emptied the slot itself, only the filter of `ret` is news.
 *  False if the block is not there. */
bool live_table_remove(struct live_table *table, raddr block, struct live_change *ret);

#endif
