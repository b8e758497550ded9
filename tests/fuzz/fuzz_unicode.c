/* SPDX-License-Identifier: MIT */
/* Any bytes as the memory in which a str and a bytes object lie: {u16 where, u8 how many bytes are
 * believed, u8 bit 0: memory without end, memory}. */
#include "pyframes/unicode.h"

#include <string.h>

#include "tests/fuzz/fuzz.h"

enum { BASE = 0x10000000, REACH = 1 << 30, HEAD_BYTES_MAX = 128 };

static void check_str(struct fuzz_memory *fuzz, const struct py_offsets *py, raddr str)
{
	char untouched;
	char *text = &untouched;
	size_t object_bytes = SIZE_MAX;
	struct error err;

	fuzz->byte_count = 0;
	bool is_read = unicode_read(&fuzz->memory, py, str, &text, &object_bytes, &err);
	FUZZ_CHECK(fuzz->byte_count <= HEAD_BYTES_MAX + 4 * UNICODE_LENGTH_MAX);
	if (!is_read) {
		FUZZ_CHECK(text == &untouched && object_bytes == SIZE_MAX);
		FUZZ_CHECK(err.kind == ERROR_READ || err.kind == ERROR_FORMAT);
		return;
	}
	FUZZ_CHECK(fuzz_is_utf8(text, strlen(text)));
	FUZZ_CHECK(strlen(text) <= 4 * UNICODE_LENGTH_MAX);
	FUZZ_CHECK(object_bytes > py->unicode.ascii_data);
	FUZZ_CHECK(object_bytes <= HEAD_BYTES_MAX + 4 * (UNICODE_LENGTH_MAX + 1));
	free(text);
}

static void check_bytes(struct fuzz_memory *fuzz, const struct py_offsets *py, raddr bytes,
			size_t max_bytes)
{
	uint8_t untouched;
	uint8_t *content = &untouched;
	size_t len = SIZE_MAX;
	struct error err;

	fuzz->byte_count = 0;
	bool is_read = bytes_read(&fuzz->memory, py, bytes, max_bytes, &content, &len, &err);
	FUZZ_CHECK(fuzz->byte_count <= HEAD_BYTES_MAX + max_bytes);
	if (!is_read) {
		FUZZ_CHECK(content == &untouched && len == SIZE_MAX);
		FUZZ_CHECK(err.kind == ERROR_READ || err.kind == ERROR_FORMAT);
		return;
	}
	FUZZ_CHECK(len <= max_bytes);
	if (!fuzz->len || len > fuzz->len)
		FUZZ_CHECK(fuzz->reach == REACH);
	free(content);
}

/* The result has exactly the room that the header says suffices. */
static void check_encode(const uint8_t *bytes, size_t len, unsigned kind)
{
	size_t length = len / kind;
	size_t room = length * (kind == 4 ? 4 : 3);
	OWNED_FREE void *characters = malloc(len + 1); /* aligned */
	OWNED_FREE char *text = malloc(room + 1);
	FUZZ_CHECK(characters && text);
	memcpy(characters, bytes, length * kind);

	size_t used = unicode_encode(characters, kind, length, text);
	FUZZ_CHECK(used >= length && used <= room);
	FUZZ_CHECK(fuzz_is_utf8(text, used));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	raddr object = BASE + fuzz_take(&input, 2);
	size_t max_bytes = (size_t)fuzz_take(&input, 1) << 8;
	bool is_endless = fuzz_take(&input, 1) & 1;

	struct fuzz_memory fuzz;
	fuzz_memory_init(&fuzz, BASE, input.bytes, input.len);
	if (is_endless && input.len > 0)
		fuzz.reach = REACH;
	const struct py_offsets *py;
	for (unsigned i = 0; (py = fuzz_table(i)) != NULL; i++) {
		check_str(&fuzz, py, object);
		check_bytes(&fuzz, py, object, max_bytes);
	}
	check_encode(input.bytes, input.len, 1);
	check_encode(input.bytes, input.len, 2);
	check_encode(input.bytes, input.len, 4);
	return 0;
}
