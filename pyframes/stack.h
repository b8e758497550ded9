/* SPDX-License-Identifier: MIT */
#ifndef PYFRAMES_STACK_H
#define PYFRAMES_STACK_H

/**
 * @file
 * The frames of a thread as addresses: which code object, at which instruction.
 */

#include "base/error.h"
#include "base/frame.h"
#include "base/memory.h"
#include "pyframes/offsets.h"
#include "pyframes/threads.h"

/** A place in Python code, as a frame says it. */
struct place {
	raddr code;	   /* a code object, if nothing is broken */
	uint64_t position; /* as py_offsets.frame.position_kind says */
};

enum {
	STACK_CHUNK_BYTES = 16384,	/* every chunk is at least that long (pystate.c) */
	STACK_WINDOW_BYTES_MAX = 65536, /* of the newest chunk */
	STACK_FRAME_BYTES_MAX = 128,	/* of a frame that are looked at */
};

/** Reads stacks. Keeps nothing from one stack_read() to the next. */
struct stack_reader {
	struct memory *memory;
	const struct py_offsets *offsets;
	uint32_t frame_begin; /* the bytes of a frame that are looked at */
	uint32_t frame_end;

	/* Of one stack_read(): a part of the data stack ... */
	struct {
		raddr base;
		size_t len;
		raddr older; /* the chunk below; 0: none */
		uint8_t bytes[STACK_WINDOW_BYTES_MAX];
	} window;
	/* ... and a frame that was not in it. */
	uint8_t single[STACK_FRAME_BYTES_MAX];
};

/** Set up. Both arguments must outlive the reader. */
void stack_reader_init(struct stack_reader *reader, struct memory *memory,
		       const struct py_offsets *offsets);

/** Read the places of a thread that stands still, innermost first, at most FRAME_DEPTH_MAX, into
 *  `ret`. What they say of code is not checked.
 *  Errors: ERROR_FORMAT (garbage where a frame should be), ERROR_READ. */
MUST_CHECK bool stack_read(struct stack_reader *reader, const struct thread_state *thread,
			   struct place *ret, size_t *len_ret, bool *is_truncated_ret,
			   struct error *err);

#endif
