/* SPDX-License-Identifier: MIT */
#include "pyframes/pool.h"

enum {
	ALIGNMENT = 16,
	SIZE_CLASSES = 32,
	HEADER_BYTES = sizeof(struct pool_header), /* POOL_OVERHEAD */
	ARENAS_MAX = 1 << 20,
};

_Static_assert(sizeof(struct pool_header) == 48, "the layout of CPython's pool header");

/* Is `offset` in the pool that of a block, or of the end of the last block? */
static bool is_block_border(uint32_t offset, uint32_t size, uint32_t pool_bytes)
{
	return offset >= HEADER_BYTES && offset <= pool_bytes &&
	       (offset - HEADER_BYTES) % size == 0;
}

bool pool_has_block(const struct pool_header *header, uint32_t pool_bytes, raddr block)
{
	if (header->size_index >= SIZE_CLASSES || header->arena_index >= ARENAS_MAX)
		return false;
	uint32_t size = (header->size_index + 1) * ALIGNMENT;
	if (header->max_next_offset != pool_bytes - size ||
	    !is_block_border(header->next_offset, size, pool_bytes))
		return false;

	uint32_t begun = (header->next_offset - HEADER_BYTES) / size;
	if (header->count == 0 || header->count > begun)
		return false;

	raddr pool = block & ~(raddr)(pool_bytes - 1);
	bool is_free_list_inside =
		header->free_block == 0 || (header->free_block & ~(raddr)(pool_bytes - 1)) == pool;
	uint32_t offset = (uint32_t)(block - pool);
	return is_free_list_inside && is_block_border(offset, size, pool_bytes) &&
	       offset < header->next_offset;
}
