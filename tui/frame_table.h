/* SPDX-License-Identifier: MIT */
#ifndef TUI_FRAME_TABLE_H
#define TUI_FRAME_TABLE_H

/**
 * @file
 * What the view makes of each frame of a snapshot, worked out once per frame: a snapshot has many
 * stacks, but few frames.
 */

#include <stdint.h>

#include "base/error.h"
#include "base/frame.h"
#include "profile/numbering.h"

struct frame_facts {
	uint64_t hash; /* equal for equal frames, whatever snapshot they are of; never 0 */
	bool is_matching;
	bool is_import; /* of the machinery that imports modules */
};

/** All zero: empty. The first two may be set while it is empty. */
struct frame_table {
	bool is_by_function;	 /* frames of one function are equal, whatever the line */
	const char *pattern;	 /* borrowed; a frame matches if frame_matches() it. NULL: all do */
	struct numbering frames; /* keys: addresses */
	struct frame_facts *facts;
	size_t capacity;
};

void frame_table_deinit(struct frame_table *table);

/** Give the facts of a frame, valid until the next call. Errors: ERROR_NO_MEMORY. */
MUST_CHECK bool frame_table_find(struct frame_table *table, const struct frame *frame,
				 const struct frame_facts **ret, struct error *err);

/** Work out a hash without remembering it. */
uint64_t frame_hash(const struct frame *frame, bool is_by_function);

/** Tell whether "file:line function" holds the text, small letters being equal to capitals. */
bool frame_matches(const struct frame *frame, const char *text);

#endif
