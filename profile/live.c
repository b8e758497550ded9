/* SPDX-License-Identifier: MIT */
#include "profile/live.h"

void live_deinit(struct live *live)
{
	numbering_deinit(&live->addresses);
	free(live->blocks);
	*live = (struct live){ 0 };
}

size_t live_len(const struct live *live)
{
	return live->addresses.len;
}

bool live_add(struct live *live, raddr address, const struct live_block *block, struct error *err)
{
	void *blocks = live->blocks;
	if (!array_reserve(&blocks, &live->capacity, live_len(live) + 1, sizeof(*block), err))
		return false;
	live->blocks = blocks;

	uint32_t number;
	if (!numbering_add(&live->addresses, address, &number, err))
		return false;
	live->blocks[number] = *block;
	return true;
}

bool live_remove(struct live *live, raddr address, struct live_block *ret)
{
	uint32_t number;
	if (!numbering_find(&live->addresses, address, &number))
		return false;

	*ret = live->blocks[number];
	live->blocks[number] = live->blocks[live_len(live) - 1];
	numbering_remove(&live->addresses, number);
	return true;
}
