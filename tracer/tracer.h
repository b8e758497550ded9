/* SPDX-License-Identifier: MIT */
#ifndef TRACER_TRACER_H
#define TRACER_TRACER_H

/**
 * @file
 * A running process whose allocator entries can be gated. Knows Linux and machine code; knows no
 * Python: what to gate comes as gate specs, and what a stop means is the listener's business.
 *
 * Life: tracer_open (reads only) -> tracer_plant -> tracer_serve, again and again -> tracer_lift ->
 * tracer_close. All calls on one tracer come from one thread, which is the one that the target asks
 * the kernel about ("is my tracer still alive?"): it must not end before tracer_lift().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/gate_spec.h"
#include "base/loads.h"
#include "base/memory.h"
#include "base/stop_classes.h"
#include "base/symbols.h"

struct tracer;

/** The most gates that tracer_libc_specs() returns. */
enum { TRACER_LIBC_SPECS_MAX = 40 };

/** How a thread waits at a gate. */
enum tracer_stop_kind {
	TRACER_STOP_PARK, /* in a futex: only what crosses a countdown ever stops */
	/* At an int3, under ptrace. Refused where a thread blocks SIGTRAP or the process uses it
	 * (ERROR_UNSUPPORTED). Slower; a tracer that is itself stopped keeps threads waiting. */
	TRACER_STOP_TRAP,
};

struct tracer_options {
	uint64_t sample_bytes; /* fixed T; 0: adapt T to the budget */
	double budget;	       /* largest share of time that threads may stand stopped: 0.01 */
	double max_stops_per_second; /* 0: the default */
	enum tracer_stop_kind stop_kind;
};

/** One thread that waits at a gate. */
struct stop {
	uint64_t time_ns;     /* CLOCK_MONOTONIC */
	int tid;	      /* in the target's own pid namespace */
	raddr thread_pointer; /* its fs base, which is its pthread_self() */
	raddr stack_pointer;  /* of the gate's caller, to within 16 bytes */
	const struct gate_spec *gate;
	raddr block;		 /* what the allocator returned; never 0 */
	uint64_t size_bytes;	 /* what was asked for */
	uint64_t interval_bytes; /* T that the sample was drawn with; 1: every allocation */
};

/** Who is told. No call may block or be slow: threads of the target wait meanwhile. */
struct tracer_listener {
	void *context;
	/** The thread stands still during the call. Return false to discard the sample: its block
	 *  is not followed and counts nowhere. */
	bool (*on_stop)(void *context, const struct stop *stop);
	void (*on_free)(void *context, raddr block, uint64_t time_ns);
	/** Thinning (the table of live samples is full): forget this block ... */
	void (*on_drop)(void *context, raddr block);
	/** ... and, after a round of drops, let all others stand for twice as much. */
	void (*on_double)(void *context);
};

struct tracer_stats {
	uint64_t stops;
	uint64_t lost;		 /* samples without a free mailbox or place in the table, or whose
				  * stop timed out */
	uint64_t sample_bytes;	 /* T now */
	double stops_per_second; /* over the last seconds */
	double stopped_seconds;	 /* since planting, summed over threads; wake-up latency included */
	double median_stop_seconds;
	double p99_stop_seconds; /* 99 of 100 stops were shorter */
	double longest_stop_seconds;
	uint64_t stop_counts[STOP_CLASSES]; /* by stop_class_seconds[] */
	/* Parts of a stop: until this side has seen the thread, and until it was let go. */
	double median_seen_seconds, p99_seen_seconds;
	double median_look_seconds, p99_look_seconds;
	double attach_stopped_seconds; /* how long all threads stood still while planting */
	double lift_stopped_seconds;   /* ... and while lifting */
};

/** Look at a process without touching it. Errors: ERROR_NO_PROCESS; ERROR_NOT_PERMITTED (the
 *  context names the cause and the fix); ERROR_UNSUPPORTED (a kernel thread, not x86-64). */
MUST_CHECK bool tracer_open(int pid, struct tracer **ret, struct error *err);

/** The same for one that is not to be planted in, so that seccomp is no reason to refuse it. */
MUST_CHECK bool tracer_open_to_undo(int pid, struct tracer **ret, struct error *err);

/** Give back a tracer. Lifts first if gates are planted. Takes NULL. */
void tracer_close(struct tracer *tracer);

/* Views of the target, valid until tracer_close(). */
struct memory *tracer_memory(struct tracer *tracer);
struct symbols *tracer_symbols(struct tracer *tracer);
struct loads *tracer_loads(struct tracer *tracer);

/** Why a file that the target has mapped could not be read: if something is not found in the
 * target, that is the likely cause. NULL if all could. Valid until tracer_close(). */
const char *tracer_skipped_file(const struct tracer *tracer);

/** Describe the gates for the target's C allocator (at most TRACER_LIBC_SPECS_MAX).
 *  Errors: ERROR_UNSUPPORTED (no glibc, an allocator that is not known: named). */
MUST_CHECK bool tracer_libc_specs(struct tracer *tracer, struct gate_spec *ret, size_t *len_ret,
				  struct error *err);

/** What an earlier filtrace left, or one that is attached now has put in. */
struct tracer_leftovers {
	size_t regions; /* that wait to be used again; harmless */
	size_t gates;	/* whose change is in place */
	bool is_owned;	/* a filtrace lives, and has armed the gates */
	int owner_pid;	/* its process; 0: it cannot be seen from here */
};

/** Look for it, and change nothing. Errors: those of reading. */
MUST_CHECK bool tracer_leftovers(struct tracer *tracer, struct tracer_leftovers *ret,
				 struct error *err);

/** If an earlier filtrace was killed and left gates behind, take them out; `found_ret` tells.
 *  To be called before the target's tables are read for new specs. */
MUST_CHECK bool tracer_recover(struct tracer *tracer, bool *found_ret, struct error *err);

/** Put originals back into slots that hold a gate of an earlier attach, where the target itself has
 *  moved it to (whoever wraps an allocator saves the pointers that it finds). `found_ret` tells
 *  whether there was one: then the specs are to be made anew. To be called with fresh specs before
 *  planting, and after lifting. Errors: those of memory. */
MUST_CHECK bool tracer_clear_slots(struct tracer *tracer, const struct gate_spec *specs,
				   size_t spec_count, bool *found_ret, struct error *err);

/** Plant the gates and start sampling. On failure the target is as it was. The listener must live
 *  until tracer_lift(). Errors: ERROR_NOT_PERMITTED, ERROR_NO_PROCESS, ERROR_UNSUPPORTED,
 *  ERROR_UNSAFE (bytes of somebody else where a gate should go), ERROR_TIMEOUT. */
MUST_CHECK bool tracer_plant(struct tracer *tracer, const struct gate_spec *specs,
			     size_t spec_count, const struct tracer_options *options,
			     const struct tracer_listener *listener, struct error *err);

/** Serve stops and frees for about `duration_ns`. Errors: ERROR_NO_PROCESS when the target has
 *  ended. To be called without pause between planting and lifting: threads wait for it. */
MUST_CHECK bool tracer_serve(struct tracer *tracer, uint64_t duration_ns, struct error *err);

/** Restore every byte and every table slot that is still ours, release whoever waits. The target
 *  having ended is no error, nor that another filtrace has taken it over. */
MUST_CHECK bool tracer_lift(struct tracer *tracer, struct error *err);

/** Describe the cost so far; after tracer_lift(), that of the whole. */
void tracer_stats(const struct tracer *tracer, struct tracer_stats *ret);

#endif
