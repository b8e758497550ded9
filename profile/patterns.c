/* SPDX-License-Identifier: MIT */
#include "profile/patterns.h"

#include <string.h>

#include "profile/numbering.h"

void patterns_deinit(struct patterns *patterns)
{
	for (size_t i = 0; i < patterns->count; i++)
		free(patterns->globs[i]);
	free(patterns->globs);
}

/* The character behind the one at `text`: continuation bytes belong to it. */
static const char *next_character(const char *text)
{
	text++;
	while ((*text & 0xc0) == 0x80)
		text++;
	return text;
}

/* Fit what stands before the next * of the glob; where the fit ends, in both. */
static bool fit_one(const char **glob, const char **text)
{
	const char *pattern = *glob;
	if (*pattern == '?') {
		*text = next_character(*text);
		*glob = pattern + 1;
		return true;
	}
	if (*pattern == '\\' && pattern[1])
		pattern++;
	if (*pattern != **text)
		return false;
	*glob = pattern + 1;
	++*text;
	return true;
}

bool pattern_fits(const char *glob, const char *text)
{
	/* If what follows the last * does not fit here, that * takes one character more. Stars
	 * before it never need to be tried again. */
	const char *star = NULL, *star_text = NULL;
	while (*text) {
		if (*glob == '*') {
			star = ++glob;
			star_text = text;
		} else if (!*glob || !fit_one(&glob, &text)) {
			if (!star)
				return false;
			glob = star;
			text = ++star_text;
		}
	}
	return glob[strspn(glob, "*")] == '\0';
}

static bool add_copy(struct patterns *patterns, const char *before, const char *glob,
		     struct error *err)
{
	void *globs = patterns->globs;
	if (!array_reserve(&globs, &patterns->capacity, patterns->count + 1,
			   sizeof(*patterns->globs), err))
		return false;
	patterns->globs = globs;
	char *copy = malloc(strlen(before) + strlen(glob) + 1);
	if (!copy)
		return error_set(err, ERROR_NO_MEMORY, "no memory for a pattern");
	strcat(strcpy(copy, before), glob);
	patterns->globs[patterns->count++] = copy;
	return true;
}

bool patterns_add_glob(struct patterns *patterns, const char *glob, struct error *err)
{
	return add_copy(patterns, "", glob, err) && add_copy(patterns, "*/", glob, err);
}

/* Write the glob that fits what a suppression does. `ret` has room for 2 * len + 3 bytes. */
static void suppression_glob(const char *text, size_t len, char *ret)
{
	bool is_tied = len > 0 && text[0] == '^';
	bool is_ended = len > is_tied && text[len - 1] == '$';
	if (!is_tied)
		*ret++ = '*';
	for (size_t i = is_tied; i < len - is_ended; i++) {
		if (text[i] == '?' || text[i] == '\\')
			*ret++ = '\\';
		*ret++ = text[i];
	}
	if (!is_ended)
		*ret++ = '*';
	*ret = '\0';
}

static bool add_suppression(struct patterns *patterns, const char *line, size_t len, size_t number,
			    struct error *err)
{
	static const char type[] = "leak:";
	size_t type_len = sizeof(type) - 1;
	if (len <= type_len || strncmp(line, type, type_len) != 0)
		return error_set(err, ERROR_FILE, "line %zu is no leak:PATTERN", number);

	OWNED_FREE char *glob = malloc(2 * len + 3);
	if (!glob)
		return error_set(err, ERROR_NO_MEMORY, "no memory for a pattern");
	suppression_glob(line + type_len, len - type_len, glob);
	return add_copy(patterns, "", glob, err);
}

bool patterns_add_suppressions(struct patterns *patterns, const char *text, struct error *err)
{
	static const char blanks[] = " \t\r";
	for (size_t number = 1; *text; number++) {
		const char *end = text + strcspn(text, "\n");
		const char *line = text + strspn(text, blanks);
		const char *line_end = end;
		while (line_end > line && strchr(blanks, line_end[-1]))
			line_end--;
		if (line < line_end && *line != '#' &&
		    !add_suppression(patterns, line, (size_t)(line_end - line), number, err))
			return false;
		text = end + (*end == '\n');
	}
	return true;
}

bool patterns_match(const struct patterns *patterns, const struct frame *frame, bool *ret,
		    struct error *err)
{
	OWNED_FREE char *place = NULL; /* the file and the line */
	if (patterns->count && asprintf(&place, "%s:%d", frame->file, frame->line) < 0) {
		place = NULL;
		return error_set(err, ERROR_NO_MEMORY, "no memory for a place");
	}
	bool is_found = false;
	for (size_t i = 0; i < patterns->count && !is_found; i++) {
		const char *glob = patterns->globs[i];
		is_found = pattern_fits(glob, frame->function) || pattern_fits(glob, frame->file) ||
			   pattern_fits(glob, place);
	}
	*ret = is_found;
	return true;
}
