/* SPDX-License-Identifier: MIT */
#include "profile/line_pairs.h"

#include <stdint.h>

/* Costs of pairing the first lines of the shorter side, by the line that the last of them got. */
struct ways {
	int64_t costs[LINE_PAIRS_MAX];
	uint8_t befores[LINE_PAIRS_MAX][LINE_PAIRS_MAX]; /* where the line before went */
};

static int64_t distance(int64_t a, int64_t b)
{
	return a < b ? b - a : a - b;
}

/* Find the cheapest place for the line before number `i`, if that one itself goes to `j`. */
static int64_t cheapest_before(const int64_t *costs, const int *few, const int *many, size_t i,
			       size_t j, uint8_t *ret)
{
	int64_t shift = (int64_t)many[j] - few[i], best = INT64_MAX;
	for (size_t before = i - 1; before < j; before++) {
		int64_t moved = (int64_t)many[before] - few[i - 1];
		int64_t cost = costs[before] + distance(shift, moved);
		if (cost < best) {
			best = cost;
			*ret = (uint8_t)before;
		}
	}
	return best;
}

/* Put all of the few lines among the many; `place_ret` has one number for each of them. */
static void place_lines(const int *few, size_t few_count, const int *many, size_t many_count,
			size_t *place_ret)
{
	struct ways ways;
	size_t slack = many_count - few_count;
	for (size_t j = 0; j <= slack; j++)
		ways.costs[j] = distance(many[j], few[0]);
	for (size_t i = 1; i < few_count; i++) {
		/* From the end: what stands further to the left is of the line before. */
		for (size_t j = i + slack; j >= i; j--)
			ways.costs[j] =
				cheapest_before(ways.costs, few, many, i, j, &ways.befores[i][j]);
	}

	size_t best = few_count - 1;
	for (size_t j = best; j < many_count; j++)
		best = ways.costs[j] < ways.costs[best] ? j : best;
	for (size_t i = few_count; i-- > 0; best = i ? ways.befores[i][best] : 0)
		place_ret[i] = best;
}

void line_pairs(const int *olds, size_t old_count, const int *news, size_t new_count,
		size_t *old_of_ret)
{
	size_t places[LINE_PAIRS_MAX];
	for (size_t i = 0; i < new_count; i++)
		old_of_ret[i] = SIZE_MAX;
	if (old_count > LINE_PAIRS_MAX || new_count > LINE_PAIRS_MAX) {
		for (size_t i = 0; i < new_count && i < old_count; i++)
			old_of_ret[i] = i;
	} else if (old_count == 0 || new_count == 0) {
		return;
	} else if (old_count <= new_count) {
		place_lines(olds, old_count, news, new_count, places);
		for (size_t i = 0; i < old_count; i++)
			old_of_ret[places[i]] = i;
	} else {
		place_lines(news, new_count, olds, old_count, places);
		for (size_t i = 0; i < new_count; i++)
			old_of_ret[i] = places[i];
	}
}
