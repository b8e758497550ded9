/* SPDX-License-Identifier: MIT */
#ifndef REPORT_LABEL_H
#define REPORT_LABEL_H

/**
 * @file
 * A frame in one line of text.
 */

#include <stddef.h>

#include "base/frame.h"

/** Write "file:line function", printable, in at most `width` characters. The middle of a long path
 *  goes first, the name of the file last. Returns `ret`, cut if `size` bytes do not suffice. */
char *label_frame(const struct frame *frame, size_t width, char *ret, size_t size);

#endif
