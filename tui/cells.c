/* SPDX-License-Identifier: MIT */
#include "tui/cells.h"

#include <ctype.h>
#include <string.h>

#include "base/glyphs.h"
#include "base/text.h"

/* No row is longer: 1024 columns of characters and a few marks. */
enum { TEXT_SIZE = 4096 };

static const char style_letters[STYLE_COUNT] = {
	[STYLE_NORMAL] = ' ',	[STYLE_DIM] = 'd',	   [STYLE_BOLD] = 'b',
	[STYLE_ACCENT] = 'a',	[STYLE_WARM] = 'w',	   [STYLE_HOT] = 'h',
	[STYLE_HEAT_LOW] = 'x', [STYLE_HEAT_MIDDLE] = 'y', [STYLE_HEAT_HIGH] = 'z',
};

bool cells_init(struct cells *cells, int width, int height, struct error *err)
{
	struct cells made = { .width = width > 0 ? width : 0, .height = height > 0 ? height : 0 };
	size_t count = (size_t)made.width * (size_t)made.height;
	made.cell = calloc(count ? count : 1, sizeof(*made.cell));
	if (!made.cell)
		return error_set(err, ERROR_NO_MEMORY, "screen of %dx%d", width, height);
	cells_clear(&made);
	*cells = made;
	return true;
}

void cells_deinit(struct cells *cells)
{
	free(cells->cell);
	*cells = (struct cells){ 0 };
}

static const struct cell blank = { .text = " ", .style = STYLE_NORMAL, .columns = 1 };

void cells_clear(struct cells *cells)
{
	for (size_t i = 0; i < (size_t)cells->width * (size_t)cells->height; i++)
		cells->cell[i] = blank;
}

static struct cell *cell_at(const struct cells *cells, int row, int column)
{
	if (row < 0 || row >= cells->height || column < 0 || column >= cells->width)
		return NULL;
	return &cells->cell[(size_t)row * (size_t)cells->width + (size_t)column];
}

const struct cell *cells_at(const struct cells *cells, int row, int column)
{
	return cell_at(cells, row, column);
}

/* Blank the halves of wide characters that drawing over [column, column + columns) would leave. */
static void clear_halves(struct cells *cells, int row, int column, int columns)
{
	struct cell *first = cell_at(cells, row, column);
	if (first->columns == 0)
		first[-1] = blank;
	struct cell *next = cell_at(cells, row, column + columns);
	if (next && next->columns == 0)
		*next = blank;
}

static void put(struct cells *cells, int row, int column, enum style style, const char *text,
		struct glyph glyph)
{
	clear_halves(cells, row, column, glyph.columns);
	struct cell *cell = cell_at(cells, row, column);
	*cell = (struct cell){ .style = (unsigned char)style,
			       .columns = (unsigned char)glyph.columns };
	memcpy(cell->text, text, glyph.len);
	if (glyph.columns == 2)
		cell[1] = (struct cell){ .style = (unsigned char)style };
}

/* Joiners and variation selectors change a terminal's idea of the width: they are left out. */
static bool is_joining(uint32_t code)
{
	return (code >= 0x200b && code <= 0x200f) || (code >= 0x2060 && code <= 0x206f) ||
	       (code >= 0xfe00 && code <= 0xfe0f) || code == 0xfeff || code >= 0xe0000;
}

static void add_mark(struct cell *cell, const char *text, struct glyph glyph)
{
	size_t len = strlen(cell->text);
	if (is_joining(glyph.code) || len + glyph.len >= sizeof(cell->text))
		return;
	memcpy(cell->text + len, text, glyph.len);
	cell->text[len + glyph.len] = '\0';
}

int cells_text(struct cells *cells, int row, int column, int columns, enum style style,
	       const char *text)
{
	char printable[TEXT_SIZE];
	text_printable(text, printable, sizeof(printable));

	struct cell *last = NULL;
	int used = 0;
	const char *at = printable;
	for (struct glyph glyph; (glyph = glyphs_first(at)).len; at += glyph.len) {
		if (glyph.columns == 0) {
			if (last)
				add_mark(last, at, glyph);
			continue;
		}
		if (used + glyph.columns > columns ||
		    !cell_at(cells, row, column + used + glyph.columns - 1))
			break;
		last = cell_at(cells, row, column + used);
		if (!last)
			break;
		put(cells, row, column + used, style, at, glyph);
		used += glyph.columns;
	}
	return used;
}

void cells_text_right(struct cells *cells, int row, int column, int columns, enum style style,
		      const char *text)
{
	int room = columns - glyphs_columns(text);
	if (room < 0)
		room = 0;
	cells_text(cells, row, column + room, columns - room, style, text);
}

void cells_select_row(struct cells *cells, int row)
{
	for (int column = 0; column < cells->width; column++) {
		struct cell *cell = cell_at(cells, row, column);
		if (cell)
			cell->is_selected = true;
	}
}

static char *append_text(char *end, const struct cell *cell)
{
	return stpcpy(end, cell->text);
}

static char *append_style(char *end, const struct cell *cell)
{
	char letter = style_letters[cell->style];
	if (cell->is_selected)
		letter = letter == ' ' ? 'N' : (char)toupper((unsigned char)letter);
	*end = letter;
	return end + 1;
}

static char *dump(const struct cells *cells, char *(*append)(char *, const struct cell *))
{
	size_t row_size = (size_t)cells->width * CELL_TEXT_SIZE + 1;
	char *text = malloc((size_t)cells->height * row_size + 1);
	if (!text)
		return NULL;

	char *end = text;
	for (int row = 0; row < cells->height; row++) {
		const char *start = end;
		for (int column = 0; column < cells->width; column++)
			end = append(end, cell_at(cells, row, column));
		while (end > start && end[-1] == ' ')
			end--;
		*end++ = '\n';
	}
	*end = '\0';
	return text;
}

char *cells_dump(const struct cells *cells)
{
	return dump(cells, append_text);
}

char *cells_dump_styles(const struct cells *cells)
{
	return dump(cells, append_style);
}
