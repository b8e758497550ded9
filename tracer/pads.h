/* SPDX-License-Identifier: MIT */
#ifndef TRACER_PADS_H
#define TRACER_PADS_H

/**
 * @file
 * The machine code that is copied into the target, as assembled: the pads and the stubs. What it
 * does is said in pads_x86_64.S and stub_x86_64.S, where things lie in region_layout.h.
 */

#include "base/gate_spec.h"
#include "tracer/region_layout.h"

/** One pad. Its place in the list is the number of its gate. */
struct pad {
	uint32_t offset; /* of its first instruction, from the region's first byte */
	uint8_t place;	 /* enum gate_place */
	uint8_t operation;
	uint8_t guard;
	uint8_t reserved;
};

extern const uint8_t pads_begin[], pads_end[];
extern const struct pad pads_list[], pads_list_end[];
/* Where a thread goes on after a trap; the handler of SIGTRAP. */
extern const uint8_t pads_trap_return[], pads_trap_handler[], pads_trap_restorer[];

/* Of each stub its first byte, where a thread is sent, and the words that are filled in per use. */
extern const uint8_t stub_region_begin[], stub_region_enter[], stub_region_words[];
extern const uint8_t stub_action_begin[], stub_action_enter[], stub_action_words[];

static inline size_t pads_count(void)
{
	return (size_t)(pads_list_end - pads_list);
}

static inline size_t pads_bytes(void)
{
	return (size_t)(pads_end - pads_begin);
}

_Static_assert(GATE_SLOT == 0 && GATE_ENTRY == 1, "pads_x86_64.S says SLOT, ENTRY");
_Static_assert(GATE_MALLOC == 0 && GATE_CALLOC == 1 && GATE_REALLOC == 2 && GATE_FREE == 3 &&
		       GATE_MEMALIGN == 4 && GATE_POSIX_MEMALIGN == 5 && GATE_REALLOCARRAY == 6 &&
		       GATE_NEW == 7 && GATE_NEW_ALIGNED == 8 && GATE_REALLOC_NOT_NULL == 9 &&
		       GATE_MEMALIGN_OVER_16 == 10 && GATE_POSIX_MEMALIGN_OVER_16 == 11 &&
		       GATE_MALLOC_HANDED_ON == 12 && GATE_CALLOC_HANDED_ON == 13 &&
		       GATE_REALLOC_HANDED_ON == 14 && GATE_OPERATION_COUNT == 15,
	       "pads_x86_64.S numbers the operations");
_Static_assert(GATE_UNGUARDED == 0 && GATE_SERIALISED == 1, "pads_x86_64.S numbers the guards");

#endif
