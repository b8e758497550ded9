/* SPDX-License-Identifier: MIT */
#include "pyframes/unicode.h"

#include <string.h>

/* PyASCIIObject.state, the same in all supported builds (Include/cpython/unicodeobject.h). */
enum {
	STATE_KIND_SHIFT = 2,
	STATE_KIND_MASK = 7,
	STATE_COMPACT = 1 << 5,
	STATE_ASCII = 1 << 6,
};

/* Larger than every PyASCIIObject. */
enum { HEADER_MAX = 64 };

static uint32_t character_at(const void *characters, unsigned kind, size_t i)
{
	switch (kind) {
	case 1:
		return ((const uint8_t *)characters)[i];
	case 2:
		return ((const uint16_t *)characters)[i];
	default:
		return ((const uint32_t *)characters)[i];
	}
}

static bool is_scalar_value(uint32_t c)
{
	return c != 0 && c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff);
}

static size_t encode_one(uint32_t c, char *ret)
{
	enum { REPLACEMENT = 0xfffd };
	if (!is_scalar_value(c))
		c = REPLACEMENT;

	if (c < 0x80) {
		ret[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		ret[0] = (char)(0xc0 | c >> 6);
		ret[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		ret[0] = (char)(0xe0 | c >> 12);
		ret[1] = (char)(0x80 | (c >> 6 & 0x3f));
		ret[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	ret[0] = (char)(0xf0 | c >> 18);
	ret[1] = (char)(0x80 | (c >> 12 & 0x3f));
	ret[2] = (char)(0x80 | (c >> 6 & 0x3f));
	ret[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

size_t unicode_encode(const void *characters, unsigned kind, size_t length, char *ret)
{
	size_t done = 0;
	for (size_t i = 0; i < length; i++)
		done += encode_one(character_at(characters, kind, i), ret + done);
	return done;
}

/* The place of the first U+0000; `length` if there is none. */
static size_t find_zero(const void *characters, unsigned kind, size_t length)
{
	size_t i = 0;
	while (i < length && character_at(characters, kind, i) != 0)
		i++;
	return i;
}

/* What the head of a str says about its characters. */
struct text {
	size_t length;
	unsigned kind;
	uint32_t data; /* offset in the object */
};

static bool text_parse(const struct py_offsets *py, const uint8_t *header, raddr str,
		       struct text *ret, struct error *err)
{
	uint64_t length;
	uint32_t state;
	memcpy(&length, header + py->unicode.length, sizeof(length));
	memcpy(&state, header + py->unicode.state, sizeof(state));

	unsigned kind = (state >> STATE_KIND_SHIFT) & STATE_KIND_MASK;
	bool is_ascii = state & STATE_ASCII;
	bool is_known_kind = kind == 1 || (!is_ascii && (kind == 2 || kind == 4));
	if (!(state & STATE_COMPACT) || !is_known_kind)
		return error_set(err, ERROR_FORMAT, "no compact str at %" PRIraddr, str);
	if (length > UNICODE_LENGTH_MAX)
		return error_set(err, ERROR_FORMAT,
				 "str at %" PRIraddr " claims %" PRIu64 " characters", str, length);

	*ret = (struct text){
		.length = length,
		.kind = kind,
		.data = is_ascii ? py->unicode.ascii_data : py->unicode.compact_data,
	};
	return true;
}

bool unicode_read(struct memory *memory, const struct py_offsets *py, raddr str, char **ret,
		  size_t *object_bytes_ret, struct error *err)
{
	uint8_t header[HEADER_MAX];
	struct text text = { 0 };
	if (!memory_read(memory, str, header, py->unicode.ascii_data, err))
		return error_context(err, "head of str");
	if (!text_parse(py, header, str, &text, err))
		return false;

	size_t raw_bytes = (text.length + 1) * text.kind;
	OWNED_FREE void *raw = malloc(raw_bytes);
	OWNED_FREE char *utf8 = malloc(text.length * 4 + 1);
	if (!raw || !utf8)
		return error_set(err, ERROR_NO_MEMORY, "str of %zu characters", text.length);
	if (!memory_read(memory, str + text.data, raw, raw_bytes, err))
		return error_context(err, "characters of str");
	if (find_zero(raw, text.kind, text.length + 1) != text.length)
		return error_set(err, ERROR_FORMAT,
				 "str at %" PRIraddr " does not end where it says", str);

	utf8[unicode_encode(raw, text.kind, text.length, utf8)] = '\0';
	*ret = MOVE_PTR(utf8);
	*object_bytes_ret = text.data + raw_bytes;
	return true;
}

bool bytes_read(struct memory *memory, const struct py_offsets *py, raddr bytes, size_t max_bytes,
		uint8_t **ret, size_t *len_ret, struct error *err)
{
	uint64_t len;
	if (!memory_read(memory, bytes + py->bytes.size, &len, sizeof(len), err))
		return error_context(err, "length of bytes");
	if (len > max_bytes)
		return error_set(err, ERROR_FORMAT,
				 "bytes at %" PRIraddr " claims a length of %" PRIu64, bytes, len);

	OWNED_FREE uint8_t *copy = malloc(len + 1);
	if (!copy)
		return error_set(err, ERROR_NO_MEMORY, "bytes of length %" PRIu64, len);
	if (len > 0 && !memory_read(memory, bytes + py->bytes.data, copy, len, err))
		return error_context(err, "content of bytes");

	*ret = MOVE_PTR(copy);
	*len_ret = len;
	return true;
}
