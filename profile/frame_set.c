/* SPDX-License-Identifier: MIT */
#include "profile/frame_set.h"

#include <string.h>

#include "base/hash.h"

struct known_frame {
	UT_hash_handle hh;
	struct frame frame;
	char key[]; /* line, function and file, the texts with their zeroes */
};

void frame_set_deinit(struct frame_set *set)
{
	struct known_frame *known, *next;
	HASH_ITER(hh, set->frames, known, next) {
		HASH_DEL(set->frames, known);
		free(known);
	}
}

bool frame_set_intern(struct frame_set *set, const struct frame *frame, const struct frame **ret,
		      struct error *err)
{
	size_t function_bytes = strlen(frame->function) + 1;
	size_t file_bytes = strlen(frame->file) + 1;
	size_t key_bytes = sizeof(frame->line) + function_bytes + file_bytes;
	OWNED_FREE struct known_frame *fresh = calloc(1, sizeof(*fresh) + key_bytes);
	if (!fresh)
		return error_set(err, ERROR_NO_MEMORY, "no memory for a frame");
	char *function = fresh->key + sizeof(frame->line);
	char *file = function + function_bytes;
	memcpy(fresh->key, &frame->line, sizeof(frame->line));
	memcpy(function, frame->function, function_bytes);
	memcpy(file, frame->file, file_bytes);
	fresh->frame = (struct frame){ .function = function, .file = file, .line = frame->line };

	struct known_frame *known;
	HASH_FIND(hh, set->frames, fresh->key, key_bytes, known);
	if (!known) {
		HASH_ADD_KEYPTR(hh, set->frames, fresh->key, key_bytes, fresh);
		if (!fresh->hh.tbl)
			return error_set(err, ERROR_NO_MEMORY, "no memory for a frame");
		known = MOVE_PTR(fresh);
	}
	*ret = &known->frame;
	return true;
}
