/* SPDX-License-Identifier: MIT */
#include "pyframes/linetable.h"

#include <limits.h>

/* Lines are summed in 64 bits: tables are at most some MiB long and no delta exceeds 32 bits. */

/* Pairs of (u8 bytes of code until the line changes, s8 change of line). */
static int64_t lnotab_line(const uint8_t *table, size_t len, int64_t line, int instruction)
{
	int64_t start = 0;
	for (size_t i = 0; i + 1 < len; i += 2) {
		start += table[i];
		if (start > instruction)
			break;
		line += (int8_t)table[i + 1];
	}
	return line;
}

/* Pairs of (u8 bytes of code, s8 change of line before them); -128: these bytes have no line. */
static int64_t ranges_line(const uint8_t *table, size_t len, int64_t line, int instruction)
{
	enum { NO_LINE = -128 };
	int64_t end = 0;
	for (size_t i = 0; i + 1 < len; i += 2) {
		int8_t delta = (int8_t)table[i + 1];
		end += table[i];
		if (delta != NO_LINE)
			line += delta;
		if (instruction < end)
			break;
	}
	return line;
}

/* A varint of 6 bits per byte, lowest first, bit 6 set on all but the last; its lowest bit is the
 * sign. More than 32 bits are garbage, and are cut. */
static int64_t location_svarint(const uint8_t *table, size_t len, size_t i)
{
	uint64_t value = 0;
	for (unsigned shift = 0; i < len && shift <= 30; shift += 6) {
		uint8_t byte = table[i++];
		value |= (uint64_t)(byte & 0x3f) << shift;
		if (!(byte & 0x40))
			break;
	}
	int64_t magnitude = (int64_t)(value >> 1);
	return value & 1 ? -magnitude : magnitude;
}

/* The change of line that the entry at `i` begins with. */
static int64_t location_delta(const uint8_t *table, size_t len, size_t i)
{
	unsigned code = (table[i] >> 3) & 15;
	switch (code) {
	case 13: /* no columns */
	case 14: /* long form */
		return location_svarint(table, len, i + 1);
	case 10: /* one-line forms */
	case 11:
	case 12:
		return code - 10;
	default: /* short forms: the same line; 15: no location */
		return 0;
	}
}

/* Entries, each beginning with the only byte that has bit 7 set: bits 3-6 are its form, bits 0-2
 * the number of 2-byte code units less one. */
static int64_t locations_line(const uint8_t *table, size_t len, int64_t line, int instruction)
{
	int64_t end = 0;
	for (size_t i = 0; i < len; i++) {
		if (!(table[i] & 0x80))
			continue;
		end += ((table[i] & 7) + 1) * 2;
		line += location_delta(table, len, i);
		if (instruction < end)
			break;
	}
	return line;
}

int linetable_line(enum line_format format, const uint8_t *table, size_t table_len, int first_line,
		   int instruction)
{
	static int64_t (*const decode[])(const uint8_t *, size_t, int64_t, int) = {
		[LINE_LNOTAB] = lnotab_line,
		[LINE_RANGES] = ranges_line,
		[LINE_LOCATIONS] = locations_line,
	};
	int64_t line = first_line;
	if (instruction >= 0)
		line = decode[format](table, table_len, first_line, instruction);
	if (line <= 0 || line > INT_MAX)
		line = first_line;
	return line > 0 ? (int)line : 0;
}

bool linetable_fits(enum line_format format, const uint8_t *table, size_t table_len,
		    uint64_t bytecode_bytes)
{
	uint64_t covered = 0;
	if (format == LINE_LOCATIONS) {
		for (size_t i = 0; i < table_len; i++)
			covered += table[i] & 0x80 ? ((table[i] & 7) + 1) * 2 : 0;
		return covered == bytecode_bytes;
	}
	for (size_t i = 0; i + 1 < table_len; i += 2)
		covered += table[i];
	return format == LINE_RANGES ? covered == bytecode_bytes : covered < bytecode_bytes;
}
