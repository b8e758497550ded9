/* SPDX-License-Identifier: MIT */
#include "pyframes/ahead.h"

#include <string.h>

/* The span that was read ahead and has all of this one, from the expected one on: what is asked for
 * comes in the same order each time, with gaps. */
static const uint8_t *find(struct ahead *ahead, const struct memory_span *span)
{
	for (size_t i = ahead->next; i < ahead->span_count; i++) {
		const struct memory_span *known = &ahead->spans[i];
		raddr offset = span->address - known->address;
		if (!known->is_read || offset > known->len || known->len - offset < span->len)
			continue;
		ahead->next = i + 1;
		return (const uint8_t *)known->buffer + offset;
	}
	return NULL;
}

static void note(struct ahead *ahead, const struct memory_span *span)
{
	struct ahead_trail *fresh = &ahead->fresh;
	if (fresh->len == AHEAD_SPANS_MAX || span->len > AHEAD_BYTES_MAX - ahead->fresh_bytes)
		return;
	fresh->places[fresh->len++] = (struct ahead_place){ span->address, span->len };
	ahead->fresh_bytes += span->len;
}

static bool read_missing(struct ahead *ahead, struct memory_span *spans, size_t count,
			 struct error *err)
{
	if (count == 0)
		return true;
	if (!memory_read_spans(ahead->target, ahead->missing, count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		spans[ahead->missing_of[i]].is_read = ahead->missing[i].is_read;
	return true;
}

/* At most AHEAD_SPANS_MAX spans. */
static bool read_some(struct ahead *ahead, struct memory_span *spans, size_t count,
		      struct error *err)
{
	size_t missing_count = 0;
	for (size_t i = 0; i < count; i++) {
		if (spans[i].len == 0) {
			spans[i].is_read = true;
			continue;
		}
		const uint8_t *bytes = find(ahead, &spans[i]);
		note(ahead, &spans[i]);
		spans[i].is_read = bytes != NULL;
		if (bytes) {
			memcpy(spans[i].buffer, bytes, spans[i].len);
			continue;
		}
		ahead->missing[missing_count] = spans[i];
		ahead->missing_of[missing_count++] = i;
	}
	return read_missing(ahead, spans, missing_count, err);
}

static bool read_spans(struct memory *memory, struct memory_span *spans, size_t count,
		       struct error *err)
{
	struct ahead *ahead = (struct ahead *)memory;
	if (!ahead->is_on)
		return memory_read_spans(ahead->target, spans, count, err);
	while (count > 0) {
		size_t some = count < AHEAD_SPANS_MAX ? count : AHEAD_SPANS_MAX;
		if (!read_some(ahead, spans, some, err))
			return false;
		spans += some;
		count -= some;
	}
	return true;
}

void ahead_init(struct ahead *ahead, struct memory *target)
{
	ahead->memory.read_spans = read_spans;
	ahead->target = target;
	ahead->is_on = false;
	for (size_t i = 0; i < AHEAD_TRAILS; i++)
		ahead->trails[i].len = 0;
}

static struct ahead_trail *trail_of(struct ahead *ahead, raddr thread_pointer)
{
	/* Control blocks of threads lie behind stacks, which are whole pages. */
	return &ahead->trails[(thread_pointer >> 12) % AHEAD_TRAILS];
}

void ahead_begin(struct ahead *ahead, raddr thread_pointer)
{
	const struct ahead_trail *trail = trail_of(ahead, thread_pointer);
	ahead->is_on = true;
	ahead->fresh.thread = thread_pointer;
	ahead->fresh.len = 0;
	ahead->fresh_bytes = 0;
	ahead->next = 0;
	ahead->span_count = trail->thread == thread_pointer ? trail->len : 0;

	uint8_t *bytes = ahead->bytes;
	for (size_t i = 0; i < ahead->span_count; i++) {
		const struct ahead_place *place = &trail->places[i];
		ahead->spans[i] = (struct memory_span){ .address = place->address,
							.buffer = bytes,
							.len = place->len };
		bytes += place->len;
	}
	struct error ignored;
	if (ahead->span_count > 0 &&
	    !memory_read_spans(ahead->target, ahead->spans, ahead->span_count, &ignored))
		ahead->span_count = 0;
}

void ahead_end(struct ahead *ahead)
{
	struct ahead_trail *trail = trail_of(ahead, ahead->fresh.thread);
	trail->thread = ahead->fresh.thread;
	trail->len = ahead->fresh.len;
	memcpy(trail->places, ahead->fresh.places, trail->len * sizeof(trail->places[0]));
	ahead->is_on = false;
}
