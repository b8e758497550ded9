/* SPDX-License-Identifier: MIT */
#ifndef PYFRAMES_WITNESS_H
#define PYFRAMES_WITNESS_H

/**
 * @file
 * A witness is a part of an object as it was once. Where code objects have no version, a new one
 * may have all of the old one's addresses (code made by exec in a loop does), and only what lies at
 * those addresses tells the two apart.
 */

#include "base/error.h"
#include "base/memory.h"

/** How much of an object is kept. */
enum { WITNESS_BYTES_MAX = 256 };

/** Zero-initialised it is one of nothing. */
struct witness {
	raddr address;
	size_t len;
	uint8_t bytes[WITNESS_BYTES_MAX];
};

/** Keep what lies at `address` now, at most WITNESS_BYTES_MAX of `len` bytes. Errors: ERROR_READ.
 */
MUST_CHECK bool witness_read(struct witness *witness, struct memory *memory, raddr address,
			     size_t len, struct error *err);

/** The span to be read for asking it again, into a buffer of WITNESS_BYTES_MAX. */
struct memory_span witness_span(const struct witness *witness, void *buffer);

/** Tell whether that span, after the reading, holds what it held then. */
bool witness_agrees(const struct witness *witness, const struct memory_span *span);

#endif
