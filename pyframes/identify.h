/* SPDX-License-Identifier: MIT */
#ifndef PYFRAMES_IDENTIFY_H
#define PYFRAMES_IDENTIFY_H

/**
 * @file
 * What a Python is called that nobody attaches to: any CPython, known to the tables or not. Reads
 * only constants, so the bytes of the interpreter's file serve as well as its memory.
 */

#include "base/error.h"
#include "base/memory.h"
#include "base/symbols.h"

/** Room for every version that is written out. */
enum { IDENTITY_BYTES = 24 };

/** Tell which CPython these symbols belong to: "3.11.7", "2.7.18", "3.14.0rc1"; "3.9" where the
 *  micro version cannot be told, "" where nothing can. False if it is no CPython. */
MUST_CHECK bool identify_python(struct memory *memory, struct symbols *symbols,
				char ret[IDENTITY_BYTES]);

#endif
