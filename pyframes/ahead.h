/* SPDX-License-Identifier: MIT */
#ifndef PYFRAMES_AHEAD_H
#define PYFRAMES_AHEAD_H

/**
 * @file
 * Reading ahead: a thread that stops has mostly the same stack as when it last stopped. So what was
 * read then is read first, all in one call, and whatever is asked for afterwards is taken from that
 * as far as it is there. What was read never outlives the stop.
 */

#include "base/memory.h"

enum {
	AHEAD_TRAILS = 32, /* each thread has one of them */
	AHEAD_SPANS_MAX = 1024,
	AHEAD_BYTES_MAX = 256 << 10,
};

/** What was asked for in one stop, in that order. */
struct ahead_trail {
	raddr thread;
	size_t len;
	struct ahead_place {
		raddr address;
		size_t len;
	} places[AHEAD_SPANS_MAX];
};

struct ahead {
	struct memory memory; /* the seam: reads through `target` */
	struct memory *target;
	bool is_on; /* between ahead_begin() and ahead_end() */
	struct ahead_trail trails[AHEAD_TRAILS];

	/* Of this stop: what was read ahead, */
	struct memory_span spans[AHEAD_SPANS_MAX];
	size_t span_count;
	size_t next; /* where the next one that is asked for is expected */
	uint8_t bytes[AHEAD_BYTES_MAX];
	/* what was not, of one call, */
	struct memory_span missing[AHEAD_SPANS_MAX];
	size_t missing_of[AHEAD_SPANS_MAX];
	/* and what was asked for. */
	struct ahead_trail fresh;
	size_t fresh_bytes;
};

void ahead_init(struct ahead *ahead, struct memory *target);

/** The thread with this thread pointer stands still from now on: read what it had the last time.
 *  What cannot be read is not there, and no error until it is asked for. */
void ahead_begin(struct ahead *ahead, raddr thread_pointer);

/** The thread may run on. Until the next ahead_begin() all is read when it is asked for. */
void ahead_end(struct ahead *ahead);

#endif
