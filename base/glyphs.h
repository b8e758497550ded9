/* SPDX-License-Identifier: MIT */
#ifndef BASE_GLYPHS_H
#define BASE_GLYPHS_H

/**
 * @file
 * UTF-8 text measured in terminal columns. Knows no screen.
 *
 * Columns are wcwidth(3)'s where LC_CTYPE is a UTF-8 locale (screen_open() sees to it), otherwise
 * every character takes one; so does, in any locale, what has no width.
 */

#include <stddef.h>
#include <stdint.h>

/** U+FFFD, which stands for a byte that is not UTF-8. */
enum { GLYPH_REPLACEMENT = 0xfffd };

/** One character of a text. */
struct glyph {
	uint32_t code;
	size_t len;  /* bytes it takes in the text; 0 at the end */
	int columns; /* 0 for a combining mark, 2 for a wide character, else 1 */
};

/** Decode the character that `text` begins with. */
struct glyph glyphs_first(const char *text);

/** Columns that the whole text takes. */
int glyphs_columns(const char *text);

/** Copy as much as fits into `columns` columns and `size` bytes; where something is lost, the last
 *  column becomes an ellipsis. Returns the columns taken. */
int glyphs_cut(const char *text, int columns, char *ret, size_t size);

#endif
