/* SPDX-License-Identifier: MIT */
#include "tracer/stop_times.h"

#include <stddef.h>
#include <string.h>

#include "tracer/region_layout.h"

enum { CLASSES_PER_POWER = 8 };

/* The highest value of a class. */
static uint64_t class_limit(size_t class)
{
	if (class < 2 * CLASSES_PER_POWER)
		return class;
	size_t shift = class / CLASSES_PER_POWER - 1;
	uint64_t mantissa = CLASSES_PER_POWER + class % CLASSES_PER_POWER;
	return shift > 60 ? UINT64_MAX : ((mantissa + 1) << shift) - 1;
}

void stop_times_count(uint32_t *counts, uint64_t ticks)
{
	uint64_t value = ticks > CLASSES_PER_POWER ? ticks : CLASSES_PER_POWER;
	size_t shift = 60 - (size_t)__builtin_clzll(value);
	counts[shift * CLASSES_PER_POWER + (value >> shift)]++;
}

uint64_t stop_times_quantile(const uint32_t *counts, double share)
{
	uint32_t now[TIMES_COUNT];
	uint64_t total = 0;
	memcpy(now, counts, sizeof(now));
	for (size_t i = 0; i < TIMES_COUNT; i++)
		total += now[i];

	uint64_t seen = 0;
	for (size_t i = 0; i < TIMES_COUNT; i++) {
		seen += now[i];
		if (now[i] && (double)seen >= share * (double)total)
			return class_limit(i);
	}
	return 0;
}

void stop_times_classify(const uint32_t *counts, double seconds_per_tick,
			 uint64_t ret[STOP_CLASSES])
{
	size_t class = 0;
	memset(ret, 0, STOP_CLASSES * sizeof(*ret));
	for (size_t i = 0; i < TIMES_COUNT; i++) {
		double seconds = (double)class_limit(i) * seconds_per_tick;
		while (class + 1 < STOP_CLASSES && seconds >= stop_class_seconds[class + 1])
			class ++;
		ret[class] += __atomic_load_n(&counts[i], __ATOMIC_RELAXED);
	}
}
