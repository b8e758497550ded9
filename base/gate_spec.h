/* SPDX-License-Identifier: MIT */
#ifndef BASE_GATE_SPEC_H
#define BASE_GATE_SPEC_H

/**
 * @file
 * What a gate is to be planted on. Who knows an allocator writes specs; the tracer plants whatever
 * specs it is given and knows no Python.
 */

#include "base/error.h"

/** What kind of memory an allocation counts as. */
enum memory_kind {
	MEMORY_PYMALLOC, /* an allocator of the interpreter's own */
	MEMORY_MALLOC,	 /* the C allocator */
	MEMORY_KIND_COUNT,
};

/** "pymalloc", "malloc": the names of reports and captures. */
const char *memory_kind_name(enum memory_kind kind);

/** What the gated function does, with its arguments behind the context argument, if it has one.
 *  Arguments that follow these are passed on untouched. */
enum gate_operation {
	GATE_MALLOC,	     /* (size) */
	GATE_CALLOC,	     /* (count, size) */
	GATE_REALLOC,	     /* (block or NULL, size) */
	GATE_FREE,	     /* (block) */
	GATE_MEMALIGN,	     /* (alignment, size) */
	GATE_POSIX_MEMALIGN, /* (block *, alignment, size), int result */
	GATE_REALLOCARRAY,   /* (block or NULL, count, size) */

	/* C++ operators that throw where malloc returns NULL. No exception finds its way through a
	 * gate, so a call that is sampled asks another gated function of the same allocator first,
	 * and the operator itself only if that refuses. */
	GATE_NEW,	  /* (size); asks the first GATE_MALLOC entry of the specs */
	GATE_NEW_ALIGNED, /* (size, alignment); asks the first GATE_MEMALIGN entry */

	/* The same functions where they leave part of their work to another gated function, which
	 * counts it: here it passes uncounted. */
	GATE_REALLOC_NOT_NULL,	     /* realloc, but a NULL block is malloc's */
	GATE_MEMALIGN_OVER_16,	     /* memalign, but alignments up to 16 are malloc's */
	GATE_POSIX_MEMALIGN_OVER_16, /* as is posix_memalign */

	/* Functions behind slots, these three of one allocator side by side in the specs, which
	 * hand requests of more than max_counted_bytes on to another allocator, whose gates see
	 * such blocks freed. A block that is sampled is handed on, too, whatever its size: so
	 * their own free needs no gate, and costs the target nothing. */
	GATE_MALLOC_HANDED_ON,
	GATE_CALLOC_HANDED_ON,
	GATE_REALLOC_HANDED_ON,
	GATE_OPERATION_COUNT,
};

/** How the gated function is reached. */
enum gate_place {
	GATE_SLOT,  /* a pointer in data at `address`; the function gets a context argument first */
	GATE_ENTRY, /* code at `address` */
};

/** Which threads may be inside the gated function at the same time. */
enum gate_guard {
	GATE_UNGUARDED,	 /* any thread at any time: one countdown per thread */
	GATE_SERIALISED, /* a lock (the GIL) lets in one thread at a time: one countdown suffices */
};

struct gate_spec {
	const char *name; /* "obj.malloc", "malloc": static storage; unique among planted gates */
	enum gate_place place;
	enum gate_operation operation;
	enum memory_kind kind;
	enum gate_guard guard;
	raddr address;
	/* GATE_SLOT: the pointer that the slot must hold for the gate to be planted. */
	raddr original;
	/* GATE_SLOT: requests of more bytes, and of 0 bytes, pass uncounted: another gate sees
	 * them. UINT64_MAX: all count, but for those of 0 bytes and of more than INT64_MAX, which
	 * no allocator can meet. */
	uint64_t max_counted_bytes;
};

#endif
