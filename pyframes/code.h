/* SPDX-License-Identifier: MIT */
#ifndef PYFRAMES_CODE_H
#define PYFRAMES_CODE_H

/**
 * @file
 * From places in code objects to functions, files and lines. Code objects are remembered, since the
 * same ones are on nearly every stack; each time it is checked, with one read for a whole stack,
 * that what lies at the address is still the one that is remembered.
 */

#include "base/error.h"
#include "base/frame.h"
#include "base/memory.h"
#include "pyframes/intern.h"
#include "pyframes/runtime.h"
#include "pyframes/stack.h"

struct code_cache;

/** Make an empty cache. All three arguments must outlive it. Errors: ERROR_NO_MEMORY. */
MUST_CHECK bool code_cache_create(struct memory *memory, const struct runtime *runtime,
				  struct interner *interner, struct code_cache **ret,
				  struct error *err);
/** Takes NULL. */
void code_cache_destroy(struct code_cache *cache);

/** Turn at most FRAME_DEPTH_MAX places of one thread into frames, in the same order. Code that is
 *  not Python's, but the interpreter's own, is left out, so there may be fewer frames than places.
 *  Once the interner is full, lines are unknown, and then names: "[other code]".
 *  Errors: ERROR_FORMAT (no code object there, or a broken one), ERROR_READ, ERROR_NO_MEMORY. */
MUST_CHECK bool code_cache_frames(struct code_cache *cache, const struct place *places,
				  size_t place_count, const struct frame **ret, size_t *len_ret,
				  struct error *err);

/** Tell whether most of the code objects that were met have a line table that fits their bytecode,
 * as they must if they are laid out as we think. */
bool code_cache_is_plausible(const struct code_cache *cache);

#endif
