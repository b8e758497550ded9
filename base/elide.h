/* SPDX-License-Identifier: MIT */
#ifndef BASE_ELIDE_H
#define BASE_ELIDE_H

/**
 * @file
 * A frame in few columns: what matters least goes first.
 */

#include <stddef.h>

#include "base/frame.h"

/** Write "dir/file.py:line function" into at most `columns` columns and `size` bytes. First the
 *  middle of the directory goes, then the directory, the outer parts of a qualified name and the
 *  end of the function; the file's name is the last thing to be cut. The result is printable,
 *  whatever the frame holds. Returns `ret`. */
char *elide_frame(const struct frame *frame, int columns, char *ret, size_t size);

#endif
