/* SPDX-License-Identifier: MIT */
#include "tui/time_axis.h"

#include <math.h>
#include <stdio.h>
#include <sys/param.h>

#include "tui/spark.h"

enum { MARGIN = 1 };

bool time_axis_is_open(const struct time_axis *axis)
{
	return axis->timeline;
}

bool time_axis_is_long(const struct time_axis *axis)
{
	return axis->timeline && axis->timeline->instant_count > 1;
}

static double end_seconds(const struct time_axis *axis)
{
	const struct timeline *timeline = axis->timeline;
	return timeline->instant_count ? timeline->instants[timeline->instant_count - 1].seconds
				       : timeline->last->capture.seconds;
}

static double seconds_of(const struct time_axis *axis, size_t instant)
{
	const struct timeline *timeline = axis->timeline;
	if (instant + 1 >= timeline->instant_count || instant == SIZE_MAX)
		return end_seconds(axis);
	return timeline->instants[instant].seconds;
}

void time_axis_print(const struct time_axis *axis, size_t instant, char ret[TIME_TEXT_SIZE])
{
	unsigned long seconds = (unsigned long)fmax(0, fmin(ceil(seconds_of(axis, instant)), 1e9));
	snprintf(ret, TIME_TEXT_SIZE, "%02lu:%02lu:%02lu", seconds / 3600, seconds / 60 % 60,
		 seconds % 60);
}

static int columns_of(int width)
{
	return MAX(1, width - 2 * MARGIN);
}

/* The column of an instant, counted from the beginning of the axis. */
static int column_of(const struct time_axis *axis, int columns, size_t instant)
{
	double begin = timeline_begin_seconds(axis->timeline);
	double whole = end_seconds(axis) - begin;
	double share = whole > 0 ? (seconds_of(axis, instant) - begin) / whole : 1;
	return (int)fmin(fmax(ceil(share * columns), 1), columns) - 1;
}

/* The last instant until the end of a column. */
static size_t instant_at(const struct time_axis *axis, int columns, int column)
{
	const struct timeline *timeline = axis->timeline;
	double begin = timeline_begin_seconds(timeline);
	double until = begin + (end_seconds(axis) - begin) * (column + 1) / columns;
	size_t instant = timeline_find(timeline, until);
	if (instant > 0 && timeline->instants[instant].seconds > until)
		instant--;
	return instant;
}

size_t time_axis_find(const struct time_axis *axis, int width, int column)
{
	int columns = columns_of(width);
	return instant_at(axis, columns, MIN(MAX(column - MARGIN, 0), columns - 1));
}

void time_axis_draw(const struct time_axis *axis, struct cells *cells, int row)
{
	const struct instant *instants = axis->timeline->instants;
	int columns = columns_of(cells->width);
	int cursor = column_of(axis, columns, axis->cursor);
	double most = 0;
	for (size_t i = 0; i < axis->timeline->instant_count; i++)
		most = fmax(most, instants[i].live_bytes);
	for (int i = 0; i < columns; i++) {
		double live = instants[instant_at(axis, columns, i)].live_bytes;
		cells_text(cells, row, MARGIN + i, 1, i < cursor ? STYLE_ACCENT : STYLE_DIM,
			   spark_level(most > 0 ? live / most : 0));
	}
	if (axis->baseline != TIMELINE_ATTACH)
		cells_text(cells, row, MARGIN + column_of(axis, columns, axis->baseline), 1,
			   STYLE_BOLD, "b");
	cells_text(cells, row, MARGIN + cursor, 1, STYLE_WARM, "┃");
}
