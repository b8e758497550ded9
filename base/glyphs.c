/* SPDX-License-Identifier: MIT */
#include "base/glyphs.h"

#include <string.h>
#include <wchar.h>

static const char ellipsis[] = "…";

/* Decode one character of UTF-8 (RFC 3629: no surrogates, no overlong forms). Returns its length in
 * bytes, 0 if the bytes are not valid. A zero byte ends every sequence, so none is read past it. */
static size_t utf8_decode(const unsigned char *text, uint32_t *ret)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = text[0] < 0x80   ? 1
		     : text[0] < 0xc0 ? 0
		     : text[0] < 0xe0 ? 2
		     : text[0] < 0xf0 ? 3
		     : text[0] < 0xf8 ? 4
				      : 0;
	if (len <= 1) {
		*ret = text[0];
		return len;
	}

	uint32_t code = text[0] & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (text[i] & 0x3f);
	}
	if (code < smallest[len] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret = code;
	return len;
}

struct glyph glyphs_first(const char *text)
{
	uint32_t code;
	if (!*text)
		return (struct glyph){ 0 };
	size_t len = utf8_decode((const unsigned char *)text, &code);
	if (len == 0)
		return (struct glyph){ .code = GLYPH_REPLACEMENT, .len = 1, .columns = 1 };
	int columns = wcwidth((wchar_t)code);
	return (struct glyph){ .code = code, .len = len, .columns = columns < 0 ? 1 : columns };
}

int glyphs_columns(const char *text)
{
	int columns = 0;
	for (struct glyph glyph; (glyph = glyphs_first(text)).len; text += glyph.len)
		columns += glyph.columns;
	return columns;
}

/* Bytes of the longest beginning that takes at most `columns` columns and `max` bytes. */
static size_t fitting_len(const char *text, int columns, size_t max, int *columns_ret)
{
	size_t len = 0;
	int used = 0;
	for (struct glyph glyph; (glyph = glyphs_first(text + len)).len; len += glyph.len) {
		if (used + glyph.columns > columns || len + glyph.len > max)
			break;
		used += glyph.columns;
	}
	*columns_ret = used;
	return len;
}

int glyphs_cut(const char *text, int columns, char *ret, size_t size)
{
	int used;
	size_t len = fitting_len(text, columns, size - 1, &used);
	const char *end = "";
	if (text[len] && columns > 0 && size > sizeof(ellipsis)) {
		len = fitting_len(text, columns - 1, size - sizeof(ellipsis), &used);
		end = ellipsis;
		used++;
	}
	memcpy(ret, text, len);
	memcpy(ret + len, end, strlen(end) + 1);
	return used;
}
