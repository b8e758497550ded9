/* SPDX-License-Identifier: MIT */
#ifndef BASE_LOADS_H
#define BASE_LOADS_H

/**
 * @file
 * The seam through which a function's code is asked which fixed addresses it reads. The tracer
 * fills it in with a disassembler; a test with a table.
 */

#include <stddef.h>

#include "base/error.h"

struct loads {
	/** Decode the function at `function` breadth first (fall-through, jmp and jcc targets in
	 *  FIFO order, at most 400 instructions) and put the absolute addresses of its 8-byte
	 *  memory reads into `ret`, each once, in the order they are first met, at most `max`.
	 *  fs: and gs: operands do not count; an address held in a register from lea or an
	 *  immediate, or loaded from read-only private data (the GOT), does, and an indirect jmp
	 *  or call through memory is a read.
	 *  Errors: ERROR_READ, ERROR_FORMAT (no instruction could be decoded). */
	bool (*decode)(struct loads *loads, raddr function, raddr *ret, size_t max, size_t *len_ret,
		       struct error *err);

	/** Tell whether `address` lies in an executable mapping of the target. */
	bool (*is_code)(struct loads *loads, raddr address);
};

#endif
