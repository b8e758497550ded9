/* SPDX-License-Identifier: MIT */
#ifndef REPORT_NAME_H
#define REPORT_NAME_H

/**
 * @file
 * Names from a target, bounded and printable, for formats that other programs read. What a format
 * itself cannot hold is escaped where it is written.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/frame.h"

enum {
	NAME_SOURCE_BYTES_MAX = 1024,		    /* of a name; of longer ones a part is lost */
	NAME_BYTES = 3 * NAME_SOURCE_BYTES_MAX + 4, /* each byte becomes three at worst */
	NAME_LABEL_BYTES = 2 * NAME_BYTES + 16,
};

/** Make a name printable UTF-8. A long one loses its end. Returns `ret`. */
char *name_text(const char *text, char ret[NAME_BYTES]);

/** The same for a path: a long one loses its beginning, so that the file's name stays. */
char *name_path(const char *path, char ret[NAME_BYTES]);

/** Write "function (file:line)", with the last part of the file only if `is_short`. Without a line
 *  it is "function (file)", without a file "function (?)". Returns `ret`. */
char *name_frame(const struct frame *frame, bool is_short, char ret[NAME_LABEL_BYTES]);

#endif
