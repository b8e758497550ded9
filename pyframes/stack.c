/* SPDX-License-Identifier: MIT */
#include "pyframes/stack.h"

#include <string.h>

/* A chunk of the data stack: {previous, size, top, data ...} (_PyStackChunk, CPython 3.11
 * Include/cpython/pystate.h). Frames lie in it one behind the other, so that one read gets many. */
enum { CHUNK_PREVIOUS = 0 };

/* Frames that are not shown, shims for instance, are not counted in FRAME_DEPTH_MAX. */
enum { STEPS_MAX = 4 * FRAME_DEPTH_MAX };

struct raw_frame {
	struct place place;
	raddr previous;
	unsigned owner;
};

static uint32_t frame_end(const struct py_offsets *py)
{
	const uint32_t fields[] = { py->frame.code, py->frame.previous, py->frame.position,
				    py->frame.owner };
	uint32_t end = 0;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (fields[i] != OFFSET_NONE && fields[i] > end)
			end = fields[i];
	return end + sizeof(raddr);
}

void stack_reader_init(struct stack_reader *reader, struct memory *memory,
		       const struct py_offsets *offsets)
{
	reader->memory = memory;
	reader->offsets = offsets;
	reader->frame_begin = offsets->frame.code < offsets->frame.previous
				      ? offsets->frame.code
				      : offsets->frame.previous;
	reader->frame_end = frame_end(offsets);
	reader->window.len = 0;
}

/* Whole pieces: a stack that has become a little deeper is then still what was read ahead. */
static size_t used_of_chunk(const struct thread_state *thread)
{
	enum { PIECE_BYTES = 2048 };
	raddr used = thread->datastack_top - thread->datastack_chunk;
	if (!thread->datastack_chunk || used < sizeof(raddr))
		return 0;
	if (used > STACK_WINDOW_BYTES_MAX)
		return STACK_CHUNK_BYTES;
	return used + -used % PIECE_BYTES;
}

static void open_window(struct stack_reader *reader, raddr chunk, size_t len)
{
	reader->window.base = chunk;
	reader->window.len = len;
	memcpy(&reader->window.older, reader->window.bytes + CHUNK_PREVIOUS, sizeof(raddr));
}

/* In one call: the thread's current frame, and the used part of its newest chunk. */
static bool begin(struct stack_reader *reader, const struct thread_state *thread, raddr *frame_ret,
		  struct error *err)
{
	const struct py_offsets *py = reader->offsets;
	bool has_cframe = py->cframe_frame != OFFSET_NONE;
	raddr frame = thread->frame;
	size_t used = used_of_chunk(thread);

	struct memory_span spans[] = {
		{ .address = thread->frame + (has_cframe ? py->cframe_frame : 0),
		  .buffer = &frame,
		  .len = has_cframe ? sizeof(frame) : 0 },
		{ .address = thread->datastack_chunk, .buffer = reader->window.bytes, .len = used },
	};
	if (!memory_read_spans(reader->memory, spans, ARRAY_LEN(spans), err))
		return false;

	if (has_cframe && !spans[0].is_read) {
		error_set_read(err, spans[0].address, 0);
		return error_context(err, "current frame");
	}
	reader->window.len = 0;
	if (used > 0 && spans[1].is_read)
		open_window(reader, thread->datastack_chunk, used);
	*frame_ret = frame;
	return true;
}

static bool is_in_window(const struct stack_reader *reader, raddr frame)
{
	raddr offset = frame - reader->window.base;
	return offset < reader->window.len && reader->window.len - offset >= reader->frame_end;
}

/* Frames only go down the stack: one below the window may be in the chunk that comes next. */
static bool load_older_chunk(struct stack_reader *reader, raddr frame, struct error *err)
{
	raddr chunk = reader->window.older;
	if (reader->window.len == 0 || !chunk || frame - chunk >= STACK_CHUNK_BYTES)
		return true;

	reader->window.len = 0;
	if (!memory_read(reader->memory, chunk, reader->window.bytes, STACK_CHUNK_BYTES, err))
		return error_context(err, "chunk of the data stack");
	open_window(reader, chunk, STACK_CHUNK_BYTES);
	return true;
}

/* Generators have their frames elsewhere, and so do entries from C and all versions up to 3.10. */
static bool read_frame(struct stack_reader *reader, raddr frame, const uint8_t **ret,
		       struct error *err)
{
	if (!is_in_window(reader, frame) && !load_older_chunk(reader, frame, err))
		return false;
	if (is_in_window(reader, frame)) {
		*ret = reader->window.bytes + (frame - reader->window.base);
		return true;
	}

	uint32_t begin_at = reader->frame_begin;
	if (!memory_read(reader->memory, frame + begin_at, reader->single + begin_at,
			 reader->frame_end - begin_at, err))
		return error_context(err, "frame");
	*ret = reader->single;
	return true;
}

static struct raw_frame frame_parse(const struct py_offsets *py, const uint8_t *bytes)
{
	struct raw_frame frame = { 0 };
	memcpy(&frame.place.code, bytes + py->frame.code, sizeof(raddr));
	memcpy(&frame.place.position, bytes + py->frame.position, sizeof(uint64_t));
	memcpy(&frame.previous, bytes + py->frame.previous, sizeof(raddr));
	frame.place.code &= ~(raddr)py->frame.code_tags;
	if (py->frame.owner != OFFSET_NONE)
		frame.owner = bytes[py->frame.owner];
	return frame;
}

bool stack_read(struct stack_reader *reader, const struct thread_state *thread, struct place *ret,
		size_t *len_ret, bool *is_truncated_ret, struct error *err)
{
	const struct py_offsets *py = reader->offsets;
	raddr address = 0;
	if (!begin(reader, thread, &address, err))
		return false;

	size_t len = 0;
	for (unsigned step = 0; address && len < FRAME_DEPTH_MAX && step < STEPS_MAX; step++) {
		const uint8_t *bytes = NULL;
		if (!read_frame(reader, address, &bytes, err))
			return false;
		struct raw_frame frame = frame_parse(py, bytes);
		bool is_foreign =
			py->frame.owner != OFFSET_NONE && frame.owner >= py->frame.foreign_owner;
		if (!is_foreign)
			ret[len++] = frame.place;
		address = frame.previous;
	}
	*len_ret = len;
	*is_truncated_ret = address != 0;
	return true;
}
