/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_PYFRAMES_FAKE_PYTHON_H
#define TESTS_UNIT_PYFRAMES_FAKE_PYTHON_H

/**
 * @file
 * A CPython of any known version in a fake target: interpreters, threads, frames, code objects.
 */

#include "pyframes/offsets.h"
#include "tests/unit/pyframes/fake_target.h"

#define FAKE_IMAGE "/usr/lib/libpython.so"

enum {
	FAKE_RUNTIME_BYTES = 4096,
	FAKE_INTERPRETER_BYTES = 8192,
	FAKE_STATE_BYTES = 512,
	FAKE_FRAME_BYTES = 128,
	FAKE_OBJECT_BYTES = 256,
	FAKE_CHUNK_BYTES = 16384,
	FAKE_CHUNK_HEADER_BYTES = 24
};

struct fake_python {
	struct fake_target target;
	struct py_offsets py;
	raddr runtime;
	raddr interpreter;
	raddr metatype;
	raddr code_type;
	raddr str_type;
	raddr bytes_type;
	unsigned next_thread_id;
	unsigned next_code_version;
};

/** Every build that is supported. */
struct fake_build {
	unsigned minor;
	bool is_free_threaded;
};

static const struct fake_build fake_builds[] = { { 8, false },	{ 9, false },  { 10, false },
						 { 11, false }, { 12, false }, { 13, false },
						 { 14, false }, { 15, false }, { 13, true } };

#define FOR_EACH_BUILD(build)                              \
	for (const struct fake_build *build = fake_builds; \
	     build < fake_builds + sizeof(fake_builds) / sizeof(fake_builds[0]); build++)

/* A str of `length` characters of `kind` bytes. */
static inline raddr fake_str(struct fake_python *fake, unsigned kind, bool is_ascii,
			     const void *characters, size_t length)
{
	const struct py_offsets *py = &fake->py;
	uint32_t data = is_ascii ? py->unicode.ascii_data : py->unicode.compact_data;
	raddr str = fake_alloc(&fake->target, data + (length + 1) * kind);
	fake_put_word(&fake->target, str + py->object_type, fake->str_type);
	fake_put_word(&fake->target, str + py->unicode.length, length);
	fake_put_int(&fake->target, str + py->unicode.state,
		     kind << 2 | 1u << 5 | (is_ascii ? 1u << 6 : 0));
	fake_put(&fake->target, str + data, characters, length * kind);
	return str;
}

static inline raddr fake_ascii(struct fake_python *fake, const char *text)
{
	return fake_str(fake, 1, true, text, strlen(text));
}

static inline raddr fake_bytes(struct fake_python *fake, const void *bytes, size_t len)
{
	const struct py_offsets *py = &fake->py;
	raddr object = fake_alloc(&fake->target, py->bytes.data + len + 1);
	fake_put_word(&fake->target, object + py->object_type, fake->bytes_type);
	fake_put_word(&fake->target, object + py->bytes.size, len);
	fake_put(&fake->target, object + py->bytes.data, bytes, len);
	return object;
}

/* Bytes 0 to 9 of the bytecode are on the first line, 10 to 19 on the next one. */
static inline raddr fake_linetable(struct fake_python *fake)
{
	static const uint8_t lnotab[] = { 10, 1 };
	static const uint8_t ranges[] = { 10, 0, 10, 1 };
	static const uint8_t locations[] = { 0x80 | 13 << 3 | 4, 0, 0x80 | 13 << 3 | 4, 2 };
	switch (fake->py.code.line_format) {
	case LINE_LNOTAB:
		return fake_bytes(fake, lnotab, sizeof(lnotab));
	case LINE_RANGES:
		return fake_bytes(fake, ranges, sizeof(ranges));
	default:
		return fake_bytes(fake, locations, sizeof(locations));
	}
}

/* 20 bytes of bytecode: as an object of its own, or as a count of units. */
static inline void fake_put_bytecode(struct fake_python *fake, raddr code)
{
	enum { UNITS = 10 };
	static const uint8_t zeros[2 * UNITS];
	const struct py_offsets *py = &fake->py;
	struct fake_target *target = &fake->target;
	if (py->code.bytes_object != OFFSET_NONE &&
	    !fake_word(target, code + py->code.bytes_object))
		fake_put_word(target, code + py->code.bytes_object,
			      fake_bytes(fake, zeros, sizeof(zeros)));
	if (py->code.unit_count != OFFSET_NONE)
		fake_put_word(target, code + py->code.unit_count, UNITS);
}

/* Fill in the code object at `code`; the qualified name is `name` with "Class." before it. */
static inline void fake_put_code(struct fake_python *fake, raddr code, raddr filename, raddr name,
				 raddr qualname, raddr linetable, int first_line)
{
	const struct py_offsets *py = &fake->py;
	struct fake_target *target = &fake->target;
	fake_put_word(target, code + py->object_type, fake->code_type);
	fake_put_int(target, code + py->code.first_line, (uint32_t)first_line);
	fake_put_word(target, code + py->code.filename, filename);
	fake_put_word(target, code + py->code.name, name);
	fake_put_word(target, code + py->code.linetable, linetable);
	fake_put_bytecode(fake, code);
	if (py->code.qualname != OFFSET_NONE)
		fake_put_word(target, code + py->code.qualname, qualname);
	if (py->code.version != OFFSET_NONE)
		fake_put_int(target, code + py->code.version, ++fake->next_code_version);
}

static inline raddr fake_code(struct fake_python *fake, const char *filename, const char *name,
			      const char *qualname, int first_line)
{
	raddr code = fake_alloc(&fake->target, FAKE_OBJECT_BYTES);
	fake_put_code(fake, code, fake_ascii(fake, filename), fake_ascii(fake, name),
		      fake_ascii(fake, qualname), fake_linetable(fake), first_line);
	return code;
}

/* A new thread state at the head of the interpreter's list. */
static inline raddr fake_thread(struct fake_python *fake, raddr interpreter, raddr thread_pointer)
{
	const struct py_offsets *py = &fake->py;
	struct fake_target *target = &fake->target;
	raddr head = interpreter + py->interpreter.threads_head;
	raddr state = fake_alloc(target, FAKE_STATE_BYTES);
	fake_put_word(target, state + py->thread.next, fake_word(target, head));
	fake_put_word(target, state + py->thread.interpreter, interpreter);
	fake_put_word(target, state + py->thread.id, ++fake->next_thread_id);
	fake_put_word(target, state + py->thread.thread_id, thread_pointer);
	if (py->thread.status != OFFSET_NONE)
		fake_put_int(target, state + py->thread.status, 1 | THREAD_BOUND);
	if (py->cframe_frame != OFFSET_NONE)
		fake_put_word(target, state + py->thread.frame,
			      state + FAKE_STATE_BYTES - 2 * sizeof(raddr));
	if (py->thread.datastack_chunk != OFFSET_NONE) {
		raddr chunk = fake_alloc(target, FAKE_CHUNK_BYTES);
		fake_put_word(target, state + py->thread.datastack_chunk, chunk);
		fake_put_word(target, state + py->thread.datastack_chunk + 8,
			      chunk + FAKE_CHUNK_HEADER_BYTES);
	}
	fake_put_word(target, head, state);
	return state;
}

/* Make it the thread state that runs now. */
static inline void fake_set_running(struct fake_python *fake, raddr state)
{
	const struct py_offsets *py = &fake->py;
	if (py->runtime.current_thread != OFFSET_NONE)
		fake_put_word(&fake->target, fake->runtime + py->runtime.current_thread, state);
	if (py->thread.status != OFFSET_NONE)
		fake_put_int(&fake->target, state + py->thread.status,
			     1 | THREAD_BOUND | THREAD_ACTIVE);
}

/* Where the address of a thread's current frame is. */
static inline raddr fake_current(struct fake_python *fake, raddr state)
{
	raddr in_state = state + fake->py.thread.frame;
	return fake->py.cframe_frame == OFFSET_NONE
		       ? in_state
		       : fake_word(&fake->target, in_state) + fake->py.cframe_frame;
}

/* Room for a frame: on the data stack, in a new chunk if the last one is full, or on its own. */
static inline raddr fake_frame_room(struct fake_python *fake, raddr state)
{
	struct fake_target *target = &fake->target;
	if (fake->py.thread.datastack_chunk == OFFSET_NONE)
		return fake_alloc(target, FAKE_FRAME_BYTES);

	raddr chunk_at = state + fake->py.thread.datastack_chunk;
	raddr chunk = fake_word(target, chunk_at);
	raddr top = fake_word(target, chunk_at + 8);
	if (top + FAKE_FRAME_BYTES > chunk + FAKE_CHUNK_BYTES) {
		raddr older = chunk;
		chunk = fake_alloc(target, FAKE_CHUNK_BYTES);
		fake_put_word(target, chunk, older);
		fake_put_word(target, chunk_at, chunk);
		top = chunk + FAKE_CHUNK_HEADER_BYTES;
	}
	fake_put_word(target, chunk_at + 8, top + FAKE_FRAME_BYTES);
	return top;
}

/* Whoever runs Python code has a _PyCFrame on the C stack; whoever does not, in the state. */
static inline void fake_leave_root(struct fake_python *fake, raddr state)
{
	enum { FAR_BYTES = 2048 };
	raddr at = state + fake->py.thread.frame;
	if (fake_word(&fake->target, at) - state < FAKE_STATE_BYTES)
		fake_put_word(&fake->target, at,
			      fake_alloc(&fake->target, FAR_BYTES) + FAR_BYTES / 2);
}

/* Make the frame at `frame` the thread's current one. */
static inline void fake_push_at(struct fake_python *fake, raddr state, raddr frame, raddr code,
				int instruction, unsigned owner)
{
	const struct py_offsets *py = &fake->py;
	struct fake_target *target = &fake->target;
	if (py->cframe_frame != OFFSET_NONE)
		fake_leave_root(fake, state);
	raddr current = fake_current(fake, state);
	fake_put_word(target, frame + py->frame.previous, fake_word(target, current));
	fake_put_word(target, frame + py->frame.code, code | (py->frame.code_tags & 1));
	switch (py->frame.position_kind) {
	case POSITION_BYTES:
		fake_put_int(target, frame + py->frame.position, (uint32_t)instruction);
		break;
	case POSITION_INSTRUCTIONS:
		fake_put_int(target, frame + py->frame.position, (uint32_t)(instruction / 2));
		break;
	case POSITION_POINTER:
		fake_put_word(target, frame + py->frame.position,
			      code + py->code.bytecode + (raddr)(int64_t)instruction);
		break;
	}
	if (py->frame.owner != OFFSET_NONE)
		*(uint8_t *)fake_at(target, frame + py->frame.owner) = (uint8_t)owner;
	fake_put_word(target, current, frame);
}

static inline void fake_push(struct fake_python *fake, raddr state, raddr code, int instruction)
{
	fake_push_at(fake, state, fake_frame_room(fake, state), code, instruction, 0);
}

/* What 3.13, 3.14 and 3.15 say about their own layout, at the positions that their headers give. */
static inline void fake_put_debug_offsets(struct fake_python *fake, uint64_t version_hex)
{
	const struct py_offsets *py = &fake->py;
	const struct {
		uint64_t value;
		unsigned at[3];
	} rows[] = {
		{ version_hex, { 8, 8, 8 } },
		{ py->is_free_threaded, { 16, 16, 16 } },
		{ py->runtime.interpreters_head, { 40, 40, 40 } },
		{ py->interpreter.next, { 64, 64, 64 } },
		{ py->interpreter.threads_head, { 72, 72, 72 } },
		{ py->thread.next, { 168, 192, 192 } },
		{ py->thread.interpreter, { 176, 200, 200 } },
		{ py->thread.frame, { 184, 208, 208 } },
		{ py->thread.thread_id, { 192, 216, 240 } },
		{ py->thread.datastack_chunk, { 208, 232, 256 } },
		{ py->thread.status, { 216, 240, 264 } },
		{ py->frame.previous, { 232, 256, 320 } },
		{ py->frame.code, { 240, 264, 328 } },
		{ py->frame.position, { 248, 272, 336 } },
		{ py->frame.owner, { 264, 288, 352 } },
		{ py->code.filename, { 280, 320, 384 } },
		{ py->code.name, { 288, 328, 392 } },
		{ py->code.qualname, { 296, 336, 400 } },
		{ py->code.linetable, { 304, 344, 408 } },
		{ py->code.first_line, { 312, 352, 416 } },
		{ py->code.bytecode, { 344, 384, 448 } },
		{ py->object_type, { 360, 408, 472 } },
		{ py->type_name, { 376, 424, 488 } },
		{ py->bytes.size, { 520, 600, 696 } },
		{ py->bytes.data, { 528, 608, 704 } },
		{ py->unicode.state, { 544, 624, 720 } },
		{ py->unicode.length, { 552, 632, 728 } },
		{ py->unicode.ascii_data, { 560, 640, 736 } },
		{ py->unicode.compact_data, { 0, 0, 744 } },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].at[py->minor - 13])
			fake_put_word(&fake->target, fake->runtime + rows[i].at[py->minor - 13],
				      rows[i].value);
	fake_put(&fake->target, fake->runtime, "xdebugpy", 8);
}

/* Export what tells the version: what each version exports that the one before does not. */
static inline void fake_export_version(struct fake_python *fake, unsigned minor)
{
	static const struct {
		unsigned minor;
		const char *name;
	} functions[] = {
		{ 8, "PyCode_NewWithPosOnlyArgs" },
		{ 9, "PyFrame_GetCode" },
		{ 10, "PyModule_AddObjectRef" },
	};
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (functions[i].minor <= minor)
			fake_export(&fake->target, functions[i].name, FAKE_CODE, FAKE_IMAGE);
	if (minor >= 11) {
		raddr version = fake_alloc(&fake->target, sizeof(uint64_t));
		fake_put_word(&fake->target, version, 0x030002f0 | (uint64_t)minor << 16);
		fake_export(&fake->target, "Py_Version", version, FAKE_IMAGE);
	}
}

static inline raddr fake_interpreter(struct fake_python *fake)
{
	raddr head = fake->runtime + fake->py.runtime.interpreters_head;
	raddr interpreter = fake_alloc(&fake->target, FAKE_INTERPRETER_BYTES);
	fake_put_word(&fake->target, interpreter + fake->py.interpreter.next,
		      fake_word(&fake->target, head));
	fake_put_word(&fake->target, head, interpreter);
	return interpreter;
}

static inline raddr fake_type(struct fake_python *fake, const char *symbol, const char *name)
{
	raddr type = fake_alloc(&fake->target, FAKE_OBJECT_BYTES);
	raddr text = fake_alloc(&fake->target, 64);
	fake_put(&fake->target, text, name, strlen(name));
	fake_put_word(&fake->target, type + fake->py.object_type,
		      fake->metatype ? fake->metatype : type);
	fake_put_word(&fake->target, type + fake->py.type_name, text);
	fake_export(&fake->target, symbol, type, FAKE_IMAGE);
	return type;
}

/* A CPython with one interpreter that has no threads yet. */
static inline void fake_build_init(struct fake_python *fake, const struct fake_build *build)
{
	fake_init(&fake->target);
	fake->next_thread_id = 0;
	fake->next_code_version = 0;
	fake->py = *py_offsets_find(build->minor, build->is_free_threaded);
	fake->runtime = fake_alloc(&fake->target, FAKE_RUNTIME_BYTES);
	fake_export(&fake->target, "_PyRuntime", fake->runtime, FAKE_IMAGE);
	fake->metatype = 0;
	fake->metatype = fake_type(fake, "PyType_Type", "type");
	fake->code_type = fake_type(fake, "PyCode_Type", "code");
	fake->str_type = fake_type(fake, "PyUnicode_Type", "str");
	fake->bytes_type = fake_type(fake, "PyBytes_Type", "bytes");
	fake->interpreter = fake_interpreter(fake);
	fake_export_version(fake, build->minor);
	if (fake->py.has_debug_offsets)
		fake_put_debug_offsets(fake, 0x030002f0 | (uint64_t)build->minor << 16);
}

/* CPython 3.`minor` with the GIL. */
static inline void fake_python_init(struct fake_python *fake, unsigned minor)
{
	fake_build_init(fake, &(struct fake_build){ .minor = minor });
}

#endif
