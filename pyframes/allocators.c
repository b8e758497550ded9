/* SPDX-License-Identifier: MIT */
#include "pyframes/allocators.h"

#include <string.h>

/* PyMemAllocatorEx is {ctx, malloc, calloc, realloc, free}. */
enum { FUNCTION_COUNT = 4, TABLE_WORDS = 1 + FUNCTION_COUNT, TABLE_BYTES = 8 * TABLE_WORDS };

enum {
	LOADS_MAX = 256,  /* of one function that are looked at */
	VOTES_NEEDED = 3, /* of the four functions of a domain */
	WRAPPERS_MAX = 4, /* tables around tables */
};

/* In the order of the table's slots. */
static const char *const exported[DOMAIN_COUNT][FUNCTION_COUNT] = {
	[DOMAIN_OBJ] = { "PyObject_Malloc", "PyObject_Calloc", "PyObject_Realloc",
			 "PyObject_Free" },
	[DOMAIN_MEM] = { "PyMem_Malloc", "PyMem_Calloc", "PyMem_Realloc", "PyMem_Free" },
	[DOMAIN_RAW] = { "PyMem_RawMalloc", "PyMem_RawCalloc", "PyMem_RawRealloc",
			 "PyMem_RawFree" },
};

static const char *const gate_names[DOMAIN_COUNT][FUNCTION_COUNT] = {
	[DOMAIN_OBJ] = { "obj.malloc", "obj.calloc", "obj.realloc", "obj.free" },
	[DOMAIN_MEM] = { "mem.malloc", "mem.calloc", "mem.realloc", "mem.free" },
	[DOMAIN_RAW] = { "raw.malloc", "raw.calloc", "raw.realloc", "raw.free" },
};

/* Where each domain's table is in _PyRuntime.allocators.standard (pycore_runtime.h, from 3.12). */
static const uint32_t in_standard[DOMAIN_COUNT] = {
	[DOMAIN_RAW] = 0,
	[DOMAIN_MEM] = TABLE_BYTES,
	[DOMAIN_OBJ] = 2 * TABLE_BYTES,
};

struct finder {
	struct memory *memory;
	struct symbols *symbols;
	struct loads *loads;
	const struct runtime *runtime;
};

/* Read what may be a table. `is_table_ret`: its four functions are code. */
static bool read_table(struct finder *finder, raddr address, raddr words[TABLE_WORDS],
		       bool *is_table_ret, struct error *err)
{
	struct memory_span span = { .address = address, .buffer = words, .len = TABLE_BYTES };
	if (!memory_read_spans(finder->memory, &span, 1, err))
		return false;
	*is_table_ret = span.is_read;
	for (size_t i = 1; *is_table_ret && i < TABLE_WORDS; i++)
		*is_table_ret = finder->loads->is_code(finder->loads, words[i]);
	return true;
}

static bool is_loaded(raddr address, const raddr *loaded, size_t loaded_len)
{
	for (size_t i = 0; i < loaded_len; i++)
		if (loaded[i] == address)
			return true;
	return false;
}

/* Which table does the function of this slot call through? The first function pointer it loads is
 * the one: later ones belong to functions that the compiler inlined, PyMem_RawMalloc above all.
 * The context beside it is loaded as well. 0: it cannot be told. */
static bool vote(struct finder *finder, const char *function, size_t slot, raddr *ret,
		 struct error *err)
{
	*ret = 0;
	struct symbol symbol;
	if (!symbol_find_beside(finder->symbols, function, &finder->runtime->symbol, &symbol))
		return true;

	raddr loaded[LOADS_MAX];
	size_t loaded_len;
	struct error undecodable;
	if (!finder->loads->decode(finder->loads, symbol.address, loaded, LOADS_MAX, &loaded_len,
				   &undecodable))
		return true;

	for (size_t i = 0; i < loaded_len; i++) {
		raddr table = loaded[i] - (slot + 1) * sizeof(raddr);
		if (!is_loaded(table, loaded, loaded_len))
			continue;
		raddr words[TABLE_WORDS];
		bool is_table;
		if (!read_table(finder, table, words, &is_table, err))
			return false;
		if (is_table) {
			*ret = table;
			return true;
		}
	}
	return true;
}

static bool elect(struct finder *finder, enum allocator_domain domain, raddr *ret,
		  struct error *err)
{
	raddr votes[FUNCTION_COUNT];
	for (size_t slot = 0; slot < FUNCTION_COUNT; slot++)
		if (!vote(finder, exported[domain][slot], slot, &votes[slot], err))
			return false;

	for (size_t i = 0; i < FUNCTION_COUNT; i++) {
		size_t count = 0;
		for (size_t k = 0; k < FUNCTION_COUNT; k++)
			count += votes[k] == votes[i];
		if (votes[i] && count >= VOTES_NEEDED) {
			*ret = votes[i];
			return true;
		}
	}
	return error_set(err, ERROR_UNSUPPORTED,
			 "the allocator table of %s and the like cannot be found",
			 exported[domain][0]);
}

static bool find_tables(struct finder *finder, raddr ret[DOMAIN_COUNT], struct error *err)
{
	for (int domain = 0; domain < DOMAIN_COUNT; domain++)
		if (!elect(finder, domain, &ret[domain], err))
			return false;
	if (ret[DOMAIN_OBJ] == ret[DOMAIN_MEM] || ret[DOMAIN_OBJ] == ret[DOMAIN_RAW] ||
	    ret[DOMAIN_MEM] == ret[DOMAIN_RAW])
		return error_set(err, ERROR_UNSUPPORTED,
				 "the allocator tables of two domains seem to be one");

	const struct runtime *runtime = finder->runtime;
	uint32_t standard = runtime->offsets.runtime.allocator_tables;
	if (standard == OFFSET_NONE)
		return true;
	for (int domain = 0; domain < DOMAIN_COUNT; domain++) {
		raddr expected = runtime->symbol.address + standard + in_standard[domain];
		if (ret[domain] != expected)
			return error_set(err, ERROR_UNSUPPORTED,
					 "the table of %s is at %" PRIraddr
					 ", expected at %" PRIraddr,
					 exported[domain][0], ret[domain], expected);
	}
	return true;
}

/* A wrapper's context begins with the wrapped table (tracemalloc), or has it behind a word with the
 * domain's letter (debug hooks). 0: it wraps none. */
static bool find_wrapped(struct finder *finder, raddr context, struct allocators *allocators,
			 raddr *ret, raddr words[TABLE_WORDS], struct error *err)
{
	bool *const kinds[] = { &allocators->has_tracer, &allocators->has_debug_hooks };
	*ret = 0;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		bool is_table;
		raddr address = context + i * sizeof(raddr);
		if (!read_table(finder, address, words, &is_table, err))
			return false;
		if (is_table) {
			*kinds[i] = true;
			*ret = address;
			return true;
		}
	}
	return true;
}

static bool find_innermost(struct finder *finder, raddr outermost, struct allocators *allocators,
			   struct allocator_table *ret, struct error *err)
{
	raddr address = outermost;
	raddr words[TABLE_WORDS];
	bool is_table;
	if (!read_table(finder, address, words, &is_table, err))
		return false;
	if (!is_table)
		return error_set(err, ERROR_UNSUPPORTED, "no allocator table at %" PRIraddr,
				 address);

	for (int depth = 0; words[0] != 0 && depth < WRAPPERS_MAX; depth++) {
		raddr inner[TABLE_WORDS];
		raddr inner_address;
		if (!find_wrapped(finder, words[0], allocators, &inner_address, inner, err))
			return false;
		if (!inner_address)
			break;
		address = inner_address;
		memcpy(words, inner, sizeof(words));
	}
	ret->address = address;
	ret->context = words[0];
	memcpy(ret->functions, words + 1, sizeof(ret->functions));
	return true;
}

static enum allocator_mode mode_of(const struct allocator_table tables[DOMAIN_COUNT])
{
	raddr obj_malloc = tables[DOMAIN_OBJ].functions[0];
	raddr mem_malloc = tables[DOMAIN_MEM].functions[0];
	raddr raw_malloc = tables[DOMAIN_RAW].functions[0];
	if (mem_malloc != obj_malloc)
		return ALLOCATOR_MIMALLOC;
	return mem_malloc == raw_malloc ? ALLOCATOR_MALLOC : ALLOCATOR_PYMALLOC;
}

/* The GIL lets in one thread at a time, unless the build has none or, from 3.12 on, each
 * interpreter may have one of its own. */
static bool find_guard(struct memory *memory, const struct runtime *runtime, enum gate_guard *ret,
		       struct error *err)
{
	const struct py_offsets *py = &runtime->offsets;
	raddr first;
	raddr second;
	if (!memory_read(memory, runtime->symbol.address + py->runtime.interpreters_head, &first,
			 sizeof(first), err) ||
	    !memory_read(memory, first + py->interpreter.next, &second, sizeof(second), err))
		return error_context(err, "interpreters");
	*ret = py->is_free_threaded || second ? GATE_UNGUARDED : GATE_SERIALISED;
	return true;
}

bool allocators_find(struct memory *memory, struct symbols *symbols, struct loads *loads,
		     const struct runtime *runtime, struct allocators *ret, struct error *err)
{
	struct finder finder = {
		.memory = memory, .symbols = symbols, .loads = loads, .runtime = runtime
	};
	raddr outermost[DOMAIN_COUNT];
	if (!find_tables(&finder, outermost, err))
		return false;

	struct allocators found = { 0 };
	if (!find_guard(memory, runtime, &found.guard, err))
		return false;
	for (int domain = 0; domain < DOMAIN_COUNT; domain++)
		if (!find_innermost(&finder, outermost[domain], &found, &found.tables[domain], err))
			return false;
	found.mode = mode_of(found.tables);
	found.has_mimalloc_raw =
		found.mode == ALLOCATOR_MIMALLOC && runtime->offsets.has_mimalloc_raw;
	*ret = found;
	return true;
}

/* Some domain before this one has the very same table. */
static bool is_listed(const struct allocators *allocators, int domain)
{
	for (int other = 0; other < domain; other++)
		if (allocators->tables[other].address == allocators->tables[domain].address)
			return true;
	return false;
}

/* pymalloc hands what is larger than its limit on to the raw domain, and that to the C allocator,
 * if neither the debug hooks nor somebody else's come between, who may put a header before a block.
 */
static bool hands_on(const struct allocators *allocators, int domain)
{
	return allocators->mode == ALLOCATOR_PYMALLOC && !allocators->has_debug_hooks &&
	       allocators->tables[domain].context == 0 &&
	       allocators->tables[DOMAIN_RAW].context == 0;
}

static size_t table_specs(const struct allocators *allocators, int domain, struct gate_spec *ret)
{
	static const enum gate_operation usual[] = { GATE_MALLOC, GATE_CALLOC, GATE_REALLOC,
						     GATE_FREE };
	static const enum gate_operation handing_on[] = { GATE_MALLOC_HANDED_ON,
							  GATE_CALLOC_HANDED_ON,
							  GATE_REALLOC_HANDED_ON };
	bool is_handing_on = hands_on(allocators, domain);
	const enum gate_operation *operations = is_handing_on ? handing_on : usual;
	size_t len = is_handing_on ? ARRAY_LEN(handing_on) : ARRAY_LEN(usual);
	const struct allocator_table *table = &allocators->tables[domain];
	for (size_t slot = 0; slot < len; slot++)
		ret[slot] = (struct gate_spec){
			.name = gate_names[domain][slot],
			.place = GATE_SLOT,
			.operation = operations[slot],
			.kind = MEMORY_PYMALLOC,
			.guard = domain == DOMAIN_RAW ? GATE_UNGUARDED : allocators->guard,
			.address = table->address + (1 + slot) * sizeof(raddr),
			.original = table->functions[slot],
			.max_counted_bytes = allocators->mode == ALLOCATOR_PYMALLOC
						     ? ALLOCATORS_PYMALLOC_MAX
						     : UINT64_MAX,
		};
	return len;
}

size_t allocators_specs(const struct allocators *allocators, struct gate_spec *ret)
{
	size_t len = 0;
	for (int domain = 0; domain < DOMAIN_COUNT; domain++) {
		bool is_gated = domain == DOMAIN_RAW ? allocators->has_mimalloc_raw
						     : allocators->mode != ALLOCATOR_MALLOC;
		if (is_gated && !is_listed(allocators, domain))
			len += table_specs(allocators, domain, ret + len);
	}
	return len;
}

bool allocators_spec_needs_python(const struct gate_spec *spec)
{
	for (size_t slot = 0; slot < FUNCTION_COUNT; slot++)
		if (spec->name == gate_names[DOMAIN_OBJ][slot] ||
		    spec->name == gate_names[DOMAIN_MEM][slot])
			return true;
	return false;
}
