/* SPDX-License-Identifier: MIT */
#include "tui/columns.h"

#include <math.h>
#include <stdio.h>

#include "base/text.h"

/* Captures are not trusted: what is not a number sorts and shows as nothing. */
static double number(double value)
{
	return isfinite(value) ? value : 0;
}

static double live_value(const struct figures *figures)
{
	return number(figures->live_bytes.value);
}

static void live_print(const struct figures *figures, char ret[COLUMN_TEXT_SIZE])
{
	text_bytes(live_value(figures), ret, COLUMN_TEXT_SIZE);
}

static const struct estimate *live_estimate(const struct figures *figures)
{
	return &figures->live_bytes;
}

static double growth_value(const struct figures *figures)
{
	return number(figures->growth_bytes_per_second.value);
}

static void growth_print(const struct figures *figures, char ret[COLUMN_TEXT_SIZE])
{
	columns_print_growth(growth_value(figures), ret);
}

static const struct estimate *growth_estimate(const struct figures *figures)
{
	return &figures->growth_bytes_per_second;
}

static double blocks_value(const struct figures *figures)
{
	return number(figures->live_blocks);
}

static void blocks_print(const struct figures *figures, char ret[COLUMN_TEXT_SIZE])
{
	text_count(blocks_value(figures), ret, COLUMN_TEXT_SIZE);
}

static double age_value(const struct figures *figures)
{
	return number(figures->oldest_seconds);
}

static void age_print(const struct figures *figures, char ret[COLUMN_TEXT_SIZE])
{
	text_duration(age_value(figures), ret, COLUMN_TEXT_SIZE);
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
			    .value = blocks_value,
			    .print = blocks_print },
	[COLUMN_AGE] = { .title = "AGE",
			 .help = "of the oldest living block",
			 .columns = 4,
			 .min_screen = 72,
			 .value = age_value,
			 .print = age_print },
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

void columns_print_growth(double bytes_per_second, char ret[COLUMN_TEXT_SIZE])
{
	double per_minute = 60 * number(bytes_per_second);
	ret[0] = '+';
	text_bytes(per_minute, ret + (per_minute >= 0), COLUMN_TEXT_SIZE - 1);
}

bool columns_is_sure_growth(const struct estimate *growth)
{
	return growth->low > 0;
}
