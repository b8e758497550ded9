/* SPDX-License-Identifier: MIT */
#include "report/label.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* As much of a foreign name as can matter in one line. */
enum { NAME_BYTES = 1024 };

static const char ellipsis[] = "\xe2\x80\xa6";

/* The number of characters; the text is valid UTF-8. */
static size_t text_width(const char *text)
{
	size_t width = 0;
	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

/* Where the character at this position begins. */
static char *text_at(char *text, size_t position)
{
	for (; *text; text++) {
		if (((unsigned char)*text & 0xc0) != 0x80 && position-- == 0)
			break;
	}
	return text;
}

/* Cut a text to `width` characters, the last of which then says so. */
static void text_cut(char *text, size_t size, size_t width)
{
	if (text_width(text) <= width)
		return;
	char *end = text_at(text, width ? width - 1 : 0);
	*end = '\0';
	size_t used = (size_t)(end - text);
	if (width && used + sizeof(ellipsis) <= size)
		memcpy(end, ellipsis, sizeof(ellipsis));
}

/* Shorten a path by leaving out directories: as few as necessary behind the first one, then that
 * one too. A file name alone stays as it is. */
static void path_elide(const char *path, size_t width, char *ret, size_t size)
{
	snprintf(ret, size, "%s", path);
	const char *head_end = strchr(path + (path[0] == '/'), '/');
	for (const char *tail = head_end; tail && text_width(ret) > width;) {
		tail = strchr(tail + 1, '/');
		if (tail)
			snprintf(ret, size, "%.*s/%s%s", (int)(head_end - path), path, ellipsis,
				 tail);
	}
	const char *name = strrchr(path, '/');
	if (name && text_width(ret) > width)
		snprintf(ret, size, "%s%s", ellipsis, name);
}

char *label_frame(const struct frame *frame, size_t width, char *ret, size_t size)
{
	char function[NAME_BYTES], file[NAME_BYTES], path[NAME_BYTES + 8], place[NAME_BYTES + 32];
	text_printable(frame->function, function, sizeof(function));
	text_printable(frame->file, file, sizeof(file));

	char line[16] = "";
	if (frame->line > 0)
		snprintf(line, sizeof(line), ":%d", frame->line);
	size_t others = text_width(line) + 1 + text_width(function);
	path_elide(file, width > others ? width - others : 0, path, sizeof(path));
	snprintf(place, sizeof(place), "%s%s", path, line);

	snprintf(ret, size, "%s%s%s", place, place[0] ? " " : "", function);
	text_cut(ret, size, width);
	return ret;
}
