/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_TUI_GOLDEN_H
#define TESTS_UNIT_TUI_GOLDEN_H

/**
 * @file
 * Screens compared with files.
 */

#include <stdio.h>
#include <string.h>

#include "tui/state.h"

#define GOLDEN_DIRECTORY "tests/unit/tui/golden/"

/* What is on a screen of some size after some keys, and the file that it stands in. */
struct golden_case {
	const char *name;
	int width, height;
	const char *keys;
};

static inline char *golden_read(const char *path)
{
	OWNED_FILE FILE *file = fopen(path, "re");
	size_t size = 0;
	char *text = NULL;
	if (!file || getdelim(&text, &size, '\0', file) < 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* Show the first line in which two texts differ. */
static inline void golden_print_difference(const char *path, const char *expected, const char *got)
{
	int line = 1;
	const char *start = expected;
	size_t same = 0;
	for (; expected[same] && expected[same] == got[same]; same++) {
		if (expected[same] == '\n') {
			line++;
			start = expected + same + 1;
		}
	}
	const char *got_start = got + (start - expected);
	print_error("%s:%d differs\n- %.*s\n+ %.*s\n%s", path, line, (int)strcspn(start, "\n"),
		    start, (int)strcspn(got_start, "\n"), got_start, got);
}

/* Compare the picture and its styles with a file; with FILTRACE_GOLDEN=write, write the file. */
static inline void golden_assert(struct state *state, struct cells *cells, const char *name)
{
	state_draw(state, cells);
	OWNED_FREE char *text = cells_dump(cells);
	OWNED_FREE char *styles = cells_dump_styles(cells);
	OWNED_FREE char *got = NULL;
	char path[256];
	snprintf(path, sizeof(path), GOLDEN_DIRECTORY "%s.txt", name);
	assert_true(asprintf(&got, "%s--- styles ---\n%s", text, styles) > 0);

	const char *wish = getenv("FILTRACE_GOLDEN");
	if (wish && strcmp(wish, "write") == 0) {
		OWNED_FILE FILE *file = fopen(path, "we");
		assert_non_null(file);
		assert_true(fputs(got, file) >= 0);
	}
	OWNED_FREE char *expected = golden_read(path);
	if (!expected)
		fail_msg("%s cannot be read; FILTRACE_GOLDEN=write makes it", path);
	if (strcmp(expected, got) != 0)
		golden_print_difference(path, expected, got);
	assert_string_equal(expected, got);
}

#endif
