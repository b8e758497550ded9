/* SPDX-License-Identifier: MIT */
#ifndef REPORT_STRING_TABLE_H
#define REPORT_STRING_TABLE_H

/**
 * @file
 * Texts, each once, numbered from 0 in the order they come.
 */

#include <stdint.h>

#include "base/error.h"

/** NULL: empty. */
struct string_table {
	struct known_string *strings;
};

void string_table_deinit(struct string_table *table);

/** Give the number of a text, which is copied. Errors: ERROR_NO_MEMORY. */
MUST_CHECK bool string_table_add(struct string_table *table, const char *text, int64_t *ret,
				 struct error *err);

/** The next text in order: the first after NULL. NULL at the end. */
const struct known_string *string_table_next(const struct string_table *table,
					     const struct known_string *previous);

/** A text, which lives as long as the table. */
const char *string_table_text(const struct known_string *known);

#endif
