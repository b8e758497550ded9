/* SPDX-License-Identifier: MIT */
#include "pyframes/debug_offsets.h"

#include <stddef.h>
#include <string.h>

enum {
	COOKIE_AT = 0,
	VERSION_AT = 8,
	FREE_THREADED_AT = 16,
	STRUCT_BYTES = 584, /* 3.13.0 to 3.13.18 */
};

static const char cookie[] = { 'x', 'd', 'e', 'b', 'u', 'g', 'p', 'y' };

/* How far a field may move between micro versions. The large structures embed others, which grow;
 * what every frame, code object and string has is fixed for a minor version. */
enum { FIXED = 0, THREAD_SLACK = 64, RUNTIME_SLACK = 512, INTERPRETER_SLACK = 2048 };

#define ROW(at, field, slack)                                         \
	{                                                             \
		at, offsetof(struct py_offsets, field), slack, #field \
	}

/* Position in _Py_DebugOffsets, and the field of ours that it gives. */
static const struct {
	size_t at;
	size_t field;
	uint32_t slack;
	const char *name;
} rows[] = {
	ROW(40, runtime.interpreters_head, RUNTIME_SLACK),
	ROW(64, interpreter.next, INTERPRETER_SLACK),
	ROW(72, interpreter.threads_head, INTERPRETER_SLACK),
	ROW(168, thread.next, THREAD_SLACK),
	ROW(176, thread.interpreter, THREAD_SLACK),
	ROW(184, thread.frame, THREAD_SLACK),
	ROW(192, thread.thread_id, THREAD_SLACK),
	ROW(208, thread.datastack_chunk, THREAD_SLACK),
	ROW(216, thread.status, THREAD_SLACK),
	ROW(232, frame.previous, FIXED),
	ROW(240, frame.code, FIXED),
	ROW(248, frame.position, FIXED),
	ROW(264, frame.owner, FIXED),
	ROW(280, code.filename, FIXED),
	ROW(288, code.name, FIXED),
	ROW(296, code.qualname, FIXED),
	ROW(304, code.linetable, FIXED),
	ROW(312, code.first_line, FIXED),
	ROW(344, code.bytecode, FIXED),
	ROW(360, object_type, FIXED),
	ROW(520, bytes.size, FIXED),
	ROW(528, bytes.data, FIXED),
	ROW(544, unicode.state, FIXED),
	ROW(552, unicode.length, FIXED),
	ROW(560, unicode.ascii_data, FIXED),
};

static uint64_t word_at(const uint8_t *bytes, size_t at)
{
	uint64_t word;
	memcpy(&word, bytes + at, sizeof(word));
	return word;
}

static bool check_identity(const uint8_t *target, const struct version *version, struct error *err)
{
	if (memcmp(target + COOKIE_AT, cookie, sizeof(cookie)) != 0)
		return error_set(err, ERROR_FORMAT, "_PyRuntime has no debug offsets");

	struct version own;
	if (!version_from_hex(word_at(target, VERSION_AT), &own, err))
		return error_context(err, "debug offsets");
	if (own.minor != version->minor)
		return error_set(err, ERROR_FORMAT, "debug offsets are of 3.%u, Py_Version is 3.%u",
				 own.minor, version->minor);
	if (word_at(target, FREE_THREADED_AT) != 0)
		return error_set(err, ERROR_UNSUPPORTED,
				 "free-threaded CPython 3.%u.%u is not supported", own.minor,
				 own.micro);
	return true;
}

bool debug_offsets_apply(struct memory *memory, raddr runtime, const struct version *version,
			 struct py_offsets *py, struct error *err)
{
	uint8_t target[STRUCT_BYTES];
	if (!memory_read(memory, runtime, target, sizeof(target), err))
		return error_context(err, "debug offsets");
	if (!check_identity(target, version, err))
		return false;

	struct py_offsets merged = *py;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint32_t *field = (uint32_t *)((char *)&merged + rows[i].field);
		uint64_t value = word_at(target, rows[i].at);
		uint64_t distance = value > *field ? value - *field : *field - value;
		if (distance > rows[i].slack || value % 4 != *field % 4)
			return error_set(err, ERROR_UNSUPPORTED,
					 "unknown layout of CPython 3.%u: %s is %" PRIu64
					 ", expected %" PRIu32,
					 version->minor, rows[i].name, value, *field);
		*field = (uint32_t)value;
	}
	/* These keep their distance: what lies between is of fixed size. */
	uint32_t moved = merged.runtime.interpreters_head - py->runtime.interpreters_head;
	merged.runtime.initialized += moved;
	merged.runtime.allocator_tables += moved;
	*py = merged;
	return true;
}
