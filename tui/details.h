/* SPDX-License-Identifier: MIT */
#ifndef TUI_DETAILS_H
#define TUI_DETAILS_H

/**
 * @file
 * The lines of source code of one traceback, read once.
 */

#include "tui/source.h"
#include "tui/tree.h"

enum { SOURCE_LINES_MAX = 64, SOURCE_TEXT_SIZE = 160 };

struct source_line {
	uint64_t hash;		     /* of the frame */
	char text[SOURCE_TEXT_SIZE]; /* without indentation; "" if it cannot be read */
};

/** All zero: nothing was read. */
struct details {
	struct source_line lines[SOURCE_LINES_MAX];
	size_t len;
};

/** Read what is not known yet of the selected row's largest stack. `source` may be NULL. */
void details_read(struct details *details, const struct tree *tree,
		  const struct tui_source *source);

/** The line of a frame; NULL if it is not known. */
const char *details_line(const struct details *details, const struct frame *frame);

#endif
