/* SPDX-License-Identifier: MIT */
#ifndef PYFRAMES_RUNTIME_H
#define PYFRAMES_RUNTIME_H

/**
 * @file
 * The one initialised interpreter runtime of a process.
 */

#include "base/error.h"
#include "base/memory.h"
#include "base/symbols.h"
#include "pyframes/offsets.h"
#include "pyframes/version.h"

struct runtime {
	struct symbol symbol; /* of _PyRuntime; `image` is the symbols' */
	struct version version;
	struct py_offsets offsets;
	/* Addresses of PyCode_Type, PyUnicode_Type and PyBytes_Type. */
	raddr code_type;
	raddr str_type;
	raddr bytes_type;
};

/** Find the runtime that has interpreters and the layout of its version. Of the layout only the
 *  heads of objects are checked here, on types whose names are known; the rest is for who walks it.
 *  Errors: ERROR_UNSUPPORTED (not CPython, or a version without a table: named; or another layout),
 *  ERROR_TIMEOUT (not initialised yet), and those of reading. */
MUST_CHECK bool runtime_find(struct memory *memory, struct symbols *symbols, struct runtime *ret,
			     struct error *err);

/** The second half of runtime_find(): given symbol, version and offsets, whether or not they are
 * the right ones, find the rest. `runtime` is unspecified on failure. Errors: as runtime_find(). */
MUST_CHECK bool runtime_complete(struct memory *memory, struct symbols *symbols,
				 struct runtime *runtime, struct error *err);

#endif
