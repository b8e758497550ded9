/* SPDX-License-Identifier: MIT */
#include "tracer/interval.h"

#include <math.h>

#include "tracer/region_layout.h"

enum {
	STEPS_PER_DOUBLING = 4,
	/* 16 KiB: a quiet program is seen from the start, and one that is not has this changed by
	 * its first burst of stops. */
	ID_AT_START = 1 + 14 * STEPS_PER_DOUBLING,
	LEGS = 16, /* per interval: each costs a look at the ring of draws */
	LEG_BYTES_MIN = 16,
	STEPS_DOWN_MAX = 4, /* per stretch: T falls slowly, for load may return at once */
};

/* Less than the budget is aimed at: a load that grows a little from one stretch to the next fits.
 */
static const double AIM = 0.8;

/* How long the past counts. One slow stop (the processor was busy elsewhere) must not throw T
 * about: samples drawn with a T that jumps tell less than as many with one that stays. */
static const double MEMORY_SECONDS = 2;
static const double MEMORY_STOPS = 200;

/* What was spent beyond the budget (the first stops are slow ones, and nobody knows yet how many
 * there will be) is saved again in about so long, without going blind for it. Who has been stopped
 * himself has not that much to save. */
static const double DEBT_SECONDS = 1;
static const double SHARE_MIN = 0.1;	   /* of the budget */
static const double DEBT_MAX_SECONDS = 10; /* of the budget */

/* What a stop is taken to cost before any was seen. */
static const struct interval_past FIRST_GUESS = { .stops = 20, .stopped_seconds = 20 * 50e-6 };

void interval_init(struct interval *interval, uint64_t fixed_bytes, double budget,
		   double max_stops_per_second, uint64_t seed)
{
	*interval = (struct interval){
		.id = fixed_bytes ? INTERVAL_ID_FIXED : ID_AT_START,
		.fixed_bytes = fixed_bytes,
		.budget = budget,
		.max_stops_per_second = max_stops_per_second,
		.past = FIRST_GUESS,
		.random = { seed, seed ^ UINT64_C(0x9e3779b97f4a7c15) },
	};
}

uint64_t interval_bytes(const struct interval *interval, uint64_t id)
{
	if (id == INTERVAL_ID_FIXED)
		return interval->fixed_bytes;
	if (id < INTERVAL_ID_MIN || id > INTERVAL_ID_MAX)
		return 0;
	return (uint64_t)llround(exp2((double)(id - 1) / STEPS_PER_DOUBLING));
}

/* xorshift128+ (S. Vigna, "Further scramblings of Marsaglia's xorshift generators"). */
uint64_t interval_random(struct interval *interval)
{
	uint64_t a = interval->random[0];
	uint64_t b = interval->random[1];
	interval->random[0] = b;
	a ^= a << 23;
	interval->random[1] = a ^ b ^ (a >> 18) ^ (b >> 5);
	return interval->random[1] + b;
}

/* A number in (0, 1], from the upper 53 bits. */
static double random_unit(struct interval *interval)
{
	return (double)((interval_random(interval) >> 11) + 1) * 0x1p-53;
}

uint64_t interval_draw(struct interval *interval)
{
	const uint64_t most = (UINT64_C(1) << DRAW_ID_SHIFT) - 1;
	uint64_t mean = interval_bytes(interval, interval->id);
	uint64_t to_go = 0;

	if (mean > 1) {
		double distance = -log(random_unit(interval)) * (double)mean;
		to_go = distance < (double)most ? (uint64_t)distance : most;
	}
	return (uint64_t)interval->id << DRAW_ID_SHIFT | to_go;
}

uint64_t interval_leg_bytes(const struct interval *interval)
{
	uint64_t bytes = interval_bytes(interval, interval->id) / LEGS;
	return bytes > LEG_BYTES_MIN ? bytes : LEG_BYTES_MIN;
}

/* Take in a stretch, and let what came before fade. */
static void learn(struct interval *interval, const struct interval_cost *cost)
{
	struct interval_past *past = &interval->past;
	double kept = exp(-cost->seconds / MEMORY_SECONDS);
	past->seconds = kept * past->seconds + cost->seconds;
	past->allocated_bytes = kept * past->allocated_bytes +
				cost->stops * (double)interval_bytes(interval, interval->id);

	kept = exp(-cost->stops / MEMORY_STOPS);
	past->stops = kept * past->stops + cost->stops;
	past->stopped_seconds = kept * past->stopped_seconds + cost->stopped_seconds;

	double debt = past->debt_seconds + cost->stopped_seconds - interval->budget * cost->seconds;
	past->debt_seconds = fmin(fmax(debt, 0), interval->budget * DEBT_MAX_SECONDS);
}

/* How many stops a second are aimed at. */
static double affordable_rate(const struct interval *interval)
{
	const struct interval_past *past = &interval->past;
	double share = AIM * interval->budget - past->debt_seconds / DEBT_SECONDS;
	share = fmax(share, SHARE_MIN * interval->budget);
	return fmin(AIM * interval->max_stops_per_second,
		    share * past->stops / past->stopped_seconds);
}

/* Load that grows fast is believed at once, not when the past has faded. */
static double expected_bytes_per_second(struct interval *interval, const struct interval_cost *cost)
{
	struct interval_past *past = &interval->past;
	double rate = cost->stops / cost->seconds;
	double bytes = rate * (double)interval_bytes(interval, interval->id);
	if (rate > 2 * interval->max_stops_per_second &&
	    past->allocated_bytes < bytes * past->seconds)
		past->allocated_bytes = bytes * past->seconds;
	return past->allocated_bytes / past->seconds;
}

bool interval_adapt(struct interval *interval, const struct interval_cost *cost)
{
	if (interval->fixed_bytes || cost->seconds <= 0)
		return false;
	learn(interval, cost);

	double bytes = expected_bytes_per_second(interval, cost) / affordable_rate(interval);
	double steps = STEPS_PER_DOUBLING * log2(fmax(bytes, 1)) - (interval->id - 1);

	/* Within a step of the aim is near enough: every change costs a ring of new draws. */
	if (fabs(steps) < 1)
		return false;
	double id = interval->id + fmax(round(steps), -STEPS_DOWN_MAX);
	uint8_t next = (uint8_t)fmin(fmax(id, INTERVAL_ID_MIN), INTERVAL_ID_MAX);
	bool has_changed = next != interval->id;
	interval->id = next;
	return has_changed;
}
