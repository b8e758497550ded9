/* SPDX-License-Identifier: MIT */
#ifndef TUI_SPARK_H
#define TUI_SPARK_H

/**
 * @file
 * A course of figures drawn in one line of text, "▁▂▃▅▇█", and as bars.
 */

#include <stddef.h>

/** The bytes that so many columns take at most. */
#define SPARK_SIZE(columns) ((columns)*3 + 1)

/** Draw a course over at most `columns` columns, from nothing (▁) to its largest value (█); several
 *  values share a column if there are more. What is no number, or negative, counts as nothing.
 *  Nothing is drawn where all is nothing. */
void spark_print(const float *value, size_t len, size_t columns, char *ret, size_t size);

/** One cell of a course, for a share from 0 (▁) to 1 (█). */
const char *spark_level(double share);

/** Draw one line of a chart of `lines` lines, 0 being the top one, where a column is as long as its
 *  value. As many columns as there are values, or `columns` of them. */
void spark_print_chart(const float *value, size_t len, size_t columns, size_t line, size_t lines,
		       char *ret, size_t size);

/** Draw a bar for a share from 0 to 1, whose whole takes `columns` columns. */
void spark_print_bar(double share, size_t columns, char *ret, size_t size);

#endif
