/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_LIVE_H
#define PROFILE_LIVE_H

/**
 * @file
 * The sampled blocks that are live, by address.
 */

#include "profile/estimate.h"
#include "profile/numbering.h"

struct live_block {
	struct observation seen;
	uint32_t stack; /* its number in struct stacks */
};

/** All zero: empty. */
struct live {
	struct numbering addresses;
	struct live_block *blocks; /* by number of the address */
	size_t capacity;
};

void live_deinit(struct live *live);

size_t live_len(const struct live *live);

/** Add a block at an address that holds none. Errors: ERROR_NO_MEMORY. */
MUST_CHECK bool live_add(struct live *live, raddr address, const struct live_block *block,
			 struct error *err);

/** Take the block at an address out. False if there is none. */
bool live_remove(struct live *live, raddr address, struct live_block *ret);

#endif
