/* SPDX-License-Identifier: MIT */
#include "pyframes/runtime.h"

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
				 "CPython 2 is not supported: 3.8 to 3.13 are");
	return error_set(err, ERROR_UNSUPPORTED,
			 "CPython 3.6 or older is not supported: 3.8 to 3.13 are");
}

static bool load_offsets(struct memory *memory, struct runtime *runtime, struct error *err)
{
	char text[16];
	const struct py_offsets *table = py_offsets_find(runtime->version.minor);
	if (!table)
		return error_set(err, ERROR_UNSUPPORTED,
				 "CPython %s is not supported: 3.8 to 3.13 are",
				 version_format(&runtime->version, text, sizeof(text)));
	runtime->offsets = *table;
	if (!table->has_debug_offsets)
		return true;
	return debug_offsets_apply(memory, runtime->symbol.address, &runtime->version,
				   &runtime->offsets, err);
}

static bool runtime_load(struct memory *memory, struct symbols *symbols, struct symbol symbol,
			 struct runtime *ret, struct error *err)
{
	struct runtime runtime = { .symbol = symbol };
	if (!version_detect(memory, symbols, &symbol, &runtime.version, err) ||
	    !load_offsets(memory, &runtime, err))
		return false;

	struct symbol code_type;
	if (!symbol_find_beside(symbols, "PyCode_Type", &symbol, &code_type))
		return error_set(err, ERROR_UNSUPPORTED, "PyCode_Type is not exported");
	runtime.code_type = code_type.address;

	raddr interpreter;
	if (!memory_read(memory, symbol.address + runtime.offsets.runtime.interpreters_head,
			 &interpreter, sizeof(interpreter), err))
		return error_context(err, "_PyRuntime");
	if (!interpreter)
		return error_set(err, ERROR_TIMEOUT, "the interpreter is not initialised yet");
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
