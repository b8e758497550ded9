/* SPDX-License-Identifier: MIT */
#ifndef PYFRAMES_LINETABLE_H
#define PYFRAMES_LINETABLE_H

/**
 * @file
 * From an instruction to its line. Pure: a code object's line table in, a number out.
 */

#include <stddef.h>
#include <stdint.h>

#include "pyframes/offsets.h"

/** The line of the instruction at byte offset `instruction` of the bytecode. An instruction that
 *  has no line of its own gets that of the one before it; one before the code (a frame that has not
 *  begun) and one behind a broken table get `first_line`. Any bytes do: never fails. */
int linetable_line(enum line_format format, const uint8_t *table, size_t table_len, int first_line,
		   int instruction);

#endif
