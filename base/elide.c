/* SPDX-License-Identifier: MIT */
#include "base/elide.h"

#include <stdio.h>
#include <string.h>

#include "base/glyphs.h"
#include "base/text.h"

enum { PART_SIZE = 1024 };

/* The printable parts of a frame. */
struct parts {
	char directory[PART_SIZE]; /* with its last slash, or empty */
	char name[PART_SIZE];	   /* "file.py:88" */
	char function[PART_SIZE];
};

static void split_file(const struct frame *frame, struct parts *ret)
{
	const char *slash = strrchr(frame->file, '/');
	const char *name = slash ? slash + 1 : frame->file;
	char raw[PART_SIZE];

	snprintf(raw, sizeof(raw), "%.*s", (int)(name - frame->file), frame->file);
	text_printable(raw, ret->directory, sizeof(ret->directory));

	char line[16] = "";
	if (frame->line > 0)
		snprintf(line, sizeof(line), ":%d", frame->line);
	size_t len = text_printable(name, ret->name, sizeof(ret->name) - sizeof(line));
	memcpy(ret->name + len, line, sizeof(line));
}

/* Find the longest end of `text`, behind a separator, that fits. NULL if none does. */
static const char *fitting_end(const char *text, uint32_t separator, int columns)
{
	int left = glyphs_columns(text);
	for (struct glyph glyph; (glyph = glyphs_first(text)).len;) {
		text += glyph.len;
		left -= glyph.columns;
		if (glyph.code == separator && left <= columns)
			return text;
	}
	return NULL;
}

/* Keep the first directory and as many of the last ones as fit, or only the last ones. */
static void elide_directory(const char *directory, int columns, char *ret, size_t size)
{
	snprintf(ret, size, "%s", directory);
	if (glyphs_columns(directory) <= columns)
		return;

	const char *rest = strchr(directory + 1, '/');
	int rest_columns = rest ? glyphs_columns(rest + 1) : 0;
	int head_columns = glyphs_columns(directory) - rest_columns;
	const char *end = rest ? fitting_end(rest + 1, '/', columns - head_columns - 2) : NULL;
	if (end && *end) {
		snprintf(ret, size, "%.*s…/%s", (int)(rest + 1 - directory), directory, end);
		return;
	}
	end = fitting_end(directory, '/', columns - 2);
	snprintf(ret, size, "%s%s", end ? "…/" : "", end ? end : "");
}

/* Cut a qualified name from its outer end, part by part; the last part at its end. Returns the
 * columns taken. */
static int elide_function(const char *function, int columns, char *ret, size_t size)
{
	if (glyphs_columns(function) <= columns)
		return glyphs_cut(function, columns, ret, size);

	const char *end = fitting_end(function, '.', columns - 1);
	if (end && *end) {
		snprintf(ret, size, "…%s", end);
		return glyphs_columns(ret);
	}
	const char *dot = strrchr(function, '.');
	return glyphs_cut(dot ? dot + 1 : function, columns, ret, size);
}

char *elide_frame(const struct frame *frame, int columns, char *ret, size_t size)
{
	if (columns < 0)
		columns = 0;
	struct parts parts;
	split_file(frame, &parts);
	text_printable(frame->function, parts.function, sizeof(parts.function));

	char name[PART_SIZE];
	char function[PART_SIZE + sizeof("…")] = "";
	char directory[2 * PART_SIZE] = "";
	char whole[5 * PART_SIZE];
	int left = columns - glyphs_cut(parts.name, columns, name, sizeof(name));
	int gap = parts.name[0] ? 1 : 0;
	if (left > gap + 1 && parts.function[0])
		left -= gap +
			elide_function(parts.function, left - gap, function, sizeof(function));
	elide_directory(parts.directory, left, directory, sizeof(directory));
	snprintf(whole, sizeof(whole), "%s%s%s%s", directory, name, gap && function[0] ? " " : "",
		 function);
	text_printable(whole, ret, size); /* cuts between characters */
	return ret;
}
