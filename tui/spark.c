/* SPDX-License-Identifier: MIT */
#include "tui/spark.h"

#include <math.h>
#include <string.h>

/* From an eighth of a cell to a whole one. */
static const char *const levels[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
enum { LEVELS = sizeof(levels) / sizeof(levels[0]) };

static const char *const bar_ends[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };

static double number(float value)
{
	return isfinite(value) && value > 0 ? (double)value : 0;
}

static double largest(const float *value, size_t len)
{
	double most = 0;
	for (size_t i = 0; i < len; i++)
		most = fmax(most, number(value[i]));
	return most;
}

static void append(char *ret, size_t size, const char *text)
{
	size_t len = strlen(ret);
	if (len + strlen(text) < size)
		strcpy(ret + len, text);
}

/* The mean of the values that share a column. */
static double column_value(const float *value, size_t len, size_t columns, size_t column)
{
	size_t begin = column * len / columns;
	size_t end = (column + 1) * len / columns;
	double sum = 0;
	for (size_t i = begin; i < end; i++)
		sum += number(value[i]);
	return end > begin ? sum / (double)(end - begin) : 0;
}

const char *spark_level(double share)
{
	double bounded = isfinite(share) ? fmin(fmax(share, 0), 1) : 0;
	return levels[(size_t)lround(bounded * (LEVELS - 1))];
}

void spark_print(const float *value, size_t len, size_t columns, char *ret, size_t size)
{
	double most = largest(value, len);
	if (columns > len)
		columns = len;
	ret[0] = '\0';
	for (size_t i = 0; most > 0 && i < columns; i++) {
		double share = column_value(value, len, columns, i) / most;
		append(ret, size, spark_level(share));
	}
}

void spark_print_chart(const float *value, size_t len, size_t columns, size_t line, size_t lines,
		       char *ret, size_t size)
{
	double most = largest(value, len);
	ret[0] = '\0';
	for (size_t i = 0; most > 0 && len > 0 && i < columns; i++) {
		double here = number(value[i * len / columns]) / most;
		double eighths =
			here * (double)(lines * LEVELS) - (double)((lines - 1 - line) * LEVELS);
		if (eighths < 0.5 && line + 1 < lines)
			append(ret, size, " ");
		else
			append(ret, size,
			       levels[(size_t)fmin(fmax(lround(eighths) - 1, 0), LEVELS - 1)]);
	}
}

void spark_print_bar(double share, size_t columns, char *ret, size_t size)
{
	double bounded = isfinite(share) ? fmin(fmax(share, 0), 1) : 0;
	size_t eighths = (size_t)lround(bounded * (double)columns * LEVELS);
	if (eighths == 0 && bounded > 0)
		eighths = 1;
	ret[0] = '\0';
	for (size_t i = 0; i < eighths / LEVELS; i++)
		append(ret, size, levels[LEVELS - 1]);
	append(ret, size, bar_ends[eighths % LEVELS]);
}
