/* SPDX-License-Identifier: MIT */
#include "profile/numbering.h"

bool array_reserve(void **array, size_t *capacity, size_t len, size_t element_bytes,
		   struct error *err)
{
	if (len <= *capacity)
		return true;

	size_t enlarged = *capacity + *capacity / 2;
	if (enlarged < len + 16)
		enlarged = len + 16;
	void *moved = reallocarray(*array, enlarged, element_bytes);
	if (!moved)
		return error_set(err, ERROR_NO_MEMORY, "no memory for %zu elements", enlarged);
	*array = moved;
	*capacity = enlarged;
	return true;
}

void numbering_deinit(struct numbering *numbering)
{
	free(numbering->keys);
	free(numbering->slots);
	*numbering = (struct numbering){ 0 };
}

/* Where the search for a key begins. The multiplication (2^64 over the golden ratio) spreads keys
 * that differ in a few bits only, as addresses do. */
static size_t slot_home(const struct numbering *numbering, uint64_t key)
{
	uint64_t mixed = (key ^ key >> 32) * UINT64_C(0x9e3779b97f4a7c15);
	return (size_t)(mixed >> 20) & (numbering->slot_count - 1);
}

/* The slot that holds the key, or the empty one where it would go. */
static size_t slot_find(const struct numbering *numbering, uint64_t key)
{
	size_t mask = numbering->slot_count - 1;
	size_t slot = slot_home(numbering, key);
	while (numbering->slots[slot] && numbering->keys[numbering->slots[slot] - 1] != key)
		slot = (slot + 1) & mask;
	return slot;
}

bool numbering_find(const struct numbering *numbering, uint64_t key, uint32_t *ret)
{
	if (numbering->slot_count == 0)
		return false;
	uint32_t found = numbering->slots[slot_find(numbering, key)];
	if (!found)
		return false;
	*ret = found - 1;
	return true;
}

/* Double the slots before more than two thirds are taken. */
static bool slots_reserve(struct numbering *numbering, struct error *err)
{
	if (3 * (numbering->len + 1) <= 2 * numbering->slot_count)
		return true;

	size_t count = numbering->slot_count ? 2 * numbering->slot_count : 64;
	uint32_t *slots = count <= UINT32_MAX ? calloc(count, sizeof(*slots)) : NULL;
	if (!slots)
		return error_set(err, ERROR_NO_MEMORY, "no memory for %zu keys", numbering->len);
	free(numbering->slots);
	numbering->slots = slots;
	numbering->slot_count = count;
	for (size_t i = 0; i < numbering->len; i++)
		slots[slot_find(numbering, numbering->keys[i])] = (uint32_t)i + 1;
	return true;
}

bool numbering_add(struct numbering *numbering, uint64_t key, uint32_t *ret, struct error *err)
{
	if (numbering_find(numbering, key, ret))
		return true;

	void *keys = numbering->keys;
	if (!array_reserve(&keys, &numbering->capacity, numbering->len + 1, sizeof(uint64_t), err))
		return false;
	numbering->keys = keys;
	if (!slots_reserve(numbering, err))
		return false;

	numbering->keys[numbering->len] = key;
	*ret = (uint32_t)numbering->len++;
	numbering->slots[slot_find(numbering, key)] = *ret + 1;
	return true;
}

/* Empty a slot and close the gap: whatever could not be found across it any more moves into it. */
static void slot_clear(struct numbering *numbering, size_t gap)
{
	size_t mask = numbering->slot_count - 1;
	for (size_t slot = (gap + 1) & mask; numbering->slots[slot]; slot = (slot + 1) & mask) {
		size_t home = slot_home(numbering, numbering->keys[numbering->slots[slot] - 1]);
		if (((slot - home) & mask) >= ((slot - gap) & mask)) {
			numbering->slots[gap] = numbering->slots[slot];
			gap = slot;
		}
	}
	numbering->slots[gap] = 0;
}

void numbering_remove(struct numbering *numbering, uint32_t number)
{
	slot_clear(numbering, slot_find(numbering, numbering->keys[number]));

	uint32_t last = (uint32_t)--numbering->len;
	if (last != number) {
		uint64_t key = numbering->keys[last];
		numbering->slots[slot_find(numbering, key)] = number + 1;
		numbering->keys[number] = key;
	}
}
