/* SPDX-License-Identifier: MIT */
#ifndef TRACER_LIBC_H
#define TRACER_LIBC_H

/**
 * @file
 * The C allocator of a process: which library it is, and which of its functions are to be gated.
 */

#include "base/gate_spec.h"
#include "tracer/arch.h"
#include "tracer/images.h"

/** Find the library that the whole process allocates from: the first that defines malloc.
 *  Errors: ERROR_UNSUPPORTED (none, or not glibc: named). */
MUST_CHECK bool libc_find_allocator(const struct images *images, const struct image **ret,
				    struct error *err);

/** Describe the gates for it, at most TRACER_LIBC_SPECS_MAX. Errors: as above. */
MUST_CHECK bool libc_specs(const struct arch *arch, const struct images *images,
			   struct gate_spec *ret, size_t *len_ret, struct error *err);

#endif
