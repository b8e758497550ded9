/* SPDX-License-Identifier: MIT */
#include "tracer/gates.h"

#include <stdlib.h>
#include <string.h>

#include "tracer/pads.h"

_Static_assert(sizeof(struct patch) == ANCHOR_RECORD_BYTES, "journal record");
_Static_assert(ANCHOR_RECORDS + ANCHOR_RECORDS_MAX * ANCHOR_RECORD_BYTES <= ANCHOR_BYTES,
	       "journal");
_Static_assert(CELL_COPY_OFFSET + HOOK_COPY_MAX <= CELL_BYTES, "a cell holds a copy");
_Static_assert(CELLS_OFFSET + CELL_COUNT * CELL_BYTES <= STUB_PLACES_OFFSET, "cells");
_Static_assert(ANCHOR_GATES + ANCHOR_GATE_COUNT * ANCHOR_GATE_BYTES <= ANCHOR_RECORDS, "gates");
_Static_assert(STUB_PLACES_OFFSET % PAGE_BYTES == 0,
	       "stubs share no page with what is written whole");

enum {
	FUNCTION_BYTES_MAX = 4096,
	FUNCTION_BYTES_GUESS = 256, /* where the file does not say how long a function is */
};

/* What stands in the anchor for each gate. */
struct anchor_gate {
	uint64_t original;
	uint64_t limit;
};

/* ---- preparing ------------------------------------------------------------------------------- */

/* The first pad for this kind of function that no gate has yet. */
static bool choose_pad(const struct gates *gates, const struct gate_spec *spec, size_t *ret)
{
	for (size_t number = 0; number < pads_count(); number++) {
		const struct pad *pad = &pads_list[number];
		bool is_taken = false;
		for (size_t i = 0; i < gates->len; i++)
			is_taken |= gates->list[i].number == number;
		/* Freeing counts nothing down: its pads serve any guard. */
		if (!is_taken && pad->place == spec->place && pad->operation == spec->operation &&
		    (pad->guard == spec->guard || spec->operation == GATE_FREE)) {
			*ret = number;
			return true;
		}
	}
	return false;
}

static bool prepare_slot(struct gates *gates, struct gate *gate, struct target_memory *tm,
			 struct error *err)
{
	raddr now;
	if (!memory_read(&tm->memory, gate->spec.address, &now, sizeof(now), err))
		return error_context(err, "slot of %s", gate->spec.name);
	if (now != gate->spec.original)
		return error_set(err, ERROR_UNSAFE, "the slot of %s changes: try again",
				 gate->spec.name);

	raddr pad = gates->base + pads_list[gate->number].offset;
	gate->original = now;
	gate->patch.address = gate->spec.address;
	gate->patch.len = sizeof(now);
	memcpy(gate->patch.before, &now, sizeof(now));
	memcpy(gate->patch.after, &pad, sizeof(pad));
	return true;
}

static size_t function_bytes(const struct image *image, const char *name, raddr function)
{
	struct symbol symbol;
	size_t bytes = FUNCTION_BYTES_GUESS;
	if (image_find_symbol(image, name, &symbol) && symbol.address == function && symbol.size)
		bytes = symbol.size;
	return bytes < FUNCTION_BYTES_MAX ? bytes : FUNCTION_BYTES_MAX;
}

/* How many arguments the pad of an operation looks at. */
static const unsigned argument_counts[GATE_OPERATION_COUNT] = {
	[GATE_MALLOC] = 1,	     [GATE_CALLOC] = 2,
	[GATE_REALLOC] = 2,	     [GATE_FREE] = 1,
	[GATE_MEMALIGN] = 2,	     [GATE_POSIX_MEMALIGN] = 3,
	[GATE_REALLOCARRAY] = 3,     [GATE_NEW] = 1,
	[GATE_NEW_ALIGNED] = 2,	     [GATE_REALLOC_NOT_NULL] = 2,
	[GATE_MEMALIGN_OVER_16] = 2, [GATE_POSIX_MEMALIGN_OVER_16] = 3,
};

/* Plan from the FILE's bytes, for a probe of somebody else may stand on the first instruction. */
static bool plan_entry(const struct arch *arch, const struct images *images,
		       const struct gate_spec *spec, struct hook_plan *ret, struct error *err)
{
	uint8_t code[FUNCTION_BYTES_MAX];
	const struct image *image = images_find(images, spec->address);
	if (!image)
		return error_set(err, ERROR_UNSUPPORTED, "%s lies in no file", spec->name);

	size_t len = function_bytes(image, spec->name, spec->address);
	return (image_file_bytes(image, spec->address, code, len, err) &&
		arch->plan_hook(spec->address, code, len, argument_counts[spec->operation], ret,
				err)) ||
	       error_context(err, "%s", spec->name);
}

bool gates_can_hook(const struct arch *arch, const struct images *images,
		    const struct gate_spec *spec, struct error *err)
{
	struct hook_plan plan;
	return plan_entry(arch, images, spec, &plan, err);
}

/* What the hook covers must be the file's own bytes. */
static bool check_bytes(const struct hook_plan *plan, const char *name, struct target_memory *tm,
			struct error *err)
{
	uint8_t now[HOOK_ORIGINAL_MAX];
	if (!memory_read(&tm->memory, plan->function + plan->offset, now, plan->covered_len, err))
		return error_context(err, "code of %s", name);
	if (memcmp(now, plan->original + plan->offset, plan->covered_len) != 0)
		return error_set(err, ERROR_UNSAFE,
				 "the code of %s is not its file's: another tool (a debugger, a "
				 "probe) has changed it",
				 name);
	return true;
}

/* Every pad of a code entry has a cell of its own, whichever of them are in use. */
static size_t cell_index(size_t number)
{
	size_t index = 0;
	for (size_t i = 0; i < number; i++)
		index += pads_list[i].place == GATE_ENTRY;
	return index;
}

/* A cell: the thunk to which the hook jumps (undo the first instruction, go to the pad), and behind
 * it the copy to which the pad goes on. */
static bool fill_cell(struct gates *gates, struct gate *gate, raddr *thunk_ret, struct error *err)
{
	size_t offset = CELLS_OFFSET + cell_index(gate->number) * CELL_BYTES;
	uint8_t *thunk = gates->code + offset;
	raddr thunk_addr = gates->base + offset;
	raddr pad = gates->base + pads_list[gate->number].offset;

	if (!gates->arch->relocate_hook(&gate->plan, thunk_addr + CELL_COPY_OFFSET, err))
		return error_context(err, "%s", gate->spec.name);
	memcpy(thunk + CELL_COPY_OFFSET, gate->plan.copy, gate->plan.copy_len);
	gate->original = thunk_addr + CELL_COPY_OFFSET;

	/* lea undo(%rsp), %rsp changes no flag. */
	uint32_t undo = gate->plan.stack_undo_bytes;
	size_t len = 0;
	if (undo) {
		const uint8_t lea[] = { 0x48, 0x8d, 0xa4, 0x24 };
		memcpy(thunk, lea, sizeof(lea));
		memcpy(thunk + sizeof(lea), &undo, sizeof(undo));
		len = sizeof(lea) + sizeof(undo);
	}
	uint8_t jump[JUMP_LEN_MAX];
	if (!gates->arch->encode_jump(thunk_addr + len, pad, jump, err))
		return error_context(err, "%s", gate->spec.name);
	memcpy(thunk + len, jump, gates->arch->jump_len);
	*thunk_ret = thunk_addr;
	return true;
}

static bool prepare_entry(struct gates *gates, struct gate *gate, struct target_memory *tm,
			  const struct images *images, struct error *err)
{
	raddr thunk = 0;
	uint8_t jump[JUMP_LEN_MAX];
	if (!plan_entry(gates->arch, images, &gate->spec, &gate->plan, err) ||
	    !check_bytes(&gate->plan, gate->spec.name, tm, err) ||
	    !fill_cell(gates, gate, &thunk, err))
		return false;

	raddr hook = gate->plan.function + gate->plan.offset;
	if (!gates->arch->encode_jump(hook, thunk, jump, err))
		return error_context(err, "%s", gate->spec.name);
	gate->patch.address = hook;
	gate->patch.len = gates->arch->jump_len;
	memcpy(gate->patch.before, gate->plan.original + gate->plan.offset, gate->patch.len);
	memcpy(gate->patch.after, jump, gate->patch.len);
	if (hook / PAGE_BYTES != (hook + gate->patch.len - 1) / PAGE_BYTES)
		return error_set(err, ERROR_UNSUPPORTED, "the hook of %s would cross a page",
				 gate->spec.name);
	return true;
}

/* The pads of operators that throw call the original of another gate: it must be there. */
static bool has_companion(const struct gates *gates, enum gate_operation operation)
{
	if (operation != GATE_NEW && operation != GATE_NEW_ALIGNED)
		return true;
	for (size_t i = 0; i < gates->len; i++)
		if (gates->list[i].spec.place == GATE_ENTRY &&
		    gates->list[i].spec.operation ==
			    (operation == GATE_NEW ? GATE_MALLOC : GATE_MEMALIGN))
			return true;
	return false;
}

static bool prepare_gate(struct gates *gates, const struct gate_spec *spec,
			 struct target_memory *tm, const struct images *images, struct error *err)
{
	struct gate *gate = &gates->list[gates->len];
	*gate = (struct gate){ .spec = *spec };
	if (!has_companion(gates, spec->operation) || !choose_pad(gates, spec, &gate->number))
		return error_set(err, ERROR_UNSUPPORTED, "no pad for %s", spec->name);
	if (spec->place == GATE_SLOT ? !prepare_slot(gates, gate, tm, err)
				     : !prepare_entry(gates, gate, tm, images, err))
		return false;
	gates->len++;
	return true;
}

bool gates_prepare(struct gates *gates, const struct arch *arch, struct target_memory *tm,
		   const struct images *images, raddr base, const struct gate_spec *specs,
		   size_t spec_count, struct error *err)
{
	*gates = (struct gates){ .arch = arch, .base = base };
	if (spec_count > ANCHOR_RECORDS_MAX)
		return error_set(err, ERROR_INTERNAL, "%zu gates at a time", spec_count);
	gates->list = calloc(ANCHOR_RECORDS_MAX, sizeof(*gates->list));
	gates->code = calloc(1, CODE_BYTES);
	if (!gates->list || !gates->code) {
		gates_deinit(gates);
		return error_set(err, ERROR_NO_MEMORY, "gates");
	}

	memcpy(gates->code, pads_begin, pads_bytes());
	for (size_t i = 0; i < spec_count; i++) {
		if (!prepare_gate(gates, &specs[i], tm, images, err)) {
			gates_deinit(gates);
			return false;
		}
	}
	return true;
}

void gates_deinit(struct gates *gates)
{
	free(gates->list);
	free(gates->code);
	*gates = (struct gates){ 0 };
}

/* ---- the region's contents ------------------------------------------------------------------- */

static raddr anchor_gate_addr(const struct gates *gates, size_t number)
{
	return gates->base + ANCHOR_OFFSET + ANCHOR_GATES + number * ANCHOR_GATE_BYTES;
}

/* With this bound the pads' one comparison also keeps sizes away that are nonsense. */
static struct anchor_gate anchor_gate_of(const struct gate *gate)
{
	uint64_t limit = gate->spec.max_counted_bytes;
	return (struct anchor_gate){ gate->original, limit < INT64_MAX ? limit : INT64_MAX };
}

static bool gate_fits(const struct gates *gates, const struct gate *gate, struct target_memory *tm)
{
	struct anchor_gate there;
	struct anchor_gate ours = anchor_gate_of(gate);
	struct error ignored;
	return memory_read(&tm->memory, anchor_gate_addr(gates, gate->number), &there,
			   sizeof(there), &ignored) &&
	       (there.original == 0 || memcmp(&there, &ours, sizeof(ours)) == 0);
}

bool gates_fit_region(const struct gates *gates, struct target_memory *tm)
{
	OWNED_FREE uint8_t *code = malloc(STUB_PLACES_OFFSET);
	uint64_t magic;
	struct error ignored;

	if (!code ||
	    !memory_read(&tm->memory, gates->base + ANCHOR_OFFSET, &magic, sizeof(magic),
			 &ignored) ||
	    magic != REGION_MAGIC ||
	    !memory_read(&tm->memory, gates->base, code, STUB_PLACES_OFFSET, &ignored) ||
	    memcmp(code, gates->code, STUB_PLACES_OFFSET) != 0)
		return false;
	for (size_t i = 0; i < gates->len; i++)
		if (!gate_fits(gates, &gates->list[i], tm))
			return false;
	return true;
}

static bool write_record_count(struct target_memory *tm, raddr base, uint32_t count,
			       struct error *err)
{
	return target_memory_write(tm, base + ANCHOR_OFFSET + ANCHOR_RECORD_COUNT, &count,
				   sizeof(count), err);
}

static bool write_journal(const struct gates *gates, struct target_memory *tm, struct error *err)
{
	raddr record = gates->base + ANCHOR_OFFSET + ANCHOR_RECORDS;
	for (size_t i = 0; i < gates->len; i++, record += ANCHOR_RECORD_BYTES)
		if (!target_memory_write(tm, record, &gates->list[i].patch,
					 sizeof(gates->list[i].patch), err))
			return error_context(err, "journal");
	return write_record_count(tm, gates->base, (uint32_t)gates->len, err);
}

bool gates_install(const struct gates *gates, struct target_memory *tm, bool is_fresh,
		   struct error *err)
{
	const uint64_t magic = REGION_MAGIC;

	/* Page by page: only a write inside one page is all or nothing. */
	for (size_t at = 0; is_fresh && at < STUB_PLACES_OFFSET; at += PAGE_BYTES)
		if (!target_memory_write(tm, gates->base + at, gates->code + at, PAGE_BYTES, err))
			return error_context(err, "pads");
	for (size_t i = 0; i < gates->len; i++) {
		struct anchor_gate words = anchor_gate_of(&gates->list[i]);
		if (!target_memory_write(tm, anchor_gate_addr(gates, gates->list[i].number), &words,
					 sizeof(words), err))
			return error_context(err, "originals");
	}
	return write_journal(gates, tm, err) &&
	       target_memory_write(tm, gates->base + ANCHOR_OFFSET, &magic, sizeof(magic), err);
}

/* ---- threads inside what a hook covers ------------------------------------------------------- */

static const struct gate *find_covering(const struct gates *gates, raddr address)
{
	for (size_t i = 0; i < gates->len; i++) {
		const struct gate *gate = &gates->list[i];
		raddr hook = gate->plan.function + gate->plan.offset;
		if (gate->spec.place == GATE_ENTRY && address > hook &&
		    address < hook + gate->plan.covered_len)
			return gate;
	}
	return NULL;
}

static bool is_covered(const void *gates, raddr word)
{
	return find_covering(gates, word) != NULL;
}

bool gates_are_clear_of_stacks(const struct gates *gates, struct target_memory *tm,
			       const struct world *world)
{
	return !world_stacks_hold(world, &tm->memory, is_covered, gates);
}

static bool move_into_copy(const struct gates *gates, struct tracee *thread, struct error *err)
{
	const struct gate *gate = find_covering(gates, thread->rip);
	raddr copy;
	if (!gate)
		return true;
	if (!hook_find_in_copy(&gate->plan, thread->rip, &copy))
		return error_set(err, ERROR_UNSAFE, "thread %d stands inside an instruction of %s",
				 thread->tid, gate->spec.name);
	return tracee_move(thread, copy, err);
}

/* ---- the changes ----------------------------------------------------------------------------- */

/* Write `to` where `from` stands; `matched_ret` tells whether it stood there. */
static bool replace(struct target_memory *tm, const struct patch *patch, const uint8_t *from,
		    const uint8_t *to, bool *matched_ret, struct error *err)
{
	uint8_t now[PATCH_BYTES_MAX];
	if (!memory_read(&tm->memory, patch->address, now, patch->len, err))
		return false;
	*matched_ret = memcmp(now, from, patch->len) == 0;
	return !*matched_ret || target_memory_write(tm, patch->address, to, patch->len, err);
}

bool gates_plant(const struct gates *gates, struct target_memory *tm, struct world *world,
		 struct error *err)
{
	for (size_t i = 0; i < world->len; i++)
		if (world->threads[i].is_stopped && !move_into_copy(gates, &world->threads[i], err))
			return false;
	for (size_t i = 0; i < gates->len; i++) {
		const struct gate *gate = &gates->list[i];
		bool matched;
		if (!replace(tm, &gate->patch, gate->patch.before, gate->patch.after, &matched,
			     err))
			return error_context(err, "gate of %s", gate->spec.name);
		if (!matched)
			return error_set(err, ERROR_UNSAFE,
					 "%s was changed by somebody else just now",
					 gate->spec.name);
	}
	return true;
}

/* What somebody has unmapped since holds nothing of ours. */
static bool undo_patch(struct target_memory *tm, const struct patch *patch, struct error *err)
{
	bool matched;
	return replace(tm, patch, patch->after, patch->before, &matched, err) ||
	       err->kind == ERROR_READ;
}

bool gates_lift(const struct gates *gates, struct target_memory *tm, struct error *err)
{
	for (size_t i = gates->len; i-- > 0;)
		if (!undo_patch(tm, &gates->list[i].patch, err))
			return false;
	return write_record_count(tm, gates->base, 0, err);
}

/* In reverse order. What makes no sense is the target's doing: it is left alone. */
bool gates_undo(struct target_memory *tm, raddr base, struct error *err)
{
	uint32_t count;
	if (!memory_read(&tm->memory, base + ANCHOR_OFFSET + ANCHOR_RECORD_COUNT, &count,
			 sizeof(count), err))
		return error_context(err, "journal");
	if (count > ANCHOR_RECORDS_MAX)
		count = ANCHOR_RECORDS_MAX;

	while (count-- > 0) {
		struct patch patch;
		raddr record =
			base + ANCHOR_OFFSET + ANCHOR_RECORDS + (raddr)count * ANCHOR_RECORD_BYTES;
		if (!memory_read(&tm->memory, record, &patch, sizeof(patch), err))
			return error_context(err, "journal");
		if (patch.len <= PATCH_BYTES_MAX && !undo_patch(tm, &patch, err))
			return false;
	}
	return write_record_count(tm, base, 0, err);
}

void gates_replant_slots(const struct gates *gates, struct target_memory *tm)
{
	for (size_t i = 0; i < gates->len; i++) {
		const struct gate *gate = &gates->list[i];
		struct error ignored;
		bool matched;
		if (gate->spec.place == GATE_SLOT &&
		    !replace(tm, &gate->patch, gate->patch.before, gate->patch.after, &matched,
			     &ignored))
			return;
	}
}
