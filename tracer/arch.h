/* SPDX-License-Identifier: MIT */
#ifndef TRACER_ARCH_H
#define TRACER_ARCH_H

/**
 * @file
 * What differs from one machine to the next: one const table for each.
 */

#include "base/loads.h"
#include "base/memory.h"
#include "tracer/maps.h"

/** Bounds of a hook: its first instruction, the instructions that its jump covers, their copy. */
enum {
	HOOK_INSTRUCTIONS_MAX = 6, /* the first one, and at most 5 that start in 5 bytes */
	HOOK_ORIGINAL_MAX = 15 + 4 + 15,
	HOOK_COPY_MAX = 128,
	JUMP_LEN_MAX = 16,
	ARGUMENTS_MAX = 3,
};

/** One instruction of the displaced code. */
struct hook_instruction {
	uint8_t offset;	     /* bytes from the function's entry */
	uint8_t len;	     /* bytes */
	uint8_t copy_offset; /* of its relocated form, from the start of the copy */
};

/** How to hook a function at its second instruction, so that probes of others on its first one and
 *  the hook do not tear each other. The hook is a jump at function + offset; it leads to a thunk
 *  that adds stack_undo_bytes to the stack pointer, which then stands as it stood at the entry, as
 *  do all callee-saved registers and the arguments that matter to whoever comes next. The copy does
 *  what the function did, its first instruction included. */
struct hook_plan {
	raddr function;
	uint8_t offset;		   /* of the jump from the entry: length of the first instruction */
	uint8_t covered_len;	   /* bytes from the jump on, whole instructions; >= jump_len */
	uint32_t stack_undo_bytes; /* what the first instruction takes from the stack */
	bool ends_in_jump;	   /* nothing behind the covered instructions is to be run next */
	uint8_t original[HOOK_ORIGINAL_MAX]; /* offset + covered_len bytes */
	struct hook_instruction instructions[HOOK_INSTRUCTIONS_MAX];
	size_t instruction_count;

	/* Filled in by relocate_hook(). */
	raddr copy_address;
	uint8_t copy[HOOK_COPY_MAX];
	size_t copy_len;
};

/** The loads seam, over a disassembler. */
struct code_loads {
	struct loads loads;
	struct memory *memory;
	const struct maps *maps;
};

struct arch {
	uint16_t elf_machine; /* e_machine of elf(5) */
	uint8_t jump_len;     /* bytes that a hook writes */

	/** Read code through `memory`, and tell code from data by `maps`. Both must outlive it. */
	void (*init_loads)(struct code_loads *loads, struct memory *memory,
			   const struct maps *maps);

	/** Encode a jump that stands at `from` and leads to `to`: jump_len bytes.
	 *  Errors: ERROR_UNSUPPORTED (out of reach). */
	bool (*encode_jump)(raddr from, raddr to, uint8_t ret[JUMP_LEN_MAX], struct error *err);

	/** Plan a hook for whom the first `argument_count` (at most ARGUMENTS_MAX) arguments must
	 * be as they were at the entry. `code` is the function from its entry on, all `len` bytes
	 * of it, so that branches into the hook are seen. Errors: ERROR_UNSUPPORTED (the first
	 *  instruction cannot be undone, the function branches into the hook, or is shorter than
	 *  that). */
	bool (*plan_hook)(raddr function, const uint8_t *code, size_t len, unsigned argument_count,
			  struct hook_plan *ret, struct error *err);

	/** Find where a function leads to that does nothing but jump; false if it is another. */
	bool (*find_only_jump)(raddr function, const uint8_t *code, size_t len, raddr *ret);

	/** Find the next direct branch or call in a function's code, from *at on, and where it
	 * leads to; false behind the last. */
	bool (*next_branch)(raddr function, const uint8_t *code, size_t len, size_t *at,
			    raddr *ret);

	/** Find the word that an entry of the procedure linkage table jumps through (psABI,
	 * "Procedure Linkage Table"); false if this is no such entry. */
	bool (*find_linkage_slot)(raddr entry, const uint8_t *code, size_t len, raddr *ret);

	/** Write the copy for `copy_address`. May be done anew for another one.
	 *  Errors: ERROR_UNSUPPORTED (something it refers to is out of reach). */
	bool (*relocate_hook)(struct hook_plan *plan, raddr copy_address, struct error *err);
};

extern const struct arch arch_x86_64;

/** The table of a machine, or NULL. */
const struct arch *arch_find(uint16_t elf_machine);

/** Where a thread that stands on the displaced instruction at `address` goes on in the copy; false
 *  if no instruction of the hook starts there. */
MUST_CHECK bool hook_find_in_copy(const struct hook_plan *plan, raddr address, raddr *ret);

#endif
