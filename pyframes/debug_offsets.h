/* SPDX-License-Identifier: MIT */
#ifndef PYFRAMES_DEBUG_OFFSETS_H
#define PYFRAMES_DEBUG_OFFSETS_H

/**
 * @file
 * What CPython says about itself from 3.13 on: the _Py_DebugOffsets at the beginning of _PyRuntime.
 * Source: Include/internal/pycore_runtime.h of 3.13 and pycore_debug_offsets.h from 3.14,
 * `typedef struct _Py_DebugOffsets`.
 */

#include "base/error.h"
#include "base/memory.h"
#include "pyframes/offsets.h"
#include "pyframes/version.h"

/** Tell whether the interpreter was built without the GIL, and check that its debug offsets are of
 *  the minor version that we take it for.
 *  Errors: ERROR_FORMAT (no such structure there, or of another version), ERROR_UNSUPPORTED (a
 *  pre-release), ERROR_READ. */
MUST_CHECK bool debug_offsets_identify(struct memory *memory, raddr runtime, unsigned minor,
				       bool *is_free_threaded_ret, struct error *err);

/** Replace in `py`, a copy of the table for an identified interpreter, what the target's own
 *  offsets say. Our table stays the judge: a value that differs by more than micro versions could
 *  differ is refused. Errors: ERROR_UNSUPPORTED (another layout, naming the field), ERROR_READ.
 *  `py` is untouched on failure. */
MUST_CHECK bool debug_offsets_apply(struct memory *memory, raddr runtime, struct py_offsets *py,
				    struct error *err);

#endif
