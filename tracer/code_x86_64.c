/* SPDX-License-Identifier: MIT */
#include "tracer/code_x86_64.h"

#include <elf.h>

ZyanStatus instruction_decode(raddr address, const uint8_t *code, size_t len,
			      struct instruction *ret)
{
	ZydisDecoder decoder;
	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	ret->address = address;
	return ZydisDecoderDecodeFull(&decoder, code, len, &ret->head, ret->operands);
}

bool instruction_target(const struct instruction *in, raddr *ret)
{
	const ZydisDecodedOperand *operand = &in->operands[0];
	return in->head.operand_count > 0 && operand->type == ZYDIS_OPERAND_TYPE_IMMEDIATE &&
	       operand->imm.is_relative &&
	       ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&in->head, operand, in->address, ret));
}

bool instruction_is_call(const struct instruction *in)
{
	return in->head.meta.category == ZYDIS_CATEGORY_CALL;
}

bool instruction_is_last(const struct instruction *in)
{
	switch (in->head.mnemonic) {
	case ZYDIS_MNEMONIC_UD2:
	case ZYDIS_MNEMONIC_HLT:
	case ZYDIS_MNEMONIC_INT3:
		return true;
	default:
		return in->head.meta.category == ZYDIS_CATEGORY_UNCOND_BR ||
		       in->head.meta.category == ZYDIS_CATEGORY_RET;
	}
}

ZydisRegister whole_register(ZydisRegister part)
{
	return ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, part);
}

const struct arch arch_x86_64 = {
	.elf_machine = EM_X86_64,
	.jump_len = JUMP_LEN,
	.init_loads = x86_64_init_loads,
	.encode_jump = x86_64_encode_jump,
	.plan_hook = x86_64_plan_hook,
	.find_only_jump = x86_64_find_only_jump,
	.next_branch = x86_64_next_branch,
	.find_linkage_slot = x86_64_find_linkage_slot,
	.relocate_hook = x86_64_relocate_hook,
};
