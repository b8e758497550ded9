/* SPDX-License-Identifier: MIT */
#ifndef PYFRAMES_POOL_H
#define PYFRAMES_POOL_H

/**
 * @file
 * pymalloc's pools, recognised by their own headers. Source: CPython Objects/obmalloc.c up to 3.11,
 * Include/internal/pycore_obmalloc.h from 3.12, `struct pool_header`, which has not changed.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/raddr.h"

/** CPython's struct pool_header, as it lies in the target. */
struct pool_header {
	uint32_t count; /* allocated blocks */
	uint32_t padding;
	raddr free_block;
	raddr next_pool;
	raddr previous_pool;
	uint32_t arena_index;
	uint32_t size_index; /* blocks have (size_index + 1) * 16 bytes */
	uint32_t next_offset;
	uint32_t max_next_offset;
};

/** Tell whether `header`, read at the beginning of the pool_bytes-aligned region around `block`, is
 *  that of a pool in which `block` is an allocated block. Pure. */
bool pool_has_block(const struct pool_header *header, uint32_t pool_bytes, raddr block);

#endif
