/* SPDX-License-Identifier: MIT */
#ifndef CLI_ATTACHMENT_H
#define CLI_ATTACHMENT_H

/**
 * @file
 * A process that was recognised as CPython, with the gates that fit it: where tracer and pyframes
 * meet. All calls come from the thread that traces.
 */

#include <stdatomic.h>

#include "base/gate_spec.h"
#include "pyframes/pyframes.h"
#include "tracer/tracer.h"

struct attachment {
	struct tracer *tracer;
	struct pyframes *py;
	size_t spec_count;
	struct gate_spec specs[PYFRAMES_SPECS_MAX + TRACER_LIBC_SPECS_MAX];
};

/** Recognise a process, without changing anything in it but what an earlier filtrace left. A
 *  process that has just been started, as `is_launched` or its age tell, may not be an interpreter
 *  yet: it is waited for, some seconds at most or until `is_stop_asked`.
 *  Errors: those of tracer_open(), tracer_recover(), pyframes_open() and the gate specs. */
MUST_CHECK bool attachment_init(struct attachment *ret, int pid, bool is_launched,
				const atomic_bool *is_stop_asked, struct error *err);

/** Take gates out of where the target itself has put them while it was traced: whoever wraps an
 *  allocator (tracemalloc) saves the functions that it finds. To be called after tracer_lift();
 * looks at the process anew, as memory that was mapped since is unknown to the tracer. Errors:
 * those of attachment_init(). */
MUST_CHECK bool attachment_clean_up(int pid, struct error *err);

/** Give back everything, frames included. What is all zero is fine. */
void attachment_deinit(struct attachment *attachment);

#endif
