/* SPDX-License-Identifier: MIT */
#include "pyframes/runtime.h"

#include <string.h>

#include "pyframes/debug_offsets.h"

/* More than one image may define it: an executable that is linked with a libpython as well. */
enum { RUNTIMES_MAX = 8 };

static bool refuse_without_runtime(struct symbols *symbols, struct error *err)
{
	struct symbol found;
	if (!symbols_find_first(symbols, "Py_GetVersion", &found))
		return error_set(err, ERROR_UNSUPPORTED, "not a CPython process");
	if (symbols_find_first(symbols, "PyString_FromString", &found))
		return error_set(err, ERROR_UNSUPPORTED,
				 "CPython 2 is not supported: " PY_OFFSETS_SUPPORTED " are");
	return error_set(err, ERROR_UNSUPPORTED,
			 "CPython 3.6 or older is not supported: " PY_OFFSETS_SUPPORTED " are");
}

/* The symbol's size is that of the structure. */
static bool check_size(const struct runtime *runtime, struct error *err)
{
	const struct py_offsets *py = &runtime->offsets;
	const uint32_t fields[] = { py->runtime.initialized, py->runtime.interpreters_head,
				    py->runtime.current_thread, py->runtime.allocator_tables };
	uint64_t size = runtime->symbol.size;
	if (size && py->runtime.size &&
	    (size < py->runtime.size / 2 || size > (uint64_t)py->runtime.size * 2))
		return error_set(err, ERROR_UNSUPPORTED,
				 "_PyRuntime has %" PRIu64
				 " bytes, that of CPython 3.%u about %" PRIu32,
				 size, py->minor, py->runtime.size);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (size && fields[i] != OFFSET_NONE && fields[i] + sizeof(raddr) > size)
			return error_set(err, ERROR_UNSUPPORTED,
					 "_PyRuntime has %" PRIu64
					 " bytes, fewer than that of CPython 3.%u",
					 size, py->minor);
	return true;
}

static bool load_offsets(struct memory *memory, struct runtime *runtime, struct error *err)
{
	char text[16];
	struct version *version = &runtime->version;
	const struct py_offsets *table = py_offsets_find(version->minor, false);
	if (table && table->has_debug_offsets) {
		if (!debug_offsets_identify(memory, runtime->symbol.address, version->minor,
					    &version->is_free_threaded, err))
			return false;
		table = py_offsets_find(version->minor, version->is_free_threaded);
	}
	if (!table)
		return error_set(err, ERROR_UNSUPPORTED,
				 "CPython %s is not supported: " PY_OFFSETS_SUPPORTED " are",
				 version_format(version, text, sizeof(text)));
	runtime->offsets = *table;
	return !table->has_debug_offsets ||
	       debug_offsets_apply(memory, runtime->symbol.address, &runtime->offsets, err);
}

/* The definition of a type that the interpreter of `runtime` uses: its own, or the copy that the
 * executable has of a library's data (R_X86_64_COPY of the psABI). An image with a runtime of its
 * own has its own types. */
static bool find_type_symbol(struct symbols *symbols, const struct runtime *runtime,
			     const char *name, struct symbol *ret)
{
	struct symbol found[RUNTIMES_MAX];
	struct symbol runtimes[RUNTIMES_MAX];
	size_t found_len = symbols_find(symbols, name, found, RUNTIMES_MAX);
	size_t runtimes_len = symbols_find(symbols, "_PyRuntime", runtimes, RUNTIMES_MAX);
	for (size_t i = 0; i < found_len && i < RUNTIMES_MAX; i++) {
		bool is_anothers = false;
		for (size_t k = 0; k < runtimes_len && k < RUNTIMES_MAX; k++)
			is_anothers |= runtimes[k].address != runtime->symbol.address &&
				       strcmp(runtimes[k].image, found[i].image) == 0;
		if (!is_anothers) {
			*ret = found[i];
			return true;
		}
	}
	return false;
}

/* Find a type that every interpreter has, and see that it reads as one: its name is known. */
static bool find_type(struct memory *memory, struct symbols *symbols, const struct runtime *runtime,
		      const char *symbol_name, const char *type_name, raddr *ret, struct error *err)
{
	struct symbol type;
	struct symbol metatype;
	if (!find_type_symbol(symbols, runtime, symbol_name, &type) ||
	    !find_type_symbol(symbols, runtime, "PyType_Type", &metatype))
		return error_set(err, ERROR_UNSUPPORTED, "%s is not exported", symbol_name);

	raddr its_type;
	raddr name_addr;
	char name[16];
	const struct py_offsets *py = &runtime->offsets;
	if (!memory_read(memory, type.address + py->object_type, &its_type, sizeof(its_type),
			 err) ||
	    !memory_read(memory, type.address + py->type_name, &name_addr, sizeof(name_addr), err))
		return error_context(err, "%s", symbol_name);
	struct error unreadable;
	bool is_as_known =
		its_type == metatype.address &&
		memory_read_cstring(memory, name_addr, name, sizeof(name), &unreadable) &&
		strcmp(name, type_name) == 0;
	if (!is_as_known)
		return error_set(err, ERROR_UNSUPPORTED,
				 "%s is not laid out as that of CPython 3.%u%s is", symbol_name,
				 py->minor, py->is_free_threaded ? "t" : "");
	*ret = type.address;
	return true;
}

static bool find_types(struct memory *memory, struct symbols *symbols, struct runtime *runtime,
		       struct error *err)
{
	return find_type(memory, symbols, runtime, "PyCode_Type", "code", &runtime->code_type,
			 err) &&
	       find_type(memory, symbols, runtime, "PyUnicode_Type", "str", &runtime->str_type,
			 err) &&
	       find_type(memory, symbols, runtime, "PyBytes_Type", "bytes", &runtime->bytes_type,
			 err);
}

bool runtime_complete(struct memory *memory, struct symbols *symbols, struct runtime *runtime,
		      struct error *err)
{
	raddr interpreter;
	if (!check_size(runtime, err))
		return false;
	if (!memory_read(memory,
			 runtime->symbol.address + runtime->offsets.runtime.interpreters_head,
			 &interpreter, sizeof(interpreter), err))
		return error_context(err, "_PyRuntime");
	if (!interpreter)
		return error_set(err, ERROR_TIMEOUT, "the interpreter is not initialised yet");
	return find_types(memory, symbols, runtime, err);
}

static bool runtime_load(struct memory *memory, struct symbols *symbols, struct symbol symbol,
			 struct runtime *ret, struct error *err)
{
	struct runtime runtime = { .symbol = symbol };
	if (!version_detect(memory, symbols, &symbol, &runtime.version, err) ||
	    !load_offsets(memory, &runtime, err) ||
	    !runtime_complete(memory, symbols, &runtime, err))
		return false;
	*ret = runtime;
	return true;
}

bool runtime_find(struct memory *memory, struct symbols *symbols, struct runtime *ret,
		  struct error *err)
{
	struct symbol found[RUNTIMES_MAX];
	size_t found_len = symbols_find(symbols, "_PyRuntime", found, RUNTIMES_MAX);
	if (found_len == 0)
		return refuse_without_runtime(symbols, err);
	if (found_len > RUNTIMES_MAX)
		found_len = RUNTIMES_MAX;

	/* If none will do, the first one's error is told: it is the one that symbols resolve to. */
	struct error first;
	for (size_t i = 0; i < found_len; i++) {
		struct error failure;
		if (runtime_load(memory, symbols, found[i], ret, &failure))
			return true;
		if (i == 0)
			first = failure;
	}
	*err = first;
	return false;
}
