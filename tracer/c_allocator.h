/* SPDX-License-Identifier: MIT */
#ifndef TRACER_C_ALLOCATOR_H
#define TRACER_C_ALLOCATOR_H

/**
 * @file
 * The C allocator of a process: which one it is, and which of its functions are to be gated so that
 * each block is counted once. Knows the allocators by name; what it does not know is refused.
 */

#include "base/gate_spec.h"
#include "tracer/arch.h"
#include "tracer/images.h"

struct c_allocator {
	const char *name; /* "glibc", "jemalloc", ...: static storage */
	const struct image *image;
	const struct c_allocator_table *table; /* private */
};

/** Find what the whole process allocates from: whoever is the first to define malloc in the order
 *  of symbol resolution. Errors: ERROR_UNSUPPORTED (none; an unknown one; a C library that is not
 *  glibc, in whose threads the gates could not keep their countdowns): named. */
MUST_CHECK bool c_allocator_find(const struct images *images, struct c_allocator *ret,
				 struct error *err);

/** Describe its gates, at most TRACER_LIBC_SPECS_MAX. Errors: as above, and ERROR_UNSUPPORTED for a
 *  function that must be gated and cannot be. */
MUST_CHECK bool c_allocator_specs(const struct arch *arch, const struct images *images,
				  struct gate_spec *ret, size_t *len_ret, struct error *err);

#endif
