/* SPDX-License-Identifier: MIT */
/* Any bytes as the beginning of _PyRuntime. */
#include "pyframes/debug_offsets.h"

#include <string.h>

#include "tests/fuzz/fuzz.h"

enum { BASE = 0x10000000, BYTES_MAX = 4096, MOVE_MAX = 2048 };

/* Every field is a number of 32 bits or smaller ones, and none goes far. */
static void check_distance(const struct py_offsets *before, const struct py_offsets *after)
{
	const uint32_t *old_words = (const uint32_t *)before;
	const uint32_t *new_words = (const uint32_t *)after;
	for (size_t i = 0; i < sizeof(*before) / sizeof(uint32_t); i++) {
		int64_t moved = (int64_t)new_words[i] - old_words[i];
		FUZZ_CHECK(moved >= -MOVE_MAX && moved <= MOVE_MAX && moved % 4 == 0);
	}
	FUZZ_CHECK(!memcmp(&before->frame, &after->frame, sizeof(before->frame)));
	FUZZ_CHECK(!memcmp(&before->code, &after->code, sizeof(before->code)));
	FUZZ_CHECK(!memcmp(&before->unicode, &after->unicode, sizeof(before->unicode)));
	FUZZ_CHECK(!memcmp(&before->bytes, &after->bytes, sizeof(before->bytes)));
	FUZZ_CHECK(before->minor == after->minor && before->pool_bytes == after->pool_bytes);
}

static void check_identify(struct fuzz_memory *fuzz, const struct py_offsets *table)
{
	enum { UNTOUCHED = 0x5a };
	bool is_free_threaded;
	struct error err;
	memset(&is_free_threaded, UNTOUCHED, sizeof(is_free_threaded));
	if (!debug_offsets_identify(&fuzz->memory, BASE, table->minor, &is_free_threaded, &err))
		FUZZ_CHECK(*(const char *)&is_free_threaded == UNTOUCHED);
}

static void check_apply(struct fuzz_memory *fuzz, const struct py_offsets *table)
{
	struct py_offsets before;
	struct py_offsets py;
	struct error err;
	memcpy(&before, table, sizeof(before));
	memcpy(&py, table, sizeof(py));

	fuzz->byte_count = 0;
	bool is_applied = debug_offsets_apply(&fuzz->memory, BASE, &py, &err);
	FUZZ_CHECK(fuzz->byte_count <= BYTES_MAX);
	if (is_applied) {
		check_distance(&before, &py);
		return;
	}
	FUZZ_CHECK(!memcmp(&before, &py, sizeof(py)));
	FUZZ_CHECK(err.kind == ERROR_UNSUPPORTED || err.kind == ERROR_READ);
	FUZZ_CHECK(memchr(err.context, '\0', sizeof(err.context)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_memory fuzz;
	fuzz_memory_init(&fuzz, BASE, data, size);
	const struct py_offsets *table;
	for (unsigned i = 0; (table = fuzz_table(i)) != NULL; i++) {
		if (!table->has_debug_offsets)
			continue;
		check_identify(&fuzz, table);
		check_apply(&fuzz, table);
	}
	return 0;
}
