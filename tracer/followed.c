/* SPDX-License-Identifier: MIT */
#include "tracer/followed.h"

#include <stdlib.h>

enum { STALE_MAX = 4096, PIECE_BYTES = 4096 };

/* Tell the gates how large filter and table are. */
static bool write_sizes(struct followed *followed, struct error *err)
{
	const struct live_table *table = &followed->table;
	const uint32_t sizes[] = { (uint32_t)table->filter_count - 1,
				   (uint32_t)(table->slot_count / BUCKET_SLOTS) - 1 };
	_Static_assert(CONTROL_BUCKETS == CONTROL_FILTER + 4, "one write, and one for both");
	return target_memory_write(followed->tm, followed->base + CONTROL_OFFSET + CONTROL_FILTER,
				   sizes, sizeof(sizes), err);
}

bool followed_init(struct followed *followed, struct target_memory *tm, raddr base,
		   struct error *err)
{
	*followed = (struct followed){
		.tm = tm,
		.base = base,
		.stale = calloc(STALE_MAX, sizeof(*followed->stale)),
	};
	bool is_ok = followed->stale || error_set(err, ERROR_NO_MEMORY, "list of frees");
	if (is_ok && live_table_init(&followed->table, err) && write_sizes(followed, err))
		return true;
	followed_deinit(followed);
	return false;
}

void followed_deinit(struct followed *followed)
{
	live_table_deinit(&followed->table);
	free(followed->stale);
	*followed = (struct followed){ 0 };
}

/* As the gates see it: whether some block is behind a byte of the filter. */
static uint8_t filter_byte(const struct followed *followed, size_t index)
{
	return followed->table.filter_uses[index] > 0;
}

static bool write_filter_byte(struct followed *followed, uint32_t offset, struct error *err)
{
	uint8_t byte = filter_byte(followed, offset - FILTER_OFFSET);
	return target_memory_write(followed->tm, followed->base + offset, &byte, 1, err);
}

/* Write the filter from one index on to its end. */
static bool write_filter(struct followed *followed, size_t from, struct error *err)
{
	uint8_t piece[PIECE_BYTES];
	for (; from < followed->table.filter_count; from += sizeof(piece)) {
		for (size_t i = 0; i < sizeof(piece); i++)
			piece[i] = filter_byte(followed, from + i);
		if (!target_memory_write(followed->tm, followed->base + FILTER_OFFSET + from, piece,
					 sizeof(piece), err))
			return false;
	}
	return true;
}

static bool write_slots(struct followed *followed, size_t from, struct error *err)
{
	const struct live_table *table = &followed->table;
	return from == table->slot_count ||
	       target_memory_write(followed->tm, followed->base + TABLE_OFFSET + 8 * from,
				   table->slots + from, 8 * (table->slot_count - from), err);
}

bool followed_add(struct followed *followed, raddr block, bool *is_full_ret, struct error *err)
{
	struct live_change change;
	*is_full_ret = !live_table_insert(&followed->table, block, &change);
	if (*is_full_ret)
		return true;
	return target_memory_write(followed->tm, followed->base + change.slot_offset, &change.slot,
				   sizeof(change.slot), err) &&
	       (!change.filter_changes || write_filter_byte(followed, change.filter_offset, err));
}

bool followed_remove(struct followed *followed, raddr block)
{
	struct live_change change;
	if (!live_table_remove(&followed->table, block, &change))
		return false;
	/* A filter byte left set costs a look-up, nothing else: room for the usual burst is enough.
	 */
	if (change.filter_changes && followed->stale_len < STALE_MAX)
		followed->stale[followed->stale_len++] = change.filter_offset;
	return true;
}

static bool grow(struct followed *followed, struct error *err)
{
	size_t old_slots = followed->table.slot_count;
	size_t old_filter = followed->table.filter_count;
	live_table_grow(&followed->table);
	return write_slots(followed, old_slots, err) && write_filter(followed, old_filter, err) &&
	       write_sizes(followed, err);
}

bool followed_tidy(struct followed *followed, struct error *err)
{
	while (followed->stale_len > 0)
		if (!write_filter_byte(followed, followed->stale[--followed->stale_len], err))
			return false;
	return !live_table_is_crowded(&followed->table) || grow(followed, err);
}

bool followed_is_full(const struct followed *followed)
{
	return followed->table.block_count >= LIVE_BLOCKS_MAX;
}

bool followed_thin(struct followed *followed, struct interval *random, followed_drop *drop,
		   void *context, struct error *err)
{
	struct live_table *table = &followed->table;
	for (size_t i = 0; i < table->slot_count; i++) {
		raddr block = table->slots[i];
		if (!block || (interval_random(random) & 1))
			continue;
		live_table_empty_slot(table, i);
		drop(context, block);
	}
	followed->stale_len = 0;
	return write_slots(followed, 0, err) && write_filter(followed, 0, err);
}
