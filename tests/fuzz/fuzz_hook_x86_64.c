/* SPDX-License-Identifier: MIT */
/* Any bytes as a function that is to be hooked: {u8 bits of its address, the lowest of which choose
 * how many arguments matter; i32 way to the copy; code}. */
#include "tracer/code_x86_64.h"

#include <string.h>

#include "tests/fuzz/fuzz.h"

enum { UNTOUCHED = 0x5a };

static struct instruction decode(raddr address, const uint8_t *code, size_t len)
{
	struct instruction in;
	FUZZ_CHECK(ZYAN_SUCCESS(instruction_decode(address, code, len, &in)));
	return in;
}

/* The address that a memory operand names by its distance from the instruction. */
static bool find_relative(const struct instruction *in, raddr *ret)
{
	for (size_t i = 0; i < in->head.operand_count; i++) {
		const ZydisDecodedOperand *operand = &in->operands[i];
		if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    (operand->mem.base == ZYDIS_REGISTER_RIP ||
		     operand->mem.base == ZYDIS_REGISTER_EIP))
			return ZYAN_SUCCESS(
				ZydisCalcAbsoluteAddress(&in->head, operand, in->address, ret));
	}
	return false;
}

static void check_plan(const struct hook_plan *plan, const uint8_t *code, size_t len)
{
	size_t total = (size_t)plan->offset + plan->covered_len;
	FUZZ_CHECK(plan->offset > 0 && plan->covered_len >= arch_x86_64.jump_len);
	FUZZ_CHECK(total <= HOOK_ORIGINAL_MAX && total <= len);
	FUZZ_CHECK(!memcmp(plan->original, code, total));
	FUZZ_CHECK(plan->stack_undo_bytes <= INT32_MAX);
	FUZZ_CHECK(plan->instruction_count >= 2 &&
		   plan->instruction_count <= HOOK_INSTRUCTIONS_MAX);

	size_t at = 0;
	for (size_t i = 0; i < plan->instruction_count; i++) {
		const struct hook_instruction *part = &plan->instructions[i];
		struct instruction in = decode(plan->function + at, code + at, len - at);
		bool is_end = i + 1 == plan->instruction_count;
		FUZZ_CHECK(part->offset == at && part->len == in.head.length);
		FUZZ_CHECK(instruction_is_last(&in) == (is_end && plan->ends_in_jump));
		FUZZ_CHECK(i != 1 || at == plan->offset);
		at += part->len;
	}
	FUZZ_CHECK(at == total);
}

/* The copy does what the original does: the same instruction, at the same addresses. Returns the
 * bytes it takes. */
static size_t check_moved(const struct hook_plan *plan, const struct hook_instruction *part)
{
	struct instruction old =
		decode(plan->function + part->offset, plan->original + part->offset, part->len);
	struct instruction new =
		decode(plan->copy_address + part->copy_offset, plan->copy + part->copy_offset,
		       plan->copy_len - part->copy_offset);
	raddr old_target, new_target;

	FUZZ_CHECK(old.head.mnemonic == new.head.mnemonic);
	FUZZ_CHECK(instruction_target(&old, &old_target) == instruction_target(&new, &new_target));
	if (instruction_target(&old, &old_target))
		FUZZ_CHECK(old_target == new_target);
	else
		FUZZ_CHECK(old.head.length == new.head.length);
	FUZZ_CHECK(find_relative(&old, &old_target) == find_relative(&new, &new_target));
	if (find_relative(&old, &old_target))
		FUZZ_CHECK(old_target == new_target);
	return new.head.length;
}

static void check_copy(const struct hook_plan *plan)
{
	FUZZ_CHECK(plan->copy_len <= HOOK_COPY_MAX);
	size_t at = 0;
	for (size_t i = 0; i < plan->instruction_count; i++) {
		const struct hook_instruction *part = &plan->instructions[i];
		FUZZ_CHECK(part->copy_offset == at);
		at += check_moved(plan, part);
	}

	raddr rest = plan->function + plan->offset + plan->covered_len;
	raddr target;
	if (!plan->ends_in_jump) {
		struct instruction jump =
			decode(plan->copy_address + at, plan->copy + at, plan->copy_len - at);
		FUZZ_CHECK(jump.head.mnemonic == ZYDIS_MNEMONIC_JMP);
		FUZZ_CHECK(instruction_target(&jump, &target) && target == rest);
		at += jump.head.length;
	}
	FUZZ_CHECK(at == plan->copy_len);
}

/* A thread that stands on an instruction finds its copy; between two, none. */
static void check_find(const struct hook_plan *plan)
{
	size_t found = 0;
	for (raddr address = plan->function - 1;
	     address != plan->function + plan->offset + plan->covered_len; address++) {
		raddr copy;
		if (!hook_find_in_copy(plan, address, &copy))
			continue;
		const struct hook_instruction *part = &plan->instructions[found++];
		FUZZ_CHECK(address == plan->function + part->offset);
		FUZZ_CHECK(copy == plan->copy_address + part->copy_offset);
	}
	FUZZ_CHECK(found == plan->instruction_count);
}

/* What else is asked of a function's code: it ends, and names only what its bytes say. */
static void check_branches(raddr function, const uint8_t *code, size_t len)
{
	raddr target;
	size_t at = 0;
	size_t before = 0;
	while (arch_x86_64.next_branch(function, code, len, &at, &target)) {
		FUZZ_CHECK(at > before && at <= len);
		before = at;
	}
	if (arch_x86_64.find_only_jump(function, code, len, &target)) {
		struct instruction in = decode(function, code, len);
		size_t skipped = in.head.mnemonic == ZYDIS_MNEMONIC_ENDBR64 ? in.head.length : 0;
		raddr jumped;
		in = decode(function + skipped, code + skipped, len - skipped);
		FUZZ_CHECK(in.head.mnemonic == ZYDIS_MNEMONIC_JMP);
		FUZZ_CHECK(instruction_target(&in, &jumped) && jumped == target);
	}
	(void)arch_x86_64.find_linkage_slot(function, code, len, &target);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	raddr function = UINT64_C(0x7f0000001000) + fuzz_take(&input, 1);
	raddr copy = function + (raddr)(int64_t)(int32_t)fuzz_take(&input, 4);
	struct hook_plan plan, before;
	struct error err;
	memset(&plan, UNTOUCHED, sizeof(plan));
	memcpy(&before, &plan, sizeof(plan));

	check_branches(function, input.bytes, input.len);
	unsigned argument_count = (unsigned)function % (ARGUMENTS_MAX + 1);
	if (!arch_x86_64.plan_hook(function, input.bytes, input.len, argument_count, &plan, &err)) {
		FUZZ_CHECK(err.kind == ERROR_UNSUPPORTED && !memcmp(&plan, &before, sizeof(plan)));
		return 0;
	}
	check_plan(&plan, input.bytes, input.len);

	memcpy(&before, &plan, sizeof(plan));
	if (!arch_x86_64.relocate_hook(&plan, copy, &err)) {
		FUZZ_CHECK(err.kind == ERROR_UNSUPPORTED && !memcmp(&plan, &before, sizeof(plan)));
		return 0;
	}
	check_copy(&plan);
	check_find(&plan);
	return 0;
}
