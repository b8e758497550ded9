/* SPDX-License-Identifier: MIT */
#ifndef PYFRAMES_OFFSETS_H
#define PYFRAMES_OFFSETS_H

/**
 * @file
 * Where the fields of CPython's structures lie, one const table per minor version, and a second one
 * for 3.13 without the GIL. All that differs between versions is said here; those who walk the
 * structures never look at a version.
 *
 * All offsets are in bytes, for 64-bit builds. Source: DWARF of release builds (3.8.18, 3.9.2,
 * 3.9.18, 3.10.13, 3.11.2, 3.11.7, 3.12.1, 3.13.0, 3.13.5, 3.13.18, 3.14.10, 3.15.2, 3.13.5t), in
 * which every value here is the same for all micro versions of a minor one and for --with-pydebug.
 * Each was compared with live interpreters.
 */

#include <stdbool.h>
#include <stdint.h>

/** The version has no such field. */
#define OFFSET_NONE UINT32_MAX

/** How the table behind a code object maps instructions to lines. */
enum line_format {
	LINE_LNOTAB,	/* co_lnotab, Objects/lnotab_notes.txt of 3.8 */
	LINE_RANGES,	/* co_linetable, Objects/lnotab_notes.txt of 3.10 (PEP 626) */
	LINE_LOCATIONS, /* co_linetable, Objects/locations.md of 3.11 (PEP 657) */
};

/** What a frame says about where it is. */
enum frame_position {
	POSITION_BYTES,	       /* int: byte offset into the code */
	POSITION_INSTRUCTIONS, /* int: number of 2-byte instructions */
	POSITION_POINTER,      /* address of an instruction inside the code object */
};

struct py_offsets {
	unsigned minor; /* of CPython 3 */
	bool is_free_threaded;

	struct {
		uint32_t size;	      /* roughly; 0: it depends on how the build was configured */
		uint32_t initialized; /* int: Py_IsInitialized() */
		uint32_t interpreters_head;
		uint32_t current_thread;   /* gilstate.tstate_current: who holds the GIL, or 0 */
		uint32_t allocator_tables; /* allocators.standard: the tables raw, mem and obj */
	} runtime;
	struct {
		uint32_t next;
		uint32_t threads_head;
	} interpreter;
	struct {
		uint32_t next;
		uint32_t interpreter;
		uint32_t id;		  /* unique in its interpreter for ever */
		uint32_t thread_id;	  /* pthread_self() */
		uint32_t status;	  /* bits of enum thread_status */
		uint32_t frame;		  /* the current frame, or the _PyCFrame that has it */
		uint32_t datastack_chunk; /* followed by datastack_top */
	} thread;
	/* Where a _PyCFrame has the current frame; NONE: the thread itself has it. */
	uint32_t cframe_frame;
	struct {
		uint32_t code;
		uint32_t previous;
		uint32_t position;
		uint32_t owner; /* one byte */
		enum frame_position position_kind;
		unsigned foreign_owner; /* owners from here on are no Python frames */
		unsigned code_tags;	/* bits of `code` that are no part of the address */
	} frame;
	struct {
		uint32_t first_line;
		uint32_t filename;
		uint32_t name;
		uint32_t qualname;
		uint32_t linetable;
		uint32_t version;      /* unique among all code objects, or 0; 32 bits */
		uint32_t bytecode;     /* the instructions, where POSITION_POINTER points */
		uint32_t unit_count;   /* how many 2-byte units of them */
		uint32_t bytes_object; /* the instructions as an object of their own */
		enum line_format line_format;
	} code;
	uint32_t object_type;
	uint32_t type_name; /* of a PyTypeObject: char * */
	struct {
		uint32_t length;
		uint32_t state;
		uint32_t ascii_data;   /* sizeof(PyASCIIObject) */
		uint32_t compact_data; /* sizeof(PyCompactUnicodeObject) */
	} unicode;
	struct {
		uint32_t size;
		uint32_t data;
	} bytes;
	uint32_t pool_bytes;	/* of pymalloc; a power of two */
	bool has_debug_offsets; /* _PyRuntime begins with a _Py_DebugOffsets */
	bool has_mimalloc_raw;	/* where mimalloc serves a domain, it serves PyMem_RawMalloc too */
};

/** Bits of PyThreadState._status (CPython 3.12 Include/cpython/pystate.h). */
enum thread_status {
	THREAD_BOUND = 1u << 1,
	THREAD_UNBOUND = 1u << 2,
	THREAD_BOUND_GILSTATE = 1u << 3,
	THREAD_ACTIVE = 1u << 4,
};

/** What the messages say is supported. */
#define PY_OFFSETS_SUPPORTED "3.8 to 3.15, and 3.13 without the GIL,"

/** The table of CPython 3.`minor`, with the GIL or without it; NULL if that one is not known. */
const struct py_offsets *py_offsets_find(unsigned minor, bool is_free_threaded);

#endif
