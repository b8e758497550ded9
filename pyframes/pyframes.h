/* SPDX-License-Identifier: MIT */
#ifndef PYFRAMES_PYFRAMES_H
#define PYFRAMES_PYFRAMES_H

/**
 * @file
 * A CPython interpreter, read from outside through `struct memory`: its version, its allocator
 * tables, and the Python stack of a thread that stands still. Knows neither ptrace nor ELF.
 */

#include "base/error.h"
#include "base/frame.h"
#include "base/gate_spec.h"
#include "base/loads.h"
#include "base/memory.h"
#include "base/symbols.h"

struct pyframes;
struct runtime;

/** The most gates that pyframes_gate_specs() returns: three domains of four functions. */
enum { PYFRAMES_SPECS_MAX = 12 };

/** Find the interpreter. The three seams must outlive the result.
 *  Errors: ERROR_UNSUPPORTED (not CPython, or a version that is not known: named),
 *  ERROR_TIMEOUT (the runtime is not initialised yet: try again), and those of reading. */
MUST_CHECK bool pyframes_open(struct memory *memory, struct symbols *symbols, struct loads *loads,
			      struct pyframes **ret, struct error *err);

/** Open an interpreter whose runtime has been found. Whether it is laid out as its offsets say is
 *  tried here, on everything that a sample needs. Errors: as pyframes_open(). */
MUST_CHECK bool pyframes_open_runtime(struct memory *memory, struct symbols *symbols,
				      struct loads *loads, const struct runtime *runtime,
				      struct pyframes **ret, struct error *err);

/** Give back an interpreter, and with it every frame it interned. Takes NULL. */
void pyframes_close(struct pyframes *py);

/** "3.11.7", or "3.9" where the micro version cannot be told. Lives as long as `py`. */
const char *pyframes_version(const struct pyframes *py);

/** Find the innermost allocator tables and describe the gates of those that do not lead to the C
 *  allocator. None (length 0) if the interpreter uses that for everything.
 *  Errors: ERROR_UNSUPPORTED (tables not found), and those of reading. */
MUST_CHECK bool pyframes_gate_specs(struct pyframes *py, struct gate_spec *ret, size_t *len_ret,
				    struct error *err);

/** What the person who reads the figures has to know, found by pyframes_gate_specs(): a sentence of
 *  static storage, or NULL. */
const char *pyframes_note(const struct pyframes *py);

/** A thread that stands still. */
struct pyframes_thread {
	raddr thread_pointer;
	raddr stack_pointer;	      /* 0: unknown */
	const struct gate_spec *gate; /* at which it stands; NULL: unknown */
};

/** Read the Python stack of a thread, which must stand still, innermost first, into `ret`, which
 * has room for FRAME_DEPTH_MAX frames. A thread without Python state gives 0 frames and no error.
 * Errors: ERROR_FORMAT (garbage where a frame should be), ERROR_READ. */
MUST_CHECK bool pyframes_stack(struct pyframes *py, const struct pyframes_thread *thread,
			       const struct frame **ret, size_t *len_ret, bool *is_truncated_ret,
			       struct error *err);

/** Compare what is read of a thread that stands at one of pyframes_gate_specs() with what must hold
 *  there: its thread state is found, is the one that runs now, and its frames can be read; and a
 *  small block that it has just got lies in a pymalloc pool. `checked_ret` false: the gate is one
 * at which nothing is known to hold. Errors: ERROR_UNSUPPORTED, naming what differs. */
MUST_CHECK bool pyframes_check_stop(struct pyframes *py, const struct pyframes_thread *thread,
				    raddr block, bool *checked_ret, struct error *err);

/** Tell whether a block lies in a pymalloc pool, from the pool's own header. */
bool pyframes_is_pymalloc_block(struct pyframes *py, raddr block);

/** Tell whether the interpreter has begun to shut down: its exit functions have run, and it frees
 *  all that is left. A process that has ended counts. Stays true once seen. */
bool pyframes_is_finalizing(struct pyframes *py);

/** Tell whether the target has had more code than is told apart: some frames have no line, or no
 * name. Stays true. */
bool pyframes_is_crowded(const struct pyframes *py);

/** Intern a frame that is no Python frame (line 0), for instance "[native thread NAME]". */
MUST_CHECK bool pyframes_intern(struct pyframes *py, const char *function, const char *file,
				int line, const struct frame **ret, struct error *err);

#endif
