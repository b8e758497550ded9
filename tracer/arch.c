/* SPDX-License-Identifier: MIT */
#include "tracer/arch.h"

static const struct arch *const archs[] = { &arch_x86_64 };

const struct arch *arch_find(uint16_t elf_machine)
{
	for (size_t i = 0; i < ARRAY_LEN(archs); i++) {
		if (archs[i]->elf_machine == elf_machine)
			return archs[i];
	}
	return NULL;
}

bool hook_find_in_copy(const struct hook_plan *plan, raddr address, raddr *ret)
{
	for (size_t i = 0; i < plan->instruction_count; i++) {
		const struct hook_instruction *instruction = &plan->instructions[i];
		if (address != plan->function + instruction->offset)
			continue;
		*ret = plan->copy_address + instruction->copy_offset;
		return true;
	}
	return false;
}
