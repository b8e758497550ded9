/* SPDX-License-Identifier: MIT */
#include "profile/diff_figures.h"

#include <math.h>

#include "profile/estimate.h"

/* Figures of a capture from anybody, in the range in which sums of some millions are numbers. */
static double bounded(double number)
{
	return isnan(number) ? 0 : fmin(fmax(number, -1e290), 1e290);
}

void diff_scale_init(struct diff_scale *scale, const struct snapshot_capture *capture,
		     double operations)
{
	double seconds = capture->seconds;
	struct tally tally;
	*scale = (struct diff_scale){ .live = 1 / (operations > 0 ? operations : seconds),
				      .growth = operations > 0 ? seconds / operations : 1 };
	tally_init(&tally, seconds);
	tally_figures(&tally, (double)capture->sample_bytes, &scale->nothing);
}

static struct estimate scaled(const struct estimate *estimate, double factor)
{
	double value = bounded(estimate->value * factor);
	double low = fmin(bounded(estimate->low * factor), value);
	double high = fmax(bounded(estimate->high * factor), value);
	return (struct estimate){ value, low, high, fmax(high - value, value - low) };
}

static struct estimate difference_of(const struct estimate *old, const struct estimate *new)
{
	double value = new->value - old->value;
	double low = value - hypot(new->value - new->low, old->high - old->value);
	double high = value + hypot(new->high - new->value, old->value - old->low);
	return (struct estimate){ value, low, high, fmax(high - value, value - low) };
}

/* Growth: what was not seen widens the lower end by as much as one sample weighs, which is right
 * also for one sample alone. */
static double growth_spread(const struct estimate *growth)
{
	return growth->value - growth->low;
}

static void compare(struct diff_figure *ret, double spread_old, double spread_new)
{
	ret->difference = difference_of(&ret->sides[SIDE_OLD], &ret->sides[SIDE_NEW]);
	ret->spread = bounded(hypot(spread_old, spread_new));
}

void diff_figures_make(const struct diff_scale scales[SIDE_COUNT],
		       const struct figures *const sides[SIDE_COUNT], struct diff_figures *ret)
{
	double live[SIDE_COUNT], growth[SIDE_COUNT];
	for (int side = 0; side < SIDE_COUNT; side++) {
		const struct diff_scale *scale = &scales[side];
		const struct figures *figures = sides[side] ? sides[side] : &scale->nothing;
		ret->live.sides[side] = scaled(&figures->live_bytes, scale->live);
		ret->growth.sides[side] = scaled(&figures->growth_bytes_per_second, scale->growth);
		live[side] = growth[side] = 0;
		if (sides[side]) {
			live[side] = estimate_live_spread(&ret->live.sides[side]);
			growth[side] = growth_spread(&ret->growth.sides[side]);
		}
	}
	compare(&ret->live, live[SIDE_OLD], live[SIDE_NEW]);
	compare(&ret->growth, growth[SIDE_OLD], growth[SIDE_NEW]);
}

enum diff_change diff_change_of(const struct estimate *difference, double stretch)
{
	double value = difference->value;
	if (value - (value - difference->low) * stretch > 0)
		return DIFF_WORSE;
	if (value + (difference->high - value) * stretch < 0)
		return DIFF_BETTER;
	return DIFF_UNCLEAR;
}

double diff_stretch(size_t count)
{
	return count > 1 ? normal_z(1 - 0.05 / (double)count) / normal_z(0.95) : 1;
}
