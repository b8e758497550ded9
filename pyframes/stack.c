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

static struct trail *trail_of(struct stack_reader *reader, const struct thread_state *thread)
{
	/* malloc aligns by 16, and a thread state is longer than 128 bytes. */
	return &reader->trails[(thread->address >> 7) % STACK_TRAILS];
}

/* Plan to read all frames of the thread's trail behind the first `span_count` spans. Returns how
 * many spans there are. */
static size_t read_ahead(struct stack_reader *reader, const struct thread_state *thread,
			 size_t span_count)
{
	struct trail *trail = trail_of(reader, thread);
	if (trail->thread != thread->address)
		trail->len = 0;
	trail->thread = thread->address;
	reader->ahead.trail = trail;
	reader->ahead.next = 0;
	reader->fresh.len = 0;

	uint32_t begin_at = reader->frame_begin;
	for (size_t i = 0; i < trail->len; i++)
		reader->ahead.spans[span_count++] =
			(struct memory_span){ .address = trail->frames[i] + begin_at,
					      .buffer = reader->ahead.bytes[i] + begin_at,
					      .len = reader->frame_end - begin_at };
	return span_count;
}

static size_t used_of_chunk(const struct thread_state *thread)
{
	raddr used = thread->datastack_top - thread->datastack_chunk;
	if (!thread->datastack_chunk || used < sizeof(raddr))
		return 0;
	return used <= STACK_WINDOW_BYTES_MAX ? used : STACK_CHUNK_BYTES;
}

static void open_window(struct stack_reader *reader, raddr chunk, size_t len)
{
	reader->window.base = chunk;
	reader->window.len = len;
	memcpy(&reader->window.older, reader->window.bytes + CHUNK_PREVIOUS, sizeof(raddr));
}

/* In one call: the thread's current frame, the used part of its newest chunk, and its trail. */
static bool begin(struct stack_reader *reader, const struct thread_state *thread, raddr *frame_ret,
		  struct error *err)
{
	const struct py_offsets *py = reader->offsets;
	bool has_cframe = py->cframe_frame != OFFSET_NONE;
	raddr frame = thread->frame;
	size_t used = used_of_chunk(thread);

	struct memory_span *cframe = &reader->ahead.spans[0];
	struct memory_span *chunk = &reader->ahead.spans[1];
	*cframe = (struct memory_span){ .address =
						thread->frame + (has_cframe ? py->cframe_frame : 0),
					.buffer = &frame,
					.len = has_cframe ? sizeof(frame) : 0 };
	*chunk = (struct memory_span){ .address = thread->datastack_chunk,
				       .buffer = reader->window.bytes,
				       .len = used };
	size_t span_count = read_ahead(reader, thread, 2);
	if (!memory_read_spans(reader->memory, reader->ahead.spans, span_count, err))
		return false;

	if (has_cframe && !cframe->is_read) {
		error_set_read(err, cframe->address, 0);
		return error_context(err, "current frame");
	}
	reader->window.len = 0;
	if (used > 0 && chunk->is_read)
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

/* The bytes of a frame that was read ahead, or NULL. */
static const uint8_t *find_ahead(struct stack_reader *reader, raddr frame)
{
	const struct trail *trail = reader->ahead.trail;
	for (size_t i = reader->ahead.next; i < trail->len; i++) {
		if (trail->frames[i] == frame) {
			reader->ahead.next = i + 1;
			return reader->ahead.spans[2 + i].is_read ? reader->ahead.bytes[i] : NULL;
		}
	}
	return NULL;
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

	if (reader->fresh.len < FRAME_DEPTH_MAX)
		reader->fresh.frames[reader->fresh.len++] = frame;
	*ret = find_ahead(reader, frame);
	if (*ret)
		return true;

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
	struct trail *trail = trail_of(reader, thread);
	trail->len = reader->fresh.len;
	memcpy(trail->frames, reader->fresh.frames, trail->len * sizeof(trail->frames[0]));
	*len_ret = len;
	*is_truncated_ret = address != 0;
	return true;
}
