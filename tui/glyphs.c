/* SPDX-License-Identifier: MIT */
#include "tui/glyphs.h"

#include <limits.h>
#include <string.h>
#include <wchar.h>

enum { REPLACEMENT = 0xfffd };

static const char ellipsis[] = "…";

struct glyph glyphs_first(const char *text)
{
	if (!*text)
		return (struct glyph){ 0 };

	wchar_t code;
	mbstate_t fresh = { 0 };
	size_t len = mbrtowc(&code, text, strnlen(text, MB_LEN_MAX), &fresh);
	if (len == (size_t)-1 || len == (size_t)-2)
		return (struct glyph){ .code = REPLACEMENT, .len = 1, .columns = 1 };

	int columns = wcwidth(code);
	return (struct glyph){ .code = (uint32_t)code,
			       .len = len,
			       .columns = columns < 0 ? 1 : columns };
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
