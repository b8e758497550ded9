/* SPDX-License-Identifier: MIT */
#include "tui/series.h"

/* Make one value of each two. */
static void series_halve(struct series *series)
{
	for (size_t i = 0; i < SERIES_LEN_MAX / 2; i++)
		series->value[i] = (series->value[2 * i] + series->value[2 * i + 1]) / 2;
	series->len = SERIES_LEN_MAX / 2;
	series->every *= 2;
}

void series_add(struct series *series, double value)
{
	if (series->every == 0)
		series->every = 1;
	series->sum += value;
	if (++series->taken < series->every)
		return;
	series->value[series->len++] = (float)(series->sum / (double)series->taken);
	series->sum = 0;
	series->taken = 0;
	if (series->len == SERIES_LEN_MAX)
		series_halve(series);
}
