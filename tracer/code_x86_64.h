/* SPDX-License-Identifier: MIT */
#ifndef TRACER_CODE_X86_64_H
#define TRACER_CODE_X86_64_H

/**
 * @file
 * x86-64 instructions. Zydis is known to the files named _x86_64 alone, which include this; all
 * others reach them through arch.h.
 */

#include <Zydis/Zydis.h>

#include "tracer/arch.h"

enum { JUMP_LEN = 5 };

struct instruction {
	raddr address;
	ZydisDecodedInstruction head;
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

/** Decode the instruction that `code` starts with; ZYDIS_STATUS_NO_MORE_DATA if it is cut off. */
ZyanStatus instruction_decode(raddr address, const uint8_t *code, size_t len,
			      struct instruction *ret);

/** Find where a branch or call leads whose target is in the instruction itself. */
MUST_CHECK bool instruction_target(const struct instruction *in, raddr *ret);

bool instruction_is_call(const struct instruction *in);

/** Tell whether the instruction behind this one is never the next to run. */
bool instruction_is_last(const struct instruction *in);

/** The 64-bit register of which this is a part. */
ZydisRegister whole_register(ZydisRegister part);

/* The entries of `arch_x86_64`; see arch.h. */
void x86_64_init_loads(struct code_loads *loads, struct memory *memory, const struct maps *maps);
bool x86_64_encode_jump(raddr from, raddr to, uint8_t ret[JUMP_LEN_MAX], struct error *err);
bool x86_64_plan_hook(raddr function, const uint8_t *code, size_t len, unsigned argument_count,
		      struct hook_plan *ret, struct error *err);
bool x86_64_find_only_jump(raddr function, const uint8_t *code, size_t len, raddr *ret);
bool x86_64_next_branch(raddr function, const uint8_t *code, size_t len, size_t *at, raddr *ret);
bool x86_64_find_linkage_slot(raddr entry, const uint8_t *code, size_t len, raddr *ret);
bool x86_64_relocate_hook(struct hook_plan *plan, raddr copy_address, struct error *err);

#endif
