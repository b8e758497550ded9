/* SPDX-License-Identifier: MIT */
#ifndef TRACER_STUB_H
#define TRACER_STUB_H

/**
 * @file
 * System calls made by the target itself: one of its threads is sent through a stub
 * (stub_x86_64.S), which answers in the region's anchor, and goes back to where it was.
 */

#include "tracer/images.h"
#include "tracer/pads.h"
#include "tracer/target_memory.h"
#include "tracer/world.h"

/** One kind of stub, as assembled. */
struct stub {
	const uint8_t *begin, *enter, *words;
};

extern const struct stub stub_maps_region, stub_sets_action;

struct stub_job {
	const struct stub *stub;
	raddr base;  /* of the region */
	bool is_new; /* the stub maps it, and runs behind the code of some file until then */
	uint64_t arguments[STUB_ARGUMENTS_MAX];

	/* Filled in by stub_run(). */
	raddr place;	 /* where the stub's code goes */
	raddr inside;	 /* the byte that says that a thread is there, or 0 */
	uint64_t cookie; /* random: by it we know that what we read was written by our stub */
	int tid;
	raddr resume; /* where the thread was */
};

/** What a stub says, as it lies in the anchor. */
struct stub_answer {
	uint32_t state; /* enum stub_state */
	int32_t fd;	/* the memfd, or minus errno */
	int64_t wipe_result;
	uint64_t unused;
	uint64_t cookie;
};

/** Send one thread, whichever can, through the stub, and wait for its answer. It may stand by until
 *  stub_dismiss(). Errors: ERROR_TIMEOUT (no thread could run it just now), ERROR_UNSAFE (a thread
 *  is stuck on its way into it), ERROR_UNSUPPORTED (no room), ERROR_NO_PROCESS, those of memory. */
MUST_CHECK bool stub_run(struct target_memory *tm, const struct images *images,
			 struct stub_job *job, struct stub_answer *ret, struct error *err);

/** Let the stub that stands by go, and see it leave. */
MUST_CHECK bool stub_dismiss(struct target_memory *tm, raddr base, struct error *err);

/** Take a stub that was put behind the code of some file out again, if its thread has left it. */
void stub_clear(struct target_memory *tm, const struct stub_job *job);

/** Tell whether some thread is still inside a stub, ours or of an earlier filtrace that was killed.
 *  All threads must be stopped. */
bool stub_is_running(raddr base, const struct images *images, struct memory *memory,
		     const struct world *world);

#endif
