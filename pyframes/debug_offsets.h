/* SPDX-License-Identifier: MIT */
#ifndef PYFRAMES_DEBUG_OFFSETS_H
#define PYFRAMES_DEBUG_OFFSETS_H

/**
 * @file
 * What CPython 3.13 says about itself: the _Py_DebugOffsets at the beginning of _PyRuntime.
 * Source: CPython 3.13 Include/internal/pycore_runtime.h, `typedef struct _Py_DebugOffsets`.
 */

#include "base/error.h"
#include "base/memory.h"
#include "pyframes/offsets.h"
#include "pyframes/version.h"

/** Replace in `py`, a copy of the table for 3.13, what the target's own offsets say. Our table
 *  stays the judge: a value that differs by more than micro versions could differ is refused.
 *  Errors: ERROR_UNSUPPORTED (free-threaded; another layout, naming the field), ERROR_FORMAT (no
 *  such structure there, or of another version), ERROR_READ. `py` is untouched on failure. */
MUST_CHECK bool debug_offsets_apply(struct memory *memory, raddr runtime,
				    const struct version *version, struct py_offsets *py,
				    struct error *err);

#endif
