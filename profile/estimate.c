/* SPDX-License-Identifier: MIT */
#include "profile/estimate.h"

#include <math.h>
#include <string.h>

/* The 97.5% point z of the normal distribution, z^2/2 and z^2/4. */
static const double z = 1.959964;
static const double half_z2 = 1.920729;
static const double quarter_z2 = 0.960365;

/* The shortest stretch: 16 of them are a second. */
static const double stretch_seconds_min = 1.0 / 16;

double normal_z(double confidence)
{
	double low = 0, high = 40;
	for (int i = 0; i < 64; i++) {
		double middle = (low + high) / 2;
		if (erfc(middle * M_SQRT1_2) > 1 - confidence)
			low = middle;
		else
			high = middle;
	}
	return high;
}

struct observation observation_make(double size_bytes, double interval_bytes, double start_seconds)
{
	bool is_exact = interval_bytes <= 1;
	/* An empty block weighs nothing, but must not have been impossible to sample. */
	double sampled_bytes = fmax(size_bytes, 1);
	return (struct observation){
		.size_bytes = size_bytes,
		.probability = is_exact ? 1 : -expm1(-sampled_bytes / interval_bytes),
		.interval_bytes = is_exact ? 0 : interval_bytes,
		.start_seconds = start_seconds,
	};
}

void observation_double(struct observation *block)
{
	block->probability /= 2;
	/* The interval at which Poisson sampling would have given this probability: more than twice
	 * the old one for blocks that were certain to be sampled. */
	double equivalent = -block->size_bytes / log1p(-block->probability);
	block->interval_bytes = fmax(2 * block->interval_bytes, equivalent);
}

double observation_weight(const struct observation *block)
{
	return block->size_bytes / block->probability;
}

static double observation_variance(const struct observation *block)
{
	double weight = observation_weight(block);
	return weight * weight * (1 - block->probability);
}

/* The stretch in which an instant lies. */
static size_t stretch_at(double seconds, double stretch_seconds)
{
	size_t i = (size_t)(seconds / stretch_seconds);
	return i < STRETCHES_MAX ? i : STRETCHES_MAX - 1;
}

/* Make the stretches long enough to reach an instant, merging two and two. */
static void history_reach(struct history *history, double seconds)
{
	if (history->stretch_seconds == 0)
		history->stretch_seconds = stretch_seconds_min;
	while (seconds > history->stretch_seconds * STRETCHES_MAX) {
		double *areas = history->areas;
		for (size_t i = 0; i < STRETCHES_MAX / 2; i++)
			areas[i] = areas[2 * i] + areas[2 * i + 1];
		for (size_t i = STRETCHES_MAX / 2; i < STRETCHES_MAX; i++)
			areas[i] = 0;
		history->stretch_seconds *= 2;
	}
}

void history_add(struct history *history, const struct observation *block, double end_seconds)
{
	double weight = observation_weight(block);
	double start = fmax(block->start_seconds, 0);
	double lived = end_seconds - start;
	double sum = end_seconds + start;
	double variance = observation_variance(block) * lived * lived;

	history->weight += weight;
	history->weight_interval += weight * block->interval_bytes;
	history->moments[0] += weight * lived;
	history->moments[1] += weight * lived * sum;
	history->variance_moments[0] += variance;
	history->variance_moments[1] += variance * sum;
	history->variance_moments[2] += variance * sum * sum;

	history_reach(history, end_seconds);
	double stretch = history->stretch_seconds;
	size_t last = stretch_at(end_seconds, stretch);
	for (size_t i = stretch_at(start, stretch); i <= last; i++) {
		double from = fmax(start, (double)i * stretch);
		double to = i == last ? end_seconds : (double)(i + 1) * stretch;
		history->areas[i] += weight * (to - from);
	}
}

void history_merge(struct history *history, const struct history *from)
{
	struct history other = *from;
	history_reach(history, other.stretch_seconds * STRETCHES_MAX);
	history_reach(&other, history->stretch_seconds * STRETCHES_MAX);

	history->weight += other.weight;
	history->weight_interval += other.weight_interval;
	for (size_t i = 0; i < ARRAY_LEN(other.moments); i++)
		history->moments[i] += other.moments[i];
	for (size_t i = 0; i < ARRAY_LEN(other.variance_moments); i++)
		history->variance_moments[i] += other.variance_moments[i];
	for (size_t i = 0; i < STRETCHES_MAX; i++)
		history->areas[i] += other.areas[i];
}

void mean_interval_add_live(struct mean_interval *mean, const struct observation *block)
{
	double weight = observation_weight(block);
	mean->weight += weight;
	mean->weight_interval += weight * block->interval_bytes;
}

void mean_interval_add_history(struct mean_interval *mean, const struct history *history)
{
	mean->weight += history->weight;
	mean->weight_interval += history->weight_interval;
}

double mean_interval_bytes(const struct mean_interval *mean, double otherwise)
{
	if (mean->weight > 0)
		return mean->weight_interval / mean->weight;
	return otherwise <= 1 ? 0 : otherwise;
}

void tally_init(struct tally *tally, double now_seconds)
{
	*tally = (struct tally){ .now_seconds = now_seconds,
				 .oldest_start_seconds = now_seconds,
				 .stretch_seconds = stretch_seconds_min };
	while (now_seconds > tally->stretch_seconds * STRETCHES_MAX)
		tally->stretch_seconds *= 2;
}

/* 6/tau^3; no time, no growth. */
static double growth_scale(const struct tally *tally)
{
	double now = tally->now_seconds;
	return now > 0 ? 6 / (now * now * now) : 0;
}

/* The last class that begins at or before a value. */
static size_t class_of(const double *begins, size_t len, double value)
{
	size_t ret = 0;
	for (size_t i = 1; i < len; i++)
		ret += begins[i] <= value;
	return ret;
}

static void tally_add_classes(struct tally *tally, const struct observation *block, double weight,
			      double count)
{
	double age_seconds = tally->now_seconds - block->start_seconds;
	size_t age = class_of(age_class_seconds, AGE_CLASSES, age_seconds);
	size_t size = class_of(size_class_bytes, SIZE_CLASSES, block->size_bytes);
	tally->age_bytes[age] += (float)weight;
	tally->age_blocks[age] += (float)count;
	tally->size_bytes[size] += (float)weight;
}

static void tally_merge_classes(struct tally *tally, const struct tally *from)
{
	for (size_t i = 0; i < AGE_CLASSES; i++) {
		tally->age_bytes[i] += from->age_bytes[i];
		tally->age_blocks[i] += from->age_blocks[i];
	}
	for (size_t i = 0; i < SIZE_CLASSES; i++)
		tally->size_bytes[i] += from->size_bytes[i];
}

void tally_add_live(struct tally *tally, const struct observation *block, enum memory_kind kind)
{
	double count = 1 / block->probability;
	double weight = observation_weight(block);
	double variance = observation_variance(block);
	double start = fmin(fmax(block->start_seconds, 0), tally->now_seconds);
	double gain = growth_scale(tally) * (tally->now_seconds - start) * start;

	tally->samples++;
	tally->blocks += count;
	tally->oldest_start_seconds = fmin(tally->oldest_start_seconds, block->start_seconds);
	tally->kind_bytes[kind] += weight;
	tally->live_variance += variance;
	tally->live_interval += weight * block->interval_bytes;
	tally->weight += weight;
	tally->weight_interval += weight * block->interval_bytes;
	tally->growth += weight * gain;
	tally->growth_variance += variance * gain * gain;

	size_t i = stretch_at(start, tally->stretch_seconds);
	double end = fmin((double)(i + 1) * tally->stretch_seconds, tally->now_seconds);
	tally->areas[i] += weight * (end - start);
	if (i + 1 < STRETCHES_MAX)
		tally->rises[i + 1] += weight;
	tally_add_classes(tally, block, weight, count);
}

void tally_add_history(struct tally *tally, const struct history *history)
{
	if (history->stretch_seconds == 0)
		return; /* nothing was freed */

	double now = tally->now_seconds;
	double scale = growth_scale(tally);
	const double *moments = history->moments;
	const double *variance = history->variance_moments;

	tally->weight += history->weight;
	tally->weight_interval += history->weight_interval;
	tally->growth += scale * (moments[1] - now * moments[0]);
	tally->growth_variance +=
		scale * scale * (variance[2] - 2 * now * variance[1] + now * now * variance[0]);

	struct history reached = *history;
	history_reach(&reached, now);
	for (size_t i = 0; i < STRETCHES_MAX; i++)
		tally->areas[i] += reached.areas[i];
}

void tally_merge(struct tally *tally, const struct tally *from)
{
	tally->samples += from->samples;
	tally->blocks += from->blocks;
	tally->oldest_start_seconds = fmin(tally->oldest_start_seconds, from->oldest_start_seconds);
	for (size_t i = 0; i < MEMORY_KIND_COUNT; i++)
		tally->kind_bytes[i] += from->kind_bytes[i];
	tally->live_variance += from->live_variance;
	tally->live_interval += from->live_interval;
	tally->weight += from->weight;
	tally->weight_interval += from->weight_interval;
	tally->growth += from->growth;
	tally->growth_variance += from->growth_variance;
	for (size_t i = 0; i < STRETCHES_MAX; i++) {
		tally->areas[i] += from->areas[i];
		tally->rises[i] += from->rises[i];
	}
	tally_merge_classes(tally, from);
}

/* One stretch as a point of the regression. */
struct stretch {
	double middle_seconds;
	double seconds;
	double live_bytes; /* on average */
};

static size_t tally_stretches(const struct tally *tally, struct stretch *ret)
{
	double living = 0;
	size_t count = 0;
	for (; count < STRETCHES_MAX; count++) {
		double start = (double)count * tally->stretch_seconds;
		double seconds = fmin(tally->stretch_seconds, tally->now_seconds - start);
		if (seconds <= 0)
			break;
		living += tally->rises[count];
		ret[count] = (struct stretch){
			.middle_seconds = start + seconds / 2,
			.seconds = seconds,
			.live_bytes = tally->areas[count] / seconds + living,
		};
	}
	return count;
}

/* Variance of the slope from what the stretches stray from a straight line. Two degrees of freedom
 * go into the line; two more come off so that 1.96 standard errors hold for few stretches, as
 * Student's t does. */
static double fit_variance(const struct tally *tally)
{
	struct stretch stretches[STRETCHES_MAX];
	size_t count = tally_stretches(tally, stretches);
	if (count <= 4)
		return 0;

	double now = tally->now_seconds;
	double mean = 0;
	for (size_t i = 0; i < count; i++)
		mean += stretches[i].live_bytes * stretches[i].seconds / now;

	double time_square = 0, product = 0, bytes_square = 0;
	for (size_t i = 0; i < count; i++) {
		double time = stretches[i].middle_seconds - now / 2;
		double bytes = stretches[i].live_bytes - mean;
		time_square += time * time * stretches[i].seconds;
		product += time * bytes * stretches[i].seconds;
		bytes_square += bytes * bytes * stretches[i].seconds;
	}
	double residual = fmax(bytes_square - product * product / time_square, 0);
	return residual / time_square / (double)(count - 4);
}

static struct estimate estimate_make(double value, double low, double high)
{
	return (struct estimate){ value, low, high, fmax(high - value, value - low) };
}

/* How much a sample that was not seen would have stood for. */
static double unseen_interval(double weight_interval, double weight, double interval_bytes)
{
	double at_large = interval_bytes <= 1 ? 0 : interval_bytes;
	return weight > 0 ? fmax(weight_interval / weight, at_large) : at_large;
}

/* Above lies what was not seen, of whatever size. Below lies what the samples may be too many for:
 * their own variance for each byte counts, which is less than T for blocks that are hardly missed.
 */
static struct estimate live_estimate(const struct tally *tally, double live, double interval_bytes)
{
	double variance = tally->live_variance;
	double unseen = unseen_interval(tally->live_interval, live, interval_bytes);
	double seen = live > 0 ? variance / live : 0;
	double high = live + half_z2 * unseen + z * sqrt(variance + quarter_z2 * unseen * unseen);
	double low = live + half_z2 * seen - z * sqrt(variance + quarter_z2 * seen * seen);
	return estimate_make(live, fmin(fmax(low, 0), live), high);
}

/* How far the centre of growth's interval is from growth, and half the interval's width. */
static void growth_interval(const struct tally *tally, double interval, double fit,
			    double *shift_ret, double *half_ret)
{
	double leaker = interval / tally->now_seconds;
	double gain = interval > 0 ? (tally->growth + leaker) / (tally->weight + interval) : 0;
	double variance = fmax(tally->growth_variance, 0) + quarter_z2 * leaker * leaker + fit;
	*shift_ret = half_z2 * interval * gain;
	*half_ret = z * sqrt(variance);
}

/* As with live bytes, what was not seen lies above; but it may as well have been freed. */
static struct estimate growth_estimate(const struct tally *tally, double interval_bytes)
{
	if (tally->now_seconds <= 0)
		return (struct estimate){ 0 };

	double value = tally->growth;
	double unseen = unseen_interval(tally->weight_interval, tally->weight, interval_bytes);
	double seen = tally->weight > 0 ? tally->weight_interval / tally->weight : unseen;
	double shift, half, fit = fit_variance(tally);
	growth_interval(tally, unseen, fit, &shift, &half);
	double high = value + shift + half;
	growth_interval(tally, seen, fit, &shift, &half);
	double low = value + shift - half;
	return estimate_make(value, fmin(low, value - half_z2 * unseen / tally->now_seconds), high);
}

static void figures_describe(const struct tally *tally, struct figures *ret)
{
	struct stretch stretches[STRETCHES_MAX];
	ret->course_len = tally_stretches(tally, stretches);
	for (size_t i = 0; i < ret->course_len; i++)
		ret->course_bytes[i] = (float)stretches[i].live_bytes;
	memcpy(ret->age_bytes, tally->age_bytes, sizeof(ret->age_bytes));
	memcpy(ret->age_blocks, tally->age_blocks, sizeof(ret->age_blocks));
	memcpy(ret->size_bytes, tally->size_bytes, sizeof(ret->size_bytes));
}

void tally_figures(const struct tally *tally, double interval_bytes, struct figures *ret)
{
	double live = 0;
	for (size_t i = 0; i < MEMORY_KIND_COUNT; i++)
		live += tally->kind_bytes[i];

	*ret = (struct figures){
		.live_bytes = live_estimate(tally, live, interval_bytes),
		.growth_bytes_per_second = growth_estimate(tally, interval_bytes),
		.live_blocks = tally->blocks,
		.oldest_seconds = tally->now_seconds - tally->oldest_start_seconds,
		.live_samples = tally->samples,
	};
	for (size_t i = 0; i < MEMORY_KIND_COUNT; i++)
		ret->kind_live_bytes[i] = tally->kind_bytes[i];
	figures_describe(tally, ret);
}

void figures_sum_init(struct figures_sum *sum, double now_seconds, double interval_bytes)
{
	*sum = (struct figures_sum){ .now_seconds = now_seconds, .interval_bytes = interval_bytes };
	tally_init(&sum->tally, now_seconds);
}

static double square(double number)
{
	return number * number;
}

/* Undo live_estimate(): (value - low)^2 is z^2 low times the variance for each byte, and with
 * d = high - value, d^2 is z^2 (variance + d T). Not for a low end of 0. */
static double live_variance(const struct estimate *live)
{
	return fmax(live->value, 0) * square((live->value - live->low) / z) / live->low;
}

static double live_interval(const struct estimate *live)
{
	double above = live->high - live->value;
	return above > 0 ? fmax(above / square(z) - live_variance(live) / above, 0) : 0;
}

static void add_live(struct figures_sum *sum, const struct estimate *live)
{
	if (live->low <= 0)
		return;
	sum->tally.live_interval += live->value * live_interval(live);
	sum->tally.live_variance += live_variance(live);
}

double estimate_live_spread(const struct estimate *live)
{
	if (live->low <= 0)
		return live->high - live->value;
	return z * sqrt(live_variance(live));
}

void figures_sum_add(struct figures_sum *sum, const struct figures *part)
{
	const struct estimate *growth = &part->growth_bytes_per_second;
	struct tally *tally = &sum->tally;
	add_live(sum, &part->live_bytes);
	for (size_t i = 0; i < MEMORY_KIND_COUNT; i++)
		tally->kind_bytes[i] += part->kind_live_bytes[i];
	tally->samples += part->live_samples;
	tally->blocks += part->live_blocks;
	tally->oldest_start_seconds =
		fmin(tally->oldest_start_seconds, sum->now_seconds - part->oldest_seconds);
	tally->growth += growth->value;
	sum->growth_below += square(growth->value - growth->low);
	sum->growth_above += square(growth->high - growth->value);
}

void figures_sum_write(const struct figures_sum *sum, struct figures *ret)
{
	double growth = sum->tally.growth;
	double below = sqrt(sum->growth_below), above = sqrt(sum->growth_above);
	/* The intervals of the parts know already how rare samples were. */
	double interval = sum->tally.live_interval > 0 ? 0 : sum->interval_bytes;
	tally_figures(&sum->tally, interval, ret);
	ret->growth_bytes_per_second =
		(struct estimate){ growth, growth - below, growth + above, fmax(below, above) };
}
