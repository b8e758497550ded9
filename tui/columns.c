/* SPDX-License-Identifier: MIT */
#include "tui/columns.h"

#include <math.h>
#include <stdio.h>

#include "base/text.h"
#include "tui/figures.h"
#include "tui/spark.h"
#include "tui/tree.h"

enum { TREND_COLUMNS = 8 };

/* Captures are not trusted: what is not a number sorts and shows as nothing. */
static double number(double value)
{
	return isfinite(value) ? value : 0;
}

static double live_value(const struct tree_row *row)
{
	return number(row->figures.live_bytes.value);
}

static void live_print(const struct tree_row *row, char ret[COLUMN_TEXT_SIZE])
{
	text_bytes(live_value(row), ret, COLUMN_TEXT_SIZE);
}

static const struct estimate *live_estimate(const struct tree_row *row)
{
	return &row->figures.live_bytes;
}

static double growth_value(const struct tree_row *row)
{
	return number(row->figures.growth_bytes_per_second.value);
}

static void growth_print(const struct tree_row *row, char ret[COLUMN_TEXT_SIZE])
{
	columns_print_growth(growth_value(row), ret);
}

static const struct estimate *growth_estimate(const struct tree_row *row)
{
	return &row->figures.growth_bytes_per_second;
}

static double blocks_value(const struct tree_row *row)
{
	return number(row->figures.live_blocks);
}

static void blocks_print(const struct tree_row *row, char ret[COLUMN_TEXT_SIZE])
{
	text_count(blocks_value(row), ret, COLUMN_TEXT_SIZE);
}

static double age_value(const struct tree_row *row)
{
	return number(row->figures.oldest_seconds);
}

static void age_print(const struct tree_row *row, char ret[COLUMN_TEXT_SIZE])
{
	text_duration(age_value(row), ret, COLUMN_TEXT_SIZE);
}

static double median_value(const struct tree_row *row)
{
	return number(figures_median_seconds(&row->figures));
}

static void median_print(const struct tree_row *row, char ret[COLUMN_TEXT_SIZE])
{
	text_duration(median_value(row), ret, COLUMN_TEXT_SIZE);
}

static double change_value(const struct tree_row *row)
{
	return number(row->change_bytes);
}

static void change_print(const struct tree_row *row, char ret[COLUMN_TEXT_SIZE])
{
	columns_print_signed(change_value(row), ret);
}

static double share_value(const struct tree_row *row)
{
	return number(row->share);
}

static void share_print(const struct tree_row *row, char ret[COLUMN_TEXT_SIZE])
{
	snprintf(ret, COLUMN_TEXT_SIZE, "%.1f%%", 100 * fmin(fmax(share_value(row), 0), 9.999));
}

/* How much of what is there came in the last quarter of the time. */
static double trend_value(const struct tree_row *row)
{
	size_t len = row->figures.course_len;
	if (len == 0)
		return 0;
	float last = row->figures.course_bytes[len - 1];
	return number((double)(last - row->figures.course_bytes[(len - 1) * 3 / 4]));
}

static void trend_print(const struct tree_row *row, char ret[COLUMN_TEXT_SIZE])
{
	spark_print(row->figures.course_bytes, row->figures.course_len, TREND_COLUMNS, ret,
		    COLUMN_TEXT_SIZE);
}

const struct column columns[COLUMN_COUNT] = {
	[COLUMN_LIVE] = { .title = "LIVE",
			  .help = "allocated and not yet freed",
			  .columns = 10,
			  .error_min_screen = 100,
			  .value = live_value,
			  .print = live_print,
			  .estimate = live_estimate },
	[COLUMN_GROWTH] = { .title = "GROWTH/min",
			    .help = "slope of LIVE; dim: unsure",
			    .columns = 11,
			    .min_screen = 36,
			    .error_min_screen = 60,
			    .value = growth_value,
			    .print = growth_print,
			    .estimate = growth_estimate },
	[COLUMN_BLOCKS] = { .title = "BLOCKS",
			    .help = "how many pieces of memory",
			    .columns = 7,
			    .min_screen = 66,
			    .makes_way = true,
			    .value = blocks_value,
			    .print = blocks_print },
	[COLUMN_AGE] = { .title = "AGE",
			 .help = "of the oldest living block",
			 .columns = 4,
			 .min_screen = 72,
			 .value = age_value,
			 .print = age_print },
	[COLUMN_MEDIAN] = { .title = "MEDIAN",
			    .help = "half the bytes are older",
			    .columns = 7,
			    .min_screen = 110,
			    .needs_ages = true,
			    .value = median_value,
			    .print = median_print },
	[COLUMN_CHANGE] = { .title = "CHANGE",
			    .help = "of LIVE since the baseline",
			    .columns = 11,
			    .min_screen = 72,
			    .needs_baseline = true,
			    .value = change_value,
			    .print = change_print },
	[COLUMN_SHARE] = { .title = "SHARE",
			   .help = "of the live memory of all",
			   .columns = 6,
			   .min_screen = 104,
			   .value = share_value,
			   .print = share_print },
	[COLUMN_TREND] = { .title = "TREND",
			   .help = "LIVE since the attach",
			   .columns = TREND_COLUMNS,
			   .min_screen = 80,
			   .value = trend_value,
			   .print = trend_print },
};

void columns_print_error(const struct estimate *estimate, char ret[COLUMN_TEXT_SIZE])
{
	double percent = 100 * estimate->error / fabs(estimate->value);
	if (percent > 999)
		snprintf(ret, COLUMN_TEXT_SIZE, "±>999%%");
	else if (percent > 0)
		snprintf(ret, COLUMN_TEXT_SIZE, "±%.0f%%", ceil(percent));
	else
		ret[0] = '\0';
}

void columns_print_signed(double bytes, char ret[COLUMN_TEXT_SIZE])
{
	ret[0] = '+';
	text_bytes(number(bytes), ret + (number(bytes) >= 0), COLUMN_TEXT_SIZE - 1);
}

void columns_print_growth(double bytes_per_second, char ret[COLUMN_TEXT_SIZE])
{
	columns_print_signed(60 * number(bytes_per_second), ret);
}

bool columns_is_sure_growth(const struct estimate *growth)
{
	return growth->low > 0;
}
