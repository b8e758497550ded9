/* SPDX-License-Identifier: MIT */
#include "report/json_value.h"

#include <string.h>

#include "base/text.h"
#include "report/figure.h"

/* Reals with as many digits as a double holds for certain. */
enum { DUMP_FLAGS = JSON_COMPACT | JSON_REAL_PRECISION(15) };

json_t *json_foreign(const char *text)
{
	/* Each byte becomes three at worst. */
	size_t size = 3 * strlen(text) + 1;
	OWNED_FREE char *printable = malloc(size);
	if (!printable)
		return NULL;
	text_printable(text, printable, size);
	return json_string(printable);
}

json_t *json_whole(double number)
{
	return json_integer(figure_whole(number));
}

bool json_write_value(FILE *out, const char *before, json_t *value, struct error *err)
{
	if (!value)
		return error_set(err, ERROR_NO_MEMORY, "no memory for the report");
	fputs(before, out);
	(void)json_dumpf(value, out, DUMP_FLAGS | JSON_ENCODE_ANY);
	json_decref(value);
	return true;
}

/* Outside of texts, JSON has none of the characters that are escaped here. */
static int write_escaped(const char *text, size_t len, void *out)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '<' || text[i] == '>' || text[i] == '&')
			fprintf(out, "\\u%04x", (unsigned)text[i]);
		else
			fputc(text[i], out);
	}
	return 0;
}

bool json_write_markup(FILE *out, const char *before, json_t *value, struct error *err)
{
	if (!value)
		return error_set(err, ERROR_NO_MEMORY, "no memory for the report");
	fputs(before, out);
	(void)json_dump_callback(value, write_escaped, out, DUMP_FLAGS | JSON_ENCODE_ANY);
	json_decref(value);
	return true;
}
