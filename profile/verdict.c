/* SPDX-License-Identifier: MIT */
#include "profile/verdict.h"

#include "profile/estimate.h"

/* What the intervals of snapshots hold. */
static const double snapshot_confidence = 0.95;

const char *limit_kind_name(enum limit_kind kind)
{
	static const char *const names[LIMIT_KIND_COUNT] = {
		[LIMIT_GROWTH] = "--max-growth",
		[LIMIT_SITE_GROWTH] = "--max-site-growth",
		[LIMIT_DELTA] = "--max-delta",
	};
	return names[kind];
}

const char *outcome_name(enum outcome outcome)
{
	static const char *const names[] = {
		[OUTCOME_PASS] = "pass",
		[OUTCOME_INCONCLUSIVE] = "inconclusive",
		[OUTCOME_LEAK] = "leak",
	};
	return names[outcome];
}

/* Weigh one figure. The site is filled in by the caller. */
static struct limit_result limit_weigh(const struct limit *limit, const struct estimate *figure,
				       double stretch)
{
	struct limit_result ret = {
		.limit = *limit,
		.measured = figure->value,
		.low = figure->value - (figure->value - figure->low) * stretch,
		.high = figure->value + (figure->high - figure->value) * stretch,
		.outcome = OUTCOME_INCONCLUSIVE,
	};
	if (ret.low > limit->value)
		ret.outcome = OUTCOME_LEAK;
	else if (ret.high < limit->value)
		ret.outcome = OUTCOME_PASS;
	return ret;
}

static const struct snapshot_site *site_growing_most(const struct snapshot *snapshot)
{
	const struct snapshot_site *ret = NULL;
	for (size_t i = 0; i < snapshot->site_count; i++) {
		const struct snapshot_site *site = &snapshot->sites[i];
		if (!ret || site->figures.growth_bytes_per_second.value >
				    ret->figures.growth_bytes_per_second.value)
			ret = site;
	}
	return ret;
}

/* Tell which of two sites decides: the one with the worse outcome, then the one that surely grows
 * more, or, where none surely does, the one that may grow more. */
static bool is_worse(const struct limit_result *a, const struct limit_result *b)
{
	if (a->outcome != b->outcome)
		return a->outcome > b->outcome;
	return a->outcome == OUTCOME_LEAK ? a->low > b->low : a->high > b->high;
}

static struct limit_result site_limit_weigh(const struct limit *limit,
					    const struct snapshot *snapshot, double stretch)
{
	/* Where no site was seen, one may still grow as fast as the whole process. */
	struct limit_result ret =
		limit_weigh(limit, &snapshot->total.growth_bytes_per_second, stretch);
	for (size_t i = 0; i < snapshot->site_count; i++) {
		const struct snapshot_site *site = &snapshot->sites[i];
		struct limit_result one =
			limit_weigh(limit, &site->figures.growth_bytes_per_second, stretch);
		one.site = site;
		if (!ret.site || is_worse(&one, &ret))
			ret = one;
	}
	return ret;
}

/* Weigh whatever a limit is about. */
static struct limit_result weigh(const struct limit *limit, const struct snapshot *snapshot,
				 double stretch)
{
	if (limit->kind == LIMIT_SITE_GROWTH)
		return site_limit_weigh(limit, snapshot, stretch);

	bool is_delta = limit->kind == LIMIT_DELTA;
	struct limit_result ret = limit_weigh(limit,
					      is_delta ? &snapshot->total.live_bytes
						       : &snapshot->total.growth_bytes_per_second,
					      stretch);
	if (snapshot->site_count)
		ret.site = is_delta ? &snapshot->sites[0] : site_growing_most(snapshot);
	return ret;
}

void verdict_reach(const struct snapshot *snapshot, const struct limit *limits, size_t limit_count,
		   double confidence, struct verdict *ret)
{
	double stretch = normal_z(confidence) / normal_z(snapshot_confidence);
	*ret = (struct verdict){ .outcome = OUTCOME_PASS };
	for (size_t i = 0; i < limit_count && i < VERDICT_LIMITS_MAX; i++) {
		struct limit_result *result = &ret->limits[ret->limit_count++];
		*result = weigh(&limits[i], snapshot, stretch);
		/* Without time there is no growth to speak of. */
		if (snapshot->capture.seconds <= 0)
			result->outcome = OUTCOME_INCONCLUSIVE;
		if (result->outcome > ret->outcome)
			ret->outcome = result->outcome;
	}
}
