/* SPDX-License-Identifier: MIT */
#include "cli/quantity.h"

#include <ctype.h>
#include <string.h>

#include "base/clock.h"

struct unit {
	const char *name;
	double factor;
};

static const struct unit duration_units[] = {
	{ "", 1 }, { "s", 1 }, { "m", 60 }, { "h", 3600 }, { NULL, 0 },
};
static const struct unit size_units[] = {
	{ "", 1 },   { "K", 1024 }, { "M", 1024.0 * 1024 }, { "G", 1024.0 * 1024 * 1024 },
	{ NULL, 0 },
};
static const struct unit time_units[] = {
	{ "s", 1 },
	{ "min", 60 },
	{ "h", 3600 },
	{ NULL, 0 },
};
static const struct unit percent_units[] = {
	{ "", 0.01 },
	{ "%", 0.01 },
	{ NULL, 0 },
};
static const struct unit no_units[] = { { "", 1 }, { NULL, 0 } };

/* What is exact in a double, and what fits 64 bits in nanoseconds. */
static const double SIZE_MAX_BYTES = 9007199254740991.0;
static const double DURATION_MAX_SECONDS = 10.0 * 365 * 86400;

/* Read a number's digits; NULL if there are none. Where they stop is returned. */
static const char *scan_number(const char *text, double *ret)
{
	double value = 0;
	double place = 0; /* of the next digit, once the point was seen */
	const char *at = text;

	for (; isdigit((unsigned char)*at) || (*at == '.' && place == 0 && at > text); at++) {
		if (*at == '.') {
			place = 0.1;
		} else if (place == 0) {
			value = value * 10 + (*at - '0');
		} else {
			value += (*at - '0') * place;
			place /= 10;
		}
	}
	if (at == text || at[-1] == '.')
		return NULL;
	*ret = value;
	return at;
}

static bool find_unit(const char *text, size_t len, const struct unit *units, double *factor_ret)
{
	for (const struct unit *unit = units; unit->name; unit++) {
		if (strlen(unit->name) == len && strncmp(unit->name, text, len) == 0) {
			*factor_ret = unit->factor;
			return true;
		}
	}
	return false;
}

/* Read "NUMBER UNIT" up to `end`. */
static bool scan_quantity(const char *text, const char *end, const struct unit *units, double max,
			  double *ret)
{
	double number;
	double factor;
	const char *unit = scan_number(text, &number);
	if (!unit || unit > end || !find_unit(unit, (size_t)(end - unit), units, &factor))
		return false;
	if (!(number * factor <= max))
		return false;
	*ret = number * factor;
	return true;
}

static const char *end_of(const char *text)
{
	return text + strlen(text);
}

bool quantity_duration(const char *text, uint64_t *ret_ns, struct error *err)
{
	double seconds;
	if (!scan_quantity(text, end_of(text), duration_units, DURATION_MAX_SECONDS, &seconds))
		return error_set(err, ERROR_USAGE, "'%s' is no duration such as 90, 90s, 10m or 2h",
				 text);
	*ret_ns = (uint64_t)(seconds * (double)NS_PER_SECOND + 0.5);
	return true;
}

bool quantity_size(const char *text, uint64_t *ret_bytes, struct error *err)
{
	double bytes;
	if (!scan_quantity(text, end_of(text), size_units, SIZE_MAX_BYTES, &bytes))
		return error_set(err, ERROR_USAGE, "'%s' is no size such as 4096, 512K, 10M or 1G",
				 text);
	*ret_bytes = (uint64_t)bytes;
	return true;
}

bool quantity_rate(const char *text, double *ret_bytes_per_second, struct error *err)
{
	double bytes;
	double seconds;
	const char *slash = strchr(text, '/');
	if (!slash || !scan_quantity(text, slash, size_units, SIZE_MAX_BYTES, &bytes) ||
	    !find_unit(slash + 1, strlen(slash + 1), time_units, &seconds))
		return error_set(err, ERROR_USAGE,
				 "'%s' is no rate such as 100K/min (units of time: s, min, h)",
				 text);
	*ret_bytes_per_second = bytes / seconds;
	return true;
}

bool quantity_percent(const char *text, double *ret, struct error *err)
{
	double share;
	if (!scan_quantity(text, end_of(text), percent_units, 1, &share) || share <= 0)
		return error_set(err, ERROR_USAGE,
				 "'%s' is no percentage above 0 and up to 100, such as 1 or 0.5%%",
				 text);
	*ret = share;
	return true;
}

bool quantity_confidence(const char *text, double *ret, struct error *err)
{
	double share;
	if (!scan_quantity(text, end_of(text), no_units, 1, &share) || share < 0.5 || share >= 1)
		return error_set(err, ERROR_USAGE,
				 "'%s' is no confidence from 0.5 to below 1, such as 0.95", text);
	*ret = share;
	return true;
}

bool quantity_count(const char *text, int max, int *ret, struct error *err)
{
	int64_t value = 0;
	const char *at = text;
	for (; isdigit((unsigned char)*at) && value <= max; at++)
		value = value * 10 + (*at - '0');
	if (at == text || *at != '\0' || value == 0 || value > max)
		return error_set(err, ERROR_USAGE, "'%s' is no number from 1 to %d", text, max);
	*ret = (int)value;
	return true;
}

/* Read a whole number from 1 on; where it stops is returned, NULL if there is none. */
static const char *scan_count(const char *text, double *ret)
{
	double value = 0;
	for (; isdigit((unsigned char)*text) && value <= SIZE_MAX_BYTES; text++)
		value = value * 10 + (*text - '0');
	*ret = value;
	return value >= 1 && value <= SIZE_MAX_BYTES ? text : NULL;
}

bool quantity_two_counts(const char *text, double ret[2], struct error *err)
{
	double first, second;
	const char *comma = scan_count(text, &first);
	const char *end = comma && *comma == ',' ? scan_count(comma + 1, &second) : NULL;
	if (!end || *end != '\0')
		return error_set(err, ERROR_USAGE,
				 "'%s' is no two numbers from 1 on, such as 12000,13500", text);
	ret[0] = first;
	ret[1] = second;
	return true;
}
