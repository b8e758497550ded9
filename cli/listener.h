/* SPDX-License-Identifier: MIT */
#ifndef CLI_LISTENER_H
#define CLI_LISTENER_H

/**
 * @file
 * Turns what happens at the gates into events. Belongs to the thread that traces; threads of the
 * target wait while it works, so it does nothing slow.
 */

#include "base/event_queue.h"
#include "cli/thread_names.h"
#include "cli/told_stack.h"
#include "pyframes/pyframes.h"
#include "tracer/tracer.h"

struct listener {
	struct event_queue *queue;
	struct pyframes *py;
	struct thread_names *names;
	const struct frame *unreadable; /* stands for a stack that makes no sense */
	bool is_finalizing; /* the interpreter was at `looked_ns`, the time of the last frees */
	uint64_t looked_ns;
	uint64_t refused; /* samples, because the queue was too full */
	bool is_checked;  /* a stop was as it must be: the interpreter is what we take it for */
	unsigned mismatches;
	struct error mismatch; /* the last one */
	struct told_stack told;
	const struct frame *frames[FRAME_DEPTH_MAX]; /* of the stop at hand */
};

/** Fill in a listener for a process; `queue` and `py` must outlive it. Frames and thread names in
 *  its events live as long as `py` and the listener.
 *  Errors: ERROR_NO_PROCESS, ERROR_NO_MEMORY. */
MUST_CHECK bool listener_init(struct listener *ret, int pid, struct event_queue *queue,
			      struct pyframes *py, struct error *err);
void listener_deinit(struct listener *listener);

/** What to give to tracer_plant(). Refers to `listener`. */
struct tracer_listener listener_callbacks(struct listener *listener);

/** Tell whether the first stops contradict the layout that the interpreter is taken to have: then
 *  nothing that was read is to be believed. Errors: ERROR_UNSUPPORTED. */
MUST_CHECK bool listener_trusts(const struct listener *listener, struct error *err);

/** Do what could wait while threads did. To be called between tracer_serve() calls. */
void listener_idle(struct listener *listener, const struct tracer *tracer);

#endif
