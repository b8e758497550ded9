/* SPDX-License-Identifier: MIT */
#include "report/json_value.h"

#include <math.h>
#include <string.h>

#include "base/text.h"

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
	static const double exact_max = 9007199254740992.0;
	return json_integer((json_int_t)round(fmin(fmax(number, -exact_max), exact_max)));
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
