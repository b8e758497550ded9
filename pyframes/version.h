/* SPDX-License-Identifier: MIT */
#ifndef PYFRAMES_VERSION_H
#define PYFRAMES_VERSION_H

/**
 * @file
 * Which CPython is it? Told from exported symbols alone, which stripped builds keep.
 */

#include "base/error.h"
#include "base/memory.h"
#include "base/symbols.h"

struct version {
	unsigned minor; /* of CPython 3 */
	unsigned micro;
	bool has_micro;
	bool is_free_threaded; /* without the GIL; version_detect() cannot tell and says no */
};

/** Tell the version of the interpreter that `runtime`, a definition of _PyRuntime, belongs to.
 *  Errors: ERROR_UNSUPPORTED (a pre-release), ERROR_FORMAT (no CPython 3), ERROR_READ. */
MUST_CHECK bool version_detect(struct memory *memory, struct symbols *symbols,
			       const struct symbol *runtime, struct version *ret,
			       struct error *err);

/** Take a PY_VERSION_HEX apart (Include/patchlevel.h). Errors: as version_detect(). */
MUST_CHECK bool version_from_hex(uint64_t hex, struct version *ret, struct error *err);

/** Write "3.11.7", "3.9" without a micro version, "3.13.5t" without the GIL. Returns `ret`; 16
 * bytes suffice. */
char *version_format(const struct version *version, char *ret, size_t size);

/** Bytes of a text that may be a version: not terminated if it is longer. */
enum { VERSION_TEXT_BYTES = 16 };

/** Offer `accept` every text that the code of Py_GetVersion may refer to, until one is taken. Finds
 *  nothing where addresses are made in another way. */
bool version_find_text(struct memory *memory, const struct symbol *get_version,
		       bool (*accept)(const char text[VERSION_TEXT_BYTES], void *context),
		       void *context);

/** The definition of the function `name` in the same image as `beside`, or else the first one. */
MUST_CHECK bool symbol_find_beside(struct symbols *symbols, const char *name,
				   const struct symbol *beside, struct symbol *ret);

#endif
