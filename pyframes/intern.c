/* SPDX-License-Identifier: MIT */
#include "pyframes/intern.h"

#include <string.h>

#include "base/hash.h"

struct interned_text {
	UT_hash_handle hh;
	char text[];
};

/* Interned texts are equal if their addresses are. No padding: the key is hashed as bytes. */
struct frame_key {
	const char *function;
	const char *file;
	int64_t line;
};

struct interned_frame {
	struct frame frame;
	struct frame_key key;
	UT_hash_handle hh;
};

void interner_deinit(struct interner *interner)
{
	struct interned_frame *frame;
	struct interned_frame *next_frame;
	HASH_ITER(hh, interner->frames, frame, next_frame) {
		HASH_DEL(interner->frames, frame);
		free(frame);
	}
	struct interned_text *text;
	struct interned_text *next_text;
	HASH_ITER(hh, interner->texts, text, next_text) {
		HASH_DEL(interner->texts, text);
		free(text);
	}
}

/* Room for one more node; the caller frees it. NULL if there is none within so many bytes. */
static void *make_node(struct interner *interner, size_t bytes, size_t max_bytes)
{
	void *node = interner->bytes + bytes <= max_bytes ? calloc(1, bytes) : NULL;
	if (node)
		interner->bytes += bytes;
	else
		interner->is_full = true;
	return node;
}

bool interner_text(struct interner *interner, const char *text, const char **ret, struct error *err)
{
	size_t len = strlen(text);
	struct interned_text *found;
	HASH_FIND(hh, interner->texts, text, len, found);
	if (!found) {
		OWNED_FREE struct interned_text *added =
			make_node(interner, sizeof(*added) + len + 1, INTERNER_BYTES_MAX);
		if (!added)
			return error_set(err, ERROR_NO_MEMORY, "text of %zu bytes", len);
		memcpy(added->text, text, len);
		HASH_ADD(hh, interner->texts, text, len, added);
		if (!added->hh.tbl)
			return error_set(err, ERROR_NO_MEMORY, "table of texts");
		found = MOVE_PTR(added);
	}
	*ret = found->text;
	return true;
}

/* Find a frame, or add it if it fits within so many bytes. */
static bool frame_of(struct interner *interner, const struct frame_key *key, size_t max_bytes,
		     const struct frame **ret, struct error *err)
{
	struct interned_frame *found;
	HASH_FIND(hh, interner->frames, key, sizeof(*key), found);
	if (!found) {
		OWNED_FREE struct interned_frame *added =
			make_node(interner, sizeof(*added), max_bytes);
		if (!added)
			return error_set(err, ERROR_NO_MEMORY, "frame");
		added->frame = (struct frame){ .function = key->function,
					       .file = key->file,
					       .line = (int)key->line };
		added->key = *key;
		HASH_ADD(hh, interner->frames, key, sizeof(*key), added);
		if (!added->hh.tbl)
			return error_set(err, ERROR_NO_MEMORY, "table of frames");
		found = MOVE_PTR(added);
	}
	*ret = &found->frame;
	return true;
}

bool interner_frame(struct interner *interner, const char *function, const char *file, int line,
		    const struct frame **ret, struct error *err)
{
	struct frame_key key = { .line = line };
	if (!interner_text(interner, function, &key.function, err) ||
	    !interner_text(interner, file, &key.file, err))
		return false;
	if (frame_of(interner, &key, INTERNER_BYTES_MAX / 4 * 3, ret, err))
		return true;
	key.line = 0;
	return frame_of(interner, &key, INTERNER_BYTES_MAX, ret, err);
}
