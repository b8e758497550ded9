/* SPDX-License-Identifier: MIT */
#ifndef PYFRAMES_UNICODE_H
#define PYFRAMES_UNICODE_H

/**
 * @file
 * Python strings and bytes of the target, copied.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "pyframes/offsets.h"

/** The longest string that is believed, in characters. */
enum { UNICODE_LENGTH_MAX = 16384 };

/** Copy a name or a file name, a compact str, as UTF-8, zero-terminated, into new memory that the
 *  caller frees. Lone surrogates and what is no character become U+FFFD. `object_bytes_ret`: the
 *  size of the whole object, terminator included. That the first U+0000 is the terminator is what
 *  tells a str from anything that only looks like one: names hold no other (compile() refuses it).
 *  Errors: ERROR_FORMAT (no compact str, an absurd length, or no terminator just there),
 * ERROR_READ, ERROR_NO_MEMORY. */
MUST_CHECK bool unicode_read(struct memory *memory, const struct py_offsets *py, raddr str,
			     char **ret, size_t *object_bytes_ret, struct error *err);

/** Copy the content of a bytes object into new memory that the caller frees.
 *  Errors: ERROR_FORMAT (more than `max_bytes`), ERROR_READ, ERROR_NO_MEMORY. */
MUST_CHECK bool bytes_read(struct memory *memory, const struct py_offsets *py, raddr bytes,
			   size_t max_bytes, uint8_t **ret, size_t *len_ret, struct error *err);

/** Encode `length` characters of `kind` (1, 2 or 4) bytes each. Returns the bytes written; 3 per
 *  character suffice for kind 1 and 2, 4 for kind 4. Nothing is terminated. Pure. */
size_t unicode_encode(const void *characters, unsigned kind, size_t length, char *ret);

#endif
