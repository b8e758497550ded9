/* SPDX-License-Identifier: MIT */
#include "pyframes/debug_offsets.h"

#include <stddef.h>
#include <string.h>

/* The head is the same in all versions. */
struct head {
	char cookie[8];
	uint64_t version; /* PY_VERSION_HEX */
	uint64_t is_free_threaded;
};

static const char cookie[] = { 'x', 'd', 'e', 'b', 'u', 'g', 'p', 'y' };

/* What follows has neither a size nor a version of its own: every minor version has a layout. */
enum { FIRST_MINOR = 13, LAYOUT_COUNT = 3, STRUCT_BYTES_MAX = 888 };

static const size_t struct_bytes[LAYOUT_COUNT] = { 584, 760, STRUCT_BYTES_MAX };

/* How far a field may move between micro versions. The large structures embed others, which grow;
 * what every frame, code object and string has is fixed for a minor version. */
enum { FIXED = 0, THREAD_SLACK = 64, RUNTIME_SLACK = 512, INTERPRETER_SLACK = 2048 };

/* The position in 3.13, 3.14 and 3.15 of the word that gives a field of ours; 0: there is none. */
#define ROW(field, slack, ...)                                                     \
	{                                                                          \
		{ __VA_ARGS__ }, offsetof(struct py_offsets, field), slack, #field \
	}

static const struct {
	size_t at[LAYOUT_COUNT];
	size_t field;
	uint32_t slack;
	const char *name;
} rows[] = {
	ROW(runtime.interpreters_head, RUNTIME_SLACK, 40, 40, 40),
	ROW(interpreter.next, INTERPRETER_SLACK, 64, 64, 64),
	ROW(interpreter.threads_head, INTERPRETER_SLACK, 72, 72, 72),
	ROW(thread.next, THREAD_SLACK, 168, 192, 192),
	ROW(thread.interpreter, THREAD_SLACK, 176, 200, 200),
	ROW(thread.frame, THREAD_SLACK, 184, 208, 208),
	ROW(thread.thread_id, THREAD_SLACK, 192, 216, 240),
	ROW(thread.datastack_chunk, THREAD_SLACK, 208, 232, 256),
	ROW(thread.status, THREAD_SLACK, 216, 240, 264),
	ROW(frame.previous, FIXED, 232, 256, 320),
	ROW(frame.code, FIXED, 240, 264, 328),
	ROW(frame.position, FIXED, 248, 272, 336),
	ROW(frame.owner, FIXED, 264, 288, 352),
	ROW(code.filename, FIXED, 280, 320, 384),
	ROW(code.name, FIXED, 288, 328, 392),
	ROW(code.qualname, FIXED, 296, 336, 400),
	ROW(code.linetable, FIXED, 304, 344, 408),
	ROW(code.first_line, FIXED, 312, 352, 416),
	ROW(code.bytecode, FIXED, 344, 384, 448),
	ROW(object_type, FIXED, 360, 408, 472),
	ROW(type_name, FIXED, 376, 424, 488),
	ROW(bytes.size, FIXED, 520, 600, 696),
	ROW(bytes.data, FIXED, 528, 608, 704),
	ROW(unicode.state, FIXED, 544, 624, 720),
	ROW(unicode.length, FIXED, 552, 632, 728),
	ROW(unicode.ascii_data, FIXED, 560, 640, 736),
	ROW(unicode.compact_data, FIXED, 0, 0, 744),
};

bool debug_offsets_identify(struct memory *memory, raddr runtime, unsigned minor,
			    bool *is_free_threaded_ret, struct error *err)
{
	struct head head;
	struct version own;
	if (!memory_read(memory, runtime, &head, sizeof(head), err))
		return error_context(err, "debug offsets");
	if (memcmp(head.cookie, cookie, sizeof(cookie)) != 0)
		return error_set(err, ERROR_FORMAT, "_PyRuntime has no debug offsets");
	if (!version_from_hex(head.version, &own, err))
		return error_context(err, "debug offsets");
	if (own.minor != minor)
		return error_set(err, ERROR_FORMAT, "debug offsets are of 3.%u, Py_Version is 3.%u",
				 own.minor, minor);
	*is_free_threaded_ret = head.is_free_threaded != 0;
	return true;
}

/* Take one field over, if the value is near enough to ours and aligned like it. */
static bool apply_row(const uint8_t *target, size_t at, size_t row, struct py_offsets *py,
		      struct error *err)
{
	uint32_t *field = (uint32_t *)((char *)py + rows[row].field);
	uint64_t value;
	memcpy(&value, target + at, sizeof(value));
	uint64_t distance = value > *field ? value - *field : *field - value;
	if (distance > rows[row].slack || value % 4 != *field % 4)
		return error_set(err, ERROR_UNSUPPORTED,
				 "unknown layout of CPython 3.%u: %s is %" PRIu64
				 ", expected %" PRIu32,
				 py->minor, rows[row].name, value, *field);
	*field = (uint32_t)value;
	return true;
}

bool debug_offsets_apply(struct memory *memory, raddr runtime, struct py_offsets *py,
			 struct error *err)
{
	size_t layout = py->minor - FIRST_MINOR;
	uint8_t target[STRUCT_BYTES_MAX];
	if (layout >= LAYOUT_COUNT)
		return error_set(err, ERROR_UNSUPPORTED,
				 "the debug offsets of CPython 3.%u are not known", py->minor);
	if (!memory_read(memory, runtime, target, struct_bytes[layout], err))
		return error_context(err, "debug offsets");

	struct py_offsets merged = *py;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].at[layout] && !apply_row(target, rows[i].at[layout], i, &merged, err))
			return false;
	/* These keep their distance: what lies between is of fixed size. */
	uint32_t moved = merged.runtime.interpreters_head - py->runtime.interpreters_head;
	merged.runtime.initialized += moved;
	merged.runtime.allocator_tables += moved;
	*py = merged;
	return true;
}
