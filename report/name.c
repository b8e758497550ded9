/* SPDX-License-Identifier: MIT */
#include "report/name.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

static const char ellipsis[] = "\u2026";

char *name_text(const char *text, char ret[NAME_BYTES])
{
	char part[NAME_SOURCE_BYTES_MAX + 1];
	size_t len = strnlen(text, sizeof(part));
	if (len <= NAME_SOURCE_BYTES_MAX) {
		text_printable(text, ret, NAME_BYTES);
		return ret;
	}
	/* Never in the middle of a character. */
	len = NAME_SOURCE_BYTES_MAX;
	while (len > 0 && (text[len] & 0xc0) == 0x80)
		len--;
	memcpy(part, text, len);
	part[len] = '\0';
	size_t used = text_printable(part, ret, NAME_BYTES - (sizeof(ellipsis) - 1));
	memcpy(ret + used, ellipsis, sizeof(ellipsis));
	return ret;
}

char *name_path(const char *path, char ret[NAME_BYTES])
{
	size_t len = strlen(path);
	if (len <= NAME_SOURCE_BYTES_MAX) {
		text_printable(path, ret, NAME_BYTES);
		return ret;
	}
	path += len - NAME_SOURCE_BYTES_MAX;
	while ((*path & 0xc0) == 0x80)
		path++;
	memcpy(ret, ellipsis, sizeof(ellipsis));
	size_t used = sizeof(ellipsis) - 1;
	text_printable(path, ret + used, NAME_BYTES - used);
	return ret;
}

char *name_frame(const struct frame *frame, bool is_short, char ret[NAME_LABEL_BYTES])
{
	char function[NAME_BYTES], file[NAME_BYTES];
	const char *slash = is_short ? strrchr(frame->file, '/') : NULL;
	name_text(frame->function, function);
	name_path(slash && slash[1] ? slash + 1 : frame->file, file);
	if (frame->line > 0)
		snprintf(ret, NAME_LABEL_BYTES, "%s (%s:%d)", function, *file ? file : "?",
			 frame->line);
	else
		snprintf(ret, NAME_LABEL_BYTES, "%s (%s)", function, *file ? file : "?");
	return ret;
}
