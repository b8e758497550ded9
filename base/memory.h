/* SPDX-License-Identifier: MIT */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

/**
 * @file
 * The seam through which a target's memory is read. The tracer fills it in with process_vm_readv;
 * a test fills it in with arrays.
 */

#include <stddef.h>

#include "base/error.h"

/** One piece to read: `len` bytes at `address` into `buffer` (the caller's). */
struct memory_span {
	raddr address;
	void *buffer;
	size_t len;
	bool is_read; /* set by memory_read_spans() */
};

struct memory {
	/** Read every span whole or not at all and set its is_read. Unreadable spans are not an
	 *  error of the call. Returns false only when nothing can be read any more
	 *  (ERROR_NO_PROCESS, ERROR_NOT_PERMITTED). */
	bool (*read_spans)(struct memory *mem, struct memory_span *spans, size_t span_count,
			   struct error *err);
};

/** Read `len` bytes at `address`, all or nothing; `ret` is untouched on failure only if the span
 *  lies in one page. Errors: ERROR_READ with the address, and those of read_spans. */
MUST_CHECK bool memory_read(struct memory *mem, raddr address, void *ret, size_t len,
			    struct error *err);

/** Read many pieces in as few system calls as possible. See struct memory. */
MUST_CHECK bool memory_read_spans(struct memory *mem, struct memory_span *spans, size_t span_count,
				  struct error *err);

/** Read a zero-terminated string of at most size-1 bytes. A longer one is cut, not refused. */
MUST_CHECK bool memory_read_cstring(struct memory *mem, raddr address, char *ret, size_t size,
				    struct error *err);

#endif
