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
	raddr code_type; /* address of PyCode_Type */
};

/** Find the runtime that has interpreters and the layout of its version. Says nothing yet about
 *  whether the layout is right: that is for who walks it.
 *  Errors: ERROR_UNSUPPORTED (not CPython, or a version without a table: named), ERROR_TIMEOUT
 *  (not initialised yet), and those of reading. */
MUST_CHECK bool runtime_find(struct memory *memory, struct symbols *symbols, struct runtime *ret,
			     struct error *err);

#endif
