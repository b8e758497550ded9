/* SPDX-License-Identifier: MIT */
#ifndef PYFRAMES_ALLOCATORS_H
#define PYFRAMES_ALLOCATORS_H

/**
 * @file
 * CPython's allocator tables (PyMemAllocatorEx, Include/cpython/pymem.h): where they are, and which
 * allocator they lead to. Needs no symbols but the exported allocation functions, since stripped
 * builds have no others.
 */

#include "base/error.h"
#include "base/gate_spec.h"
#include "base/loads.h"
#include "base/memory.h"
#include "base/symbols.h"
#include "pyframes/runtime.h"

/** The largest request that pymalloc serves itself (SMALL_REQUEST_THRESHOLD, Objects/obmalloc.c).
 */
enum { ALLOCATORS_PYMALLOC_MAX = 512 };

/** The domains whose tables can be gated, and the one that they are compared with. */
enum allocator_domain { DOMAIN_OBJ, DOMAIN_MEM, DOMAIN_RAW, DOMAIN_COUNT };

/** What allocates small objects. */
enum allocator_mode {
	ALLOCATOR_MALLOC,   /* the C allocator, for all */
	ALLOCATOR_PYMALLOC, /* pymalloc up to 512 bytes, else the C allocator */
	ALLOCATOR_MIMALLOC, /* mimalloc, for all sizes */
};

/** The innermost table of a domain, behind those of tracemalloc and the debug hooks. */
struct allocator_table {
	raddr address;
	raddr context;	    /* 0: no table that is unknown lies behind this one */
	raddr functions[4]; /* malloc, calloc, realloc, free */
};

struct allocators {
	enum allocator_mode mode;
	bool has_mimalloc_raw; /* mimalloc serves DOMAIN_RAW as well */
	enum gate_guard guard; /* what lets in threads to DOMAIN_OBJ and DOMAIN_MEM */
	/* What stands between the program and the tables. */
	bool has_debug_hooks; /* PYTHONMALLOC=debug, -X dev: blocks are longer than asked for */
	bool has_tracer;      /* tracemalloc, or what works like it: allocates records of its own */
	struct allocator_table tables[DOMAIN_COUNT];
};

/** Find the tables, and follow them to the innermost ones. Errors: ERROR_UNSUPPORTED (the code of
 *  the allocation functions does not show them), and those of reading. */
MUST_CHECK bool allocators_find(struct memory *memory, struct symbols *symbols, struct loads *loads,
				const struct runtime *runtime, struct allocators *ret,
				struct error *err);

/** Describe the gates of these tables: none in mode ALLOCATOR_MALLOC, those of DOMAIN_RAW only
 * where no gate of the C allocator sees them, and each slot once. At most PYFRAMES_SPECS_MAX, whose
 *  number is returned. */
size_t allocators_specs(const struct allocators *allocators, struct gate_spec *ret);

/** Tell whether only a thread that runs Python, with the GIL if there is one, stands at this gate:
 * at those of DOMAIN_OBJ and DOMAIN_MEM. */
bool allocators_spec_needs_python(const struct gate_spec *spec);

#endif
