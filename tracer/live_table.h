/* SPDX-License-Identifier: MIT */
#ifndef TRACER_LIVE_TABLE_H
#define TRACER_LIVE_TABLE_H

/**
 * @file
 * The tracer's copy of the target's table of sampled blocks and of the filter before it. Only the
 * tracer inserts and only it writes the filter; the target's gates remove. So what to write over
 * there follows from this copy alone. Touches no target.
 *
 * Both are as large as the number of blocks needs, so that they cost the target neither memory nor
 * cache that could be spared. When they double, what was in the lower half stays there in the
 * target, as gates may be about to look at it. A block that is left behind in this way does no
 * harm: a gate that finds it tells of a free that is true, and that the tracer knows or ignores.
 */

#include <stdbool.h>

#include "base/error.h"
#include "tracer/region_layout.h"

enum {
	LIVE_SLOTS_MAX = TABLE_BYTES / 8,
	LIVE_SLOTS_MIN = 4096,
	LIVE_FILTER_MIN = 256 << 10,
	/* Thinned when it holds so many. With two buckets to choose from, a table that is half full
	 * has no full ones. */
	LIVE_BLOCKS_MAX = LIVE_SLOTS_MAX / 2,
};

struct live_table {
	raddr *slots;	       /* [LIVE_SLOTS_MAX]; 0: empty */
	uint16_t *filter_uses; /* [FILTER_BYTES]: how many blocks share the filter's byte;
				* UINT16_MAX: lost count */
	size_t slot_count;     /* in use of both */
	size_t filter_count;
	size_t block_count;
};

/** A change to make in the target, as offsets from the region's base. */
struct live_change {
	uint32_t slot_offset;
	raddr slot;
	uint32_t filter_offset;
	bool filter_changes; /* between known to no block and known to one */
};

MUST_CHECK bool live_table_init(struct live_table *table, struct error *err);
void live_table_deinit(struct live_table *table);

/** Insert a block, or find it there, and say what to write. False if its buckets are full. */
MUST_CHECK bool live_table_insert(struct live_table *table, raddr block, struct live_change *ret);

/** Remove a block; where the target has emptied the slot itself, only the filter of `ret` is news.
 *  False if the block is not there. */
bool live_table_remove(struct live_table *table, raddr block, struct live_change *ret);

/** Whether a larger table, or filter, would serve better. Never at LIVE_BLOCKS_MAX. */
bool live_table_is_crowded(const struct live_table *table);

/** Double what is too small. What lies behind the old sizes has to be written in the target before
 *  the new sizes are. */
void live_table_grow(struct live_table *table);

/** Empty the slot with this number. */
void live_table_empty_slot(struct live_table *table, size_t slot);

#endif
