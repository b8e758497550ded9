/* SPDX-License-Identifier: MIT */
#include "tracer/live_table.h"

#include <stdlib.h>

_Static_assert(FILTER_BYTES == UINT32_C(1) << (32 - FILTER_SHIFT), "the hash indexes the filter");
_Static_assert(TABLE_BYTES == (FILTER_BYTES >> BUCKET_SHIFT) * BUCKET_SLOTS * 8, "and the buckets");

bool live_table_init(struct live_table *table, struct error *err)
{
	table->slots = calloc(LIVE_SLOT_COUNT, sizeof(*table->slots));
	table->filter_uses = calloc(FILTER_BYTES, 1);
	table->block_count = 0;
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

/* The hash of pads_x86_64.S, IF_SAMPLED. */
static uint32_t hash_of(raddr block)
{
	return (uint32_t)(block >> 4) * FILTER_FACTOR >> FILTER_SHIFT;
}

static raddr *find_in_bucket(struct live_table *table, uint32_t hash, raddr content)
{
	raddr *bucket = table->slots + (size_t)(hash >> BUCKET_SHIFT) * BUCKET_SLOTS;
	for (size_t i = 0; i < BUCKET_SLOTS; i++)
		if (bucket[i] == content)
			return bucket + i;
	return NULL;
}

static struct live_change describe(const struct live_table *table, const raddr *slot, uint32_t hash)
{
	return (struct live_change){
		.slot_offset = TABLE_OFFSET + (uint32_t)((slot - table->slots) * 8),
		.slot = *slot,
		.filter_offset = FILTER_OFFSET + hash,
		.filter = table->filter_uses[hash],
	};
}

bool live_table_insert(struct live_table *table, raddr block, struct live_change *ret)
{
	uint32_t hash = hash_of(block);
	raddr *slot = find_in_bucket(table, hash, block);
	if (!slot) {
		slot = find_in_bucket(table, hash, 0);
		if (!slot)
			return false;
		*slot = block;
		table->filter_uses[hash]++;
		table->block_count++;
	}
	*ret = describe(table, slot, hash);
	return true;
}

bool live_table_remove(struct live_table *table, raddr block, struct live_change *ret)
{
	uint32_t hash = hash_of(block);
	raddr *slot = block ? find_in_bucket(table, hash, block) : NULL;
	if (!slot)
		return false;

	*slot = 0;
	table->filter_uses[hash]--;
	table->block_count--;
	*ret = describe(table, slot, hash);
	return true;
}
