/* SPDX-License-Identifier: MIT */
#include "pyframes/effort.h"

enum { PIECE_BYTES = 1024 };

static uint64_t pieces_of(const struct memory_span *spans, size_t span_count)
{
	uint64_t pieces = 0;
	for (size_t i = 0; i < span_count; i++)
		pieces += 1 + spans[i].len / PIECE_BYTES;
	return pieces;
}

static bool read_spans(struct memory *memory, struct memory_span *spans, size_t span_count,
		       struct error *err)
{
	struct effort *effort = (struct effort *)memory;
	uint64_t pieces = pieces_of(spans, span_count);
	if (pieces > effort->left) {
		effort->left = 0;
		return error_set(err, ERROR_FORMAT,
				 "what is to be read of the interpreter has no end");
	}
	effort->left -= pieces;
	return memory_read_spans(effort->target, spans, span_count, err);
}

void effort_init(struct effort *effort, struct memory *target)
{
	*effort = (struct effort){ .memory.read_spans = read_spans, .target = target };
}

void effort_allow(struct effort *effort, uint64_t pieces)
{
	effort->left = pieces;
}
