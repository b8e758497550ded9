/* SPDX-License-Identifier: MIT */
#include "tui/figures.h"

#include <math.h>

/* Not hypot(): the figures of a hundred thousand stacks are added up for one picture. */
static double root_of_squares(double a, double b)
{
	return sqrt(a * a + b * b);
}

static struct estimate estimate_sum(const struct estimate *a, const struct estimate *b)
{
	double value = a->value + b->value;
	double below = root_of_squares(a->value - a->low, b->value - b->low);
	double above = root_of_squares(a->high - a->value, b->high - b->value);
	return (struct estimate){ .value = value,
				  .low = value - below,
				  .high = value + above,
				  .error = fmax(below, above) };
}

void figures_add(struct figures *sum, const struct figures *figures)
{
	sum->live_bytes = estimate_sum(&sum->live_bytes, &figures->live_bytes);
	sum->growth_bytes_per_second =
		estimate_sum(&sum->growth_bytes_per_second, &figures->growth_bytes_per_second);
	sum->live_blocks += figures->live_blocks;
	sum->oldest_seconds = fmax(sum->oldest_seconds, figures->oldest_seconds);
	sum->live_samples += figures->live_samples;
	for (size_t kind = 0; kind < MEMORY_KIND_COUNT; kind++)
		sum->kind_live_bytes[kind] += figures->kind_live_bytes[kind];

	if (sum->course_len < figures->course_len)
		sum->course_len = figures->course_len;
	for (size_t i = 0; i < STRETCHES_MAX; i++)
		sum->course_bytes[i] += figures->course_bytes[i];
	for (size_t i = 0; i < AGE_CLASSES; i++) {
		sum->age_bytes[i] += figures->age_bytes[i];
		sum->age_blocks[i] += figures->age_blocks[i];
	}
	for (size_t i = 0; i < SIZE_CLASSES; i++)
		sum->size_bytes[i] += figures->size_bytes[i];
}

static double sum_from(const float *classes, size_t first)
{
	double sum = 0;
	for (size_t i = first; i < AGE_CLASSES; i++)
		sum += (double)classes[i];
	return sum;
}

double figures_old_bytes(const struct figures *figures, size_t min_age_class)
{
	return min_age_class ? sum_from(figures->age_bytes, min_age_class)
			     : figures->live_bytes.value;
}

void figures_keep_old(struct figures *figures, size_t min_age_class)
{
	if (min_age_class == 0)
		return;
	struct estimate *live = &figures->live_bytes;
	double all = sum_from(figures->age_bytes, 0);
	double old = figures_old_bytes(figures, min_age_class);
	/* A part of the blocks has that part of the variance. */
	double scale = all > 0 ? sqrt(old / all) : 0;
	double below = (live->value - live->low) * scale;
	double above = (live->high - live->value) * scale;
	*live = (struct estimate){ .value = old,
				   .low = fmax(0, old - below),
				   .high = old + above,
				   .error = fmax(below, above) };
	figures->live_blocks = sum_from(figures->age_blocks, min_age_class);
	for (size_t i = 0; i < min_age_class; i++)
		figures->age_bytes[i] = figures->age_blocks[i] = 0;
}

double figures_median_seconds(const struct figures *figures)
{
	double half = sum_from(figures->age_bytes, 0) / 2;
	if (!(half > 0))
		return 0;
	size_t i = 0;
	while (i + 1 < AGE_CLASSES && (double)figures->age_bytes[i] < half)
		half -= (double)figures->age_bytes[i++];

	double begin = age_class_seconds[i];
	double end = fmax(begin, figures->oldest_seconds);
	if (i + 1 < AGE_CLASSES)
		end = fmin(end, age_class_seconds[i + 1]);
	return begin + (end - begin) * half / fmax((double)figures->age_bytes[i], half);
}
