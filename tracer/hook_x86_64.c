/* SPDX-License-Identifier: MIT */
#include "tracer/code_x86_64.h"

#include <string.h>

static bool displacement(raddr from, raddr to, int32_t *ret, struct error *err)
{
	int64_t distance = (int64_t)(to - from);
	*ret = (int32_t)distance;
	return *ret == distance ||
	       error_set(err, ERROR_UNSUPPORTED, "%" PRIraddr " cannot be reached from %" PRIraddr,
			 to, from);
}

bool x86_64_encode_jump(raddr from, raddr to, uint8_t ret[JUMP_LEN_MAX], struct error *err)
{
	int32_t relative;
	if (!displacement(from + JUMP_LEN, to, &relative, err))
		return false;
	ret[0] = 0xe9;
	memcpy(ret + 1, &relative, sizeof(relative));
	return true;
}

/* Registers that a function may change, its arguments first: psABI 3.2.1, 3.2.3. */
static const ZydisRegister changeable[] = {
	ZYDIS_REGISTER_RDI, ZYDIS_REGISTER_RSI, ZYDIS_REGISTER_RDX,
	ZYDIS_REGISTER_RCX, ZYDIS_REGISTER_R8,	ZYDIS_REGISTER_R9,
	ZYDIS_REGISTER_RAX, ZYDIS_REGISTER_R10, ZYDIS_REGISTER_R11,
};

static bool may_change(ZydisRegister target, unsigned argument_count)
{
	for (size_t i = argument_count; i < ARRAY_LEN(changeable); i++)
		if (target == changeable[i])
			return true;
	return false;
}

/* Tell whether running the instruction twice, at a function's entry, is the same as once: it
 * computes a value that whoever is in between does not rely on from things that it does not
 * change. */
static bool is_repeatable(const struct instruction *in, unsigned argument_count)
{
	const ZydisDecodedOperand *source = &in->operands[1];
	if (in->operands[0].type != ZYDIS_OPERAND_TYPE_REGISTER)
		return false;
	ZydisRegister target = whole_register(in->operands[0].reg.value);
	if (!may_change(target, argument_count))
		return false;

	switch (in->head.mnemonic) {
	case ZYDIS_MNEMONIC_MOV:
	case ZYDIS_MNEMONIC_MOVSXD:
	case ZYDIS_MNEMONIC_LEA:
		break;
	case ZYDIS_MNEMONIC_XOR: /* of a register with itself: zero */
		return source->type == ZYDIS_OPERAND_TYPE_REGISTER && source->size >= 32 &&
		       source->reg.value == in->operands[0].reg.value;
	default:
		return false;
	}
	if (source->type == ZYDIS_OPERAND_TYPE_REGISTER)
		return whole_register(source->reg.value) != target;
	return source->type != ZYDIS_OPERAND_TYPE_MEMORY ||
	       (whole_register(source->mem.base) != target &&
		whole_register(source->mem.index) != target);
}

/* How many bytes the first instruction takes from the stack; false if it does anything else that
 * running it again in the copy would not make good. */
static bool find_stack_undo(const struct instruction *in, unsigned argument_count, uint32_t *ret)
{
	const ZydisDecodedOperand *operands = in->operands;
	switch (in->head.mnemonic) {
	case ZYDIS_MNEMONIC_ENDBR64:
	case ZYDIS_MNEMONIC_NOP:
	case ZYDIS_MNEMONIC_TEST:
	case ZYDIS_MNEMONIC_CMP:
		*ret = 0;
		return true;
	case ZYDIS_MNEMONIC_PUSH:
		*ret = 8;
		return operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER && operands[0].size == 64;
	case ZYDIS_MNEMONIC_SUB:
		if (operands[0].type != ZYDIS_OPERAND_TYPE_REGISTER ||
		    operands[0].reg.value != ZYDIS_REGISTER_RSP ||
		    operands[1].type != ZYDIS_OPERAND_TYPE_IMMEDIATE ||
		    operands[1].imm.value.s <= 0)
			return false;
		*ret = (uint32_t)operands[1].imm.value.u;
		return true;
	default:
		*ret = 0;
		return is_repeatable(in, argument_count);
	}
}

static bool add_instruction(struct hook_plan *plan, const struct instruction *in)
{
	if (plan->instruction_count == HOOK_INSTRUCTIONS_MAX)
		return false;
	plan->instructions[plan->instruction_count++] = (struct hook_instruction){
		.offset = (uint8_t)(in->address - plan->function),
		.len = in->head.length,
	};
	return true;
}

/* Choose the instructions that the jump covers. */
static bool cover(struct hook_plan *plan, const uint8_t *code, size_t len, struct error *err)
{
	while (plan->covered_len < JUMP_LEN) {
		size_t at = (size_t)plan->offset + plan->covered_len;
		struct instruction in;
		if (plan->ends_in_jump || at >= len ||
		    !ZYAN_SUCCESS(
			    instruction_decode(plan->function + at, code + at, len - at, &in)) ||
		    !add_instruction(plan, &in))
			return error_set(err, ERROR_UNSUPPORTED,
					 "function at %" PRIraddr " has no room for a jump",
					 plan->function);
		plan->covered_len = (uint8_t)(plan->covered_len + in.head.length);
		plan->ends_in_jump = instruction_is_last(&in);
	}
	return true;
}

/* Branches to the entry are refused too: they are no calls, so nothing may be undone there. */
static bool check_branches(const struct hook_plan *plan, const uint8_t *code, size_t len,
			   struct error *err)
{
	raddr end = plan->function + plan->offset + plan->covered_len;

	for (size_t at = 0; at < len;) {
		struct instruction in;
		ZyanStatus status =
			instruction_decode(plan->function + at, code + at, len - at, &in);
		if (status == ZYDIS_STATUS_NO_MORE_DATA)
			break;
		if (!ZYAN_SUCCESS(status))
			return error_set(err, ERROR_UNSUPPORTED, "no instruction at %" PRIraddr,
					 plan->function + at);
		raddr target;
		bool is_recursion = instruction_is_call(&in);
		if (instruction_target(&in, &target) && target < end &&
		    target >= plan->function + (is_recursion ? 1 : 0))
			return error_set(err, ERROR_UNSUPPORTED,
					 "function at %" PRIraddr " branches to its first bytes",
					 plan->function);
		at += in.head.length;
	}
	return true;
}

bool x86_64_plan_hook(raddr function, const uint8_t *code, size_t len, unsigned argument_count,
		      struct hook_plan *ret, struct error *err)
{
	struct hook_plan plan = { .function = function };
	struct instruction first;

	if (!ZYAN_SUCCESS(instruction_decode(function, code, len, &first)) ||
	    !find_stack_undo(&first, argument_count, &plan.stack_undo_bytes) ||
	    !add_instruction(&plan, &first))
		return error_set(err, ERROR_UNSUPPORTED,
				 "first instruction at %" PRIraddr " cannot be undone", function);
	plan.offset = first.head.length;
	if (!cover(&plan, code, len, err) || !check_branches(&plan, code, len, err))
		return false;

	memcpy(plan.original, code, (size_t)plan.offset + plan.covered_len);
	*ret = plan;
	return true;
}

/* -- where code leads to -- */

/* The first instruction, but for the mark of a branch target. */
static bool decode_first(raddr function, const uint8_t *code, size_t len, struct instruction *ret)
{
	if (!ZYAN_SUCCESS(instruction_decode(function, code, len, ret)))
		return false;
	size_t mark_len = ret->head.length;
	return ret->head.mnemonic != ZYDIS_MNEMONIC_ENDBR64 ||
	       ZYAN_SUCCESS(instruction_decode(function + mark_len, code + mark_len, len - mark_len,
					       ret));
}

bool x86_64_find_only_jump(raddr function, const uint8_t *code, size_t len, raddr *ret)
{
	struct instruction in;
	return decode_first(function, code, len, &in) && in.head.mnemonic == ZYDIS_MNEMONIC_JMP &&
	       instruction_target(&in, ret);
}

bool x86_64_next_branch(raddr function, const uint8_t *code, size_t len, size_t *at, raddr *ret)
{
	struct instruction in;
	while (*at < len &&
	       ZYAN_SUCCESS(instruction_decode(function + *at, code + *at, len - *at, &in))) {
		*at += in.head.length;
		if (instruction_target(&in, ret))
			return true;
	}
	return false;
}

bool x86_64_find_linkage_slot(raddr entry, const uint8_t *code, size_t len, raddr *ret)
{
	struct instruction in;
	return decode_first(entry, code, len, &in) && in.head.mnemonic == ZYDIS_MNEMONIC_JMP &&
	       in.operands[0].type == ZYDIS_OPERAND_TYPE_MEMORY &&
	       in.operands[0].mem.base == ZYDIS_REGISTER_RIP &&
	       ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&in.head, &in.operands[0], in.address, ret));
}

/* -- the displaced copy -- */

static void put_bytes(struct hook_plan *plan, const void *bytes, size_t len)
{
	memcpy(plan->copy + plan->copy_len, bytes, len);
	plan->copy_len += len;
}

/* A branch of one or two opcode bytes with a 32-bit displacement. */
static bool put_branch(struct hook_plan *plan, const struct instruction *in, raddr target,
		       struct error *err)
{
	bool is_jcc = (in->head.opcode & 0xf0) ==
		      (in->head.opcode_map == ZYDIS_OPCODE_MAP_0F ? 0x80 : 0x70);
	uint8_t opcode[2] = { 0x0f, 0x80 | (in->head.opcode & 0x0f) };

	if (in->head.mnemonic == ZYDIS_MNEMONIC_CALL)
		put_bytes(plan, "\xe8", 1);
	else if (in->head.mnemonic == ZYDIS_MNEMONIC_JMP)
		put_bytes(plan, "\xe9", 1);
	else if (is_jcc)
		put_bytes(plan, opcode, sizeof(opcode));
	else
		return error_set(err, ERROR_UNSUPPORTED, "branch at %" PRIraddr " has no long form",
				 in->address);

	int32_t relative;
	raddr next = plan->copy_address + plan->copy_len + sizeof(relative);
	if (!displacement(next, target, &relative, err))
		return false;
	put_bytes(plan, &relative, sizeof(relative));
	return true;
}

static bool put_instruction(struct hook_plan *plan, const struct instruction *in,
			    const uint8_t *original, struct error *err)
{
	raddr target;
	if (instruction_target(in, &target))
		return put_branch(plan, in, target, err);

	size_t start = plan->copy_len;
	put_bytes(plan, original, in->head.length);
	if (!(in->head.attributes & ZYDIS_ATTRIB_IS_RELATIVE))
		return true;
	if (in->head.raw.disp.size != 32 || in->head.address_width != 64)
		return error_set(err, ERROR_UNSUPPORTED,
				 "instruction at %" PRIraddr " cannot be moved", in->address);

	int32_t relative;
	target = in->address + in->head.length + (uint64_t)in->head.raw.disp.value;
	if (!displacement(plan->copy_address + plan->copy_len, target, &relative, err))
		return false;
	memcpy(plan->copy + start + in->head.raw.disp.offset, &relative, sizeof(relative));
	return true;
}

bool x86_64_relocate_hook(struct hook_plan *plan, raddr copy_address, struct error *err)
{
	struct hook_plan moved = *plan;
	moved.copy_address = copy_address;
	moved.copy_len = 0;

	for (size_t i = 0; i < moved.instruction_count; i++) {
		struct hook_instruction *part = &moved.instructions[i];
		const uint8_t *original = moved.original + part->offset;
		struct instruction in;
		if (!ZYAN_SUCCESS(instruction_decode(moved.function + part->offset, original,
						     part->len, &in)))
			return error_set(err, ERROR_INTERNAL, "hook plan of %" PRIraddr,
					 moved.function);
		part->copy_offset = (uint8_t)moved.copy_len;
		if (!put_instruction(&moved, &in, original, err))
			return false;
	}

	if (!moved.ends_in_jump) {
		uint8_t jump[JUMP_LEN_MAX];
		raddr rest = moved.function + moved.offset + moved.covered_len;
		if (!x86_64_encode_jump(copy_address + moved.copy_len, rest, jump, err))
			return false;
		put_bytes(&moved, jump, JUMP_LEN);
	}
	*plan = moved;
	return true;
}
