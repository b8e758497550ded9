/* SPDX-License-Identifier: MIT */
#ifndef PYFRAMES_LINETABLE_H
#define PYFRAMES_LINETABLE_H

/**
 * @file
 * From an instruction to its line. Pure: a code object's line table in, a number out.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pyframes/offsets.h"

/** The line of the instruction at byte offset `instruction` of the bytecode. An instruction that
 *  has no line of its own gets that of the one before it; one before the code (a frame that has not
 *  begun) and one behind a broken table get `first_line`, or 0 if that is negative. Any bytes do:
 *  never fails. */
int linetable_line(enum line_format format, const uint8_t *table, size_t table_len, int first_line,
		   int instruction);

/** Tell whether the table is one for just so many bytes of bytecode: from 3.10 on it covers all of
 *  them, before it ends with the last line's beginning. The compiler's own tables are, except for a
 *  few that the optimiser of 3.8 and 3.9 has shortened the code of; those of tools that rewrite
 *  bytecode may not be. Any bytes do. */
bool linetable_fits(enum line_format format, const uint8_t *table, size_t table_len,
		    uint64_t bytecode_bytes);

#endif
