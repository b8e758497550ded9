/* SPDX-License-Identifier: MIT */
#include "tracer/live_table.h"

#include <stdlib.h>
#include <string.h>

enum {
	/* Of four slots two are filled at most, of 16 bytes of the filter one: few frees of blocks
	 * that were not sampled look any further than at the filter. */
	SLOTS_PER_BLOCK = 2,
	FILTER_BYTES_PER_BLOCK = 16,
};

_Static_assert(FILTER_BYTES == FILTER_BYTES_PER_BLOCK * LIVE_BLOCKS_MAX, "both end together");
_Static_assert(LIVE_SLOTS_MAX / BUCKET_SLOTS <= 1 << 16, "16 bits number a bucket");
_Static_assert(1 << BUCKET_BYTES_SHIFT == BUCKET_SLOTS * 8, "bytes of a bucket");

bool live_table_init(struct live_table *table, struct error *err)
{
	*table = (struct live_table){
		.slots = calloc(LIVE_SLOTS_MAX, sizeof(*table->slots)),
		.filter_uses = calloc(FILTER_BYTES, sizeof(*table->filter_uses)),
		.slot_count = LIVE_SLOTS_MIN,
		.filter_count = LIVE_FILTER_MIN,
	};
	if (table->slots && table->filter_uses)
		return true;
	live_table_deinit(table);
	return error_set(err, ERROR_NO_MEMORY, "table of sampled blocks");
}

void live_table_deinit(struct live_table *table)
{
	free(table->slots);
	free(table->filter_uses);
	*table = (struct live_table){ 0 };
}

/* As IF_SAMPLED in pads_x86_64.S. */
static size_t filter_index(const struct live_table *table, raddr block)
{
	return (block >> 4) & (table->filter_count - 1);
}

/* As forget in pads_routines_x86_64.inc. */
static raddr *bucket_at(const struct live_table *table, raddr block, unsigned shift)
{
	uint64_t product = (block >> 4) * BUCKET_FACTOR;
	uint64_t hash = (product ^ product >> BUCKET_FOLD) * BUCKET_FACTOR;
	size_t bucket = (hash >> shift) & (table->slot_count / BUCKET_SLOTS - 1);
	return table->slots + bucket * BUCKET_SLOTS;
}

static raddr *find_slot(const struct live_table *table, raddr block)
{
	raddr *buckets[] = { bucket_at(table, block, BUCKET_FIRST_SHIFT),
			     bucket_at(table, block, BUCKET_SECOND_SHIFT) };
	for (size_t i = 0; i < 2 * BUCKET_SLOTS; i++) {
		raddr *slot = buckets[i / BUCKET_SLOTS] + i % BUCKET_SLOTS;
		if (*slot == block)
			return slot;
	}
	return NULL;
}

/* The first empty slot of a bucket, and how many there are. */
static raddr *find_empty(raddr *bucket, unsigned *count_ret)
{
	raddr *empty = NULL;
	*count_ret = 0;
	for (size_t i = BUCKET_SLOTS; i-- > 0;) {
		if (bucket[i] == 0) {
			empty = bucket + i;
			++*count_ret;
		}
	}
	return empty;
}

static raddr *choose_slot(const struct live_table *table, raddr block)
{
	unsigned first_count;
	unsigned second_count;
	raddr *first = find_empty(bucket_at(table, block, BUCKET_FIRST_SHIFT), &first_count);
	raddr *second = find_empty(bucket_at(table, block, BUCKET_SECOND_SHIFT), &second_count);
	return second_count > first_count ? second : first;
}

static struct live_change describe(const struct live_table *table, const raddr *slot, raddr block,
				   bool filter_changes)
{
	return (struct live_change){
		.slot_offset = TABLE_OFFSET + (uint32_t)((slot - table->slots) * 8),
		.slot = *slot,
		.filter_offset = FILTER_OFFSET + (uint32_t)filter_index(table, block),
		.filter_changes = filter_changes,
	};
}

/* Whether the filter's byte changes. */
static bool filter_add(struct live_table *table, raddr block)
{
	uint16_t *uses = &table->filter_uses[filter_index(table, block)];
	if (*uses < UINT16_MAX)
		++*uses;
	return *uses == 1;
}

static bool filter_remove(struct live_table *table, raddr block)
{
	uint16_t *uses = &table->filter_uses[filter_index(table, block)];
	if (*uses < UINT16_MAX)
		--*uses;
	return *uses == 0;
}

bool live_table_insert(struct live_table *table, raddr block, struct live_change *ret)
{
	raddr *slot = find_slot(table, block);
	bool filter_changes = false;
	if (!slot) {
		slot = choose_slot(table, block);
		if (!slot)
			return false;
		*slot = block;
		filter_changes = filter_add(table, block);
		table->block_count++;
	}
	*ret = describe(table, slot, block, filter_changes);
	return true;
}

static bool remove_at(struct live_table *table, raddr *slot)
{
	raddr block = *slot;
	*slot = 0;
	table->block_count--;
	return filter_remove(table, block);
}

bool live_table_remove(struct live_table *table, raddr block, struct live_change *ret)
{
	raddr *slot = block ? find_slot(table, block) : NULL;
	if (!slot)
		return false;
	bool filter_changes = remove_at(table, slot);
	*ret = describe(table, slot, block, filter_changes);
	return true;
}

void live_table_empty_slot(struct live_table *table, size_t slot)
{
	if (table->slots[slot])
		(void)remove_at(table, &table->slots[slot]);
}

static bool is_table_crowded(const struct live_table *table)
{
	return table->slot_count < LIVE_SLOTS_MAX &&
	       table->block_count * SLOTS_PER_BLOCK >= table->slot_count;
}

static bool is_filter_crowded(const struct live_table *table)
{
	return table->filter_count < FILTER_BYTES &&
	       table->block_count * FILTER_BYTES_PER_BLOCK >= table->filter_count;
}

bool live_table_is_crowded(const struct live_table *table)
{
	return is_table_crowded(table) || is_filter_crowded(table);
}

/* A block keeps its place in its bucket, and moves with it to the upper half or does not. */
static void grow_table(struct live_table *table)
{
	size_t old_count = table->slot_count;
	struct live_table old = *table;
	table->slot_count = 2 * old_count;
	for (size_t i = 0; i < old_count; i++) {
		raddr block = table->slots[i];
		if (!block)
			continue;
		size_t begin = i / BUCKET_SLOTS * BUCKET_SLOTS;
		bool is_first = bucket_at(&old, block, BUCKET_FIRST_SHIFT) == old.slots + begin;
		raddr *bucket = bucket_at(table, block,
					  is_first ? BUCKET_FIRST_SHIFT : BUCKET_SECOND_SHIFT);
		table->slots[i] = 0;
		bucket[i - begin] = block;
	}
}

static void grow_filter(struct live_table *table)
{
	table->filter_count *= 2;
	memset(table->filter_uses, 0, table->filter_count * sizeof(*table->filter_uses));
	for (size_t i = 0; i < table->slot_count; i++)
		if (table->slots[i])
			(void)filter_add(table, table->slots[i]);
}

void live_table_grow(struct live_table *table)
{
	if (is_table_crowded(table))
		grow_table(table);
	if (is_filter_crowded(table))
		grow_filter(table);
}
