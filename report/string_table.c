/* SPDX-License-Identifier: MIT */
#include "report/string_table.h"

#include <string.h>

#include "base/hash.h"

struct known_string {
	UT_hash_handle hh;
	int64_t number;
	char text[];
};

void string_table_deinit(struct string_table *table)
{
	struct known_string *known, *next;
	HASH_ITER(hh, table->strings, known, next) {
		HASH_DEL(table->strings, known);
		free(known);
	}
}

bool string_table_add(struct string_table *table, const char *text, int64_t *ret, struct error *err)
{
	struct known_string *known;
	size_t len = strlen(text);
	HASH_FIND(hh, table->strings, text, len, known);
	if (!known) {
		known = calloc(1, sizeof(*known) + len + 1);
		if (!known)
			return error_set(err, ERROR_NO_MEMORY, "no memory for a name");
		memcpy(known->text, text, len);
		known->number = HASH_COUNT(table->strings);
		HASH_ADD_KEYPTR(hh, table->strings, known->text, len, known);
		if (!known->hh.tbl) {
			free(known);
			return error_set(err, ERROR_NO_MEMORY, "no memory for a name");
		}
	}
	*ret = known->number;
	return true;
}

const struct known_string *string_table_next(const struct string_table *table,
					     const struct known_string *previous)
{
	return previous ? previous->hh.next : table->strings;
}

const char *string_table_text(const struct known_string *known)
{
	return known->text;
}
