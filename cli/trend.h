/* SPDX-License-Identifier: MIT */
#ifndef CLI_TREND_H
#define CLI_TREND_H

/**
 * @file
 * The slope of a figure over time, by least squares over all that was seen, in constant memory.
 */

struct trend {
	double count;
	double mean_time;
	double mean_value;
	double time_time; /* sums of products of deviations from the means */
	double time_value;
};

static inline void trend_add(struct trend *trend, double time, double value)
{
	trend->count++;
	double time_step = time - trend->mean_time;
	trend->mean_time += time_step / trend->count;
	trend->mean_value += (value - trend->mean_value) / trend->count;
	trend->time_time += time_step * (time - trend->mean_time);
	trend->time_value += time_step * (value - trend->mean_value);
}

/** Per unit of time; 0 as long as only one time was seen. */
static inline double trend_slope(const struct trend *trend)
{
	return trend->time_time > 0 ? trend->time_value / trend->time_time : 0;
}

#endif
