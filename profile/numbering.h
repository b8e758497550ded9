/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_NUMBERING_H
#define PROFILE_NUMBERING_H

/**
 * @file
 * Numbers 64-bit keys 0, 1, 2 ... in the order they come, so that what belongs to a key can stand
 * in plain arrays. A hash table of 4 bytes per slot over the keys (open addressing).
 */

#include <stddef.h>

#include "base/error.h"

/** All zero: empty. */
struct numbering {
	uint64_t *keys; /* by number */
	size_t len;
	size_t capacity;   /* that keys has room for */
	uint32_t *slots;   /* number + 1; 0: empty */
	size_t slot_count; /* a power of two, or 0 */
};

void numbering_deinit(struct numbering *numbering);

/** Give the number of a key. False if it has none. */
bool numbering_find(const struct numbering *numbering, uint64_t key, uint32_t *ret);

/** Give the number of a key; one that has none gets the number `len`. Errors: ERROR_NO_MEMORY. */
MUST_CHECK bool numbering_add(struct numbering *numbering, uint64_t key, uint32_t *ret,
			      struct error *err);

/** Forget the key with this number. The key with the last number gets it instead. */
void numbering_remove(struct numbering *numbering, uint32_t number);

/** Make room for `len` elements in a growing array. Errors: ERROR_NO_MEMORY. */
MUST_CHECK bool array_reserve(void **array, size_t *capacity, size_t len, size_t element_bytes,
			      struct error *err);

#endif
