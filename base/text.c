/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/glyphs.h"

/* One step of a scale of units, each `factor` times the one before. */
struct unit {
	const char *name;
	int decimals;
};

/* Choose the smallest unit in which the number, rounded as it will be printed, stays under the
 * factor; divides `number` down to it. */
static const struct unit *unit_choose(const struct unit *units, size_t unit_count, double factor,
				      double *number)
{
	size_t i = 0;
	while (i + 1 < unit_count) {
		double scale = units[i].decimals == 0 ? 1 : units[i].decimals == 1 ? 10 : 100;
		if (round(fabs(*number) * scale) < factor * scale)
			break;
		*number /= factor;
		i++;
	}
	return &units[i];
}

char *text_bytes(double bytes, char *ret, size_t size)
{
	static const struct unit units[] = {
		{ "B", 0 },   { "KiB", 1 }, { "MiB", 1 }, { "GiB", 2 },
		{ "TiB", 2 }, { "PiB", 2 }, { "EiB", 2 },
	};
	int exponent;
	bool is_power = bytes >= 1 && frexp(bytes, &exponent) == 0.5;
	const struct unit *unit = unit_choose(units, ARRAY_LEN(units), 1024, &bytes);
	if (fabs(bytes) < 1e6)
		snprintf(ret, size, "%.*f %s", is_power ? 0 : unit->decimals, bytes, unit->name);
	else
		snprintf(ret, size, "?");
	return ret;
}

char *text_count(double count, char *ret, size_t size)
{
	static const struct unit units[] = {
		{ "", 0 }, { "M", 1 }, { "G", 1 }, { "T", 1 }, { "P", 1 }, { "E", 1 },
	};
	double rounded = round(count);
	if (fabs(rounded) < 1000) {
		snprintf(ret, size, "%.0f", rounded);
	} else if (fabs(rounded) < 1e6) {
		long whole = (long)rounded;
		snprintf(ret, size, "%ld,%03ld", whole / 1000, labs(whole % 1000));
	} else {
		double millions = count / 1e6;
		const struct unit *unit =
			unit_choose(units + 1, ARRAY_LEN(units) - 1, 1000, &millions);
		if (fabs(millions) < 1e6)
			snprintf(ret, size, "%.1f %s", millions, unit->name);
		else
			snprintf(ret, size, "?");
	}
	return ret;
}

char *text_duration(double seconds, char *ret, size_t size)
{
	static const struct {
		double seconds;
		char name;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };

	size_t i = 0;
	while (i + 1 < ARRAY_LEN(units) && !(seconds >= units[i].seconds))
		i++;
	double whole = seconds > 0 ? fmin(floor(seconds / units[i].seconds), 99999) : 0;
	snprintf(ret, size, "%.0f%c", whole, units[i].name);
	return ret;
}

/* Unicode 15 "Bidirectional Formatting Characters" and line separators, besides C0, C1 and DEL. */
static bool is_harmful(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x61c || code == 0x200e ||
	       code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069);
}

static bool is_any(uint32_t code)
{
	(void)code;
	return true;
}

static bool is_harmless(uint32_t code)
{
	return !is_harmful(code);
}

/* Copy what is UTF-8 and is to be kept; U+FFFD, which glyphs_first() gives for invalid bytes,
 * stands for the rest. */
static size_t copy_text(const char *text, bool (*is_kept)(uint32_t code), char *ret, size_t size)
{
	static const char replacement[] = "\uFFFD";
	size_t used = 0;
	if (size == 0)
		return 0;

	for (struct glyph glyph; (glyph = glyphs_first(text)).len; text += glyph.len) {
		bool is_valid = glyph.code != GLYPH_REPLACEMENT && is_kept(glyph.code);
		const char *from = is_valid ? text : replacement;
		size_t from_len = is_valid ? glyph.len : sizeof(replacement) - 1;
		if (used + from_len >= size)
			break;
		memcpy(ret + used, from, from_len);
		used += from_len;
	}
	ret[used] = '\0';
	return used;
}

size_t text_printable(const char *text, char *ret, size_t size)
{
	return copy_text(text, is_harmless, ret, size);
}

size_t text_utf8(const char *text, char *ret, size_t size)
{
	return copy_text(text, is_any, ret, size);
}
