/* SPDX-License-Identifier: MIT */
#include "profile/course.h"

#include <math.h>
#include <sys/param.h>

/* Standard errors in the half-width of a 95% interval. */
static const double Z = 1.959964;

/* What no byte's noise is in truth. */
static const double NOISE_MAX = 1e18;

size_t course_points_until(const struct timeline *timeline, const struct course *course,
			   size_t instant)
{
	const struct course_point *points = timeline->points + course->first;
	size_t low = 0, high = course->point_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (points[middle].instant <= instant)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* What intervals are made of, as profile/estimate.h has it. */
struct noise {
	double interval_bytes; /* T */
	double per_byte;       /* V/W */
};

/* What the interval of live bytes was made of, at a given T: its high end solved for V. If that
 * says that a byte was noisier than T, T was not the same all the time: then both are. */
static struct noise noise_of(const struct estimate *live, double interval_bytes)
{
	double above = live->high - live->value;
	double same = above * above / (Z * Z * (live->value + above));
	double root = (above - Z * Z / 2 * interval_bytes) / Z;
	double variance = root * root - Z * Z / 4 * interval_bytes * interval_bytes;
	if (!(above > 0) || !(same <= NOISE_MAX))
		return (struct noise){ 0 };
	if (same >= interval_bytes || root < 0 || variance < 0)
		return (struct noise){ .interval_bytes = same, .per_byte = same };
	return (struct noise){ .interval_bytes = interval_bytes,
			       .per_byte = variance / live->value };
}

/* Half of an interval's width, of so much variance besides what was not seen. */
static double half_width(double variance, double unseen)
{
	return Z * sqrt(variance + Z * Z / 4 * unseen * unseen);
}

static struct noise noise_at_end(const struct timeline *timeline, const struct figures *figures)
{
	return noise_of(&figures->live_bytes, (double)timeline->last->capture.sample_bytes);
}

static struct estimate live_estimate(double bytes, const struct noise *noise)
{
	double variance = noise->per_byte * bytes;
	double shift = Z * Z / 2;
	struct estimate ret = { .value = bytes,
				.low = bytes + shift * noise->per_byte -
				       half_width(variance, noise->per_byte),
				.high = bytes + shift * noise->interval_bytes +
					half_width(variance, noise->interval_bytes) };
	ret.low = fmax(0, ret.low);
	ret.error = fmax(ret.high - bytes, bytes - ret.low);
	return ret;
}

/* What a byte that came during [begin, end] adds to the least-squares slope over the span: the mean
 * of 6/D^3 (D^2/4 - s^2) for s from one end to the other, counted from the middle of the span. */
static double slope_weight(const struct span *span, const struct instant *when)
{
	double duration = span->end_seconds - span->begin_seconds;
	double middle = span->begin_seconds + duration / 2;
	double begin = fmax(when->start_seconds, span->begin_seconds) - middle;
	double end = fmax(when->seconds - middle, begin);
	if (!(duration > 0))
		return 0;
	double square = (begin * begin + begin * end + end * end) / 3;
	return fmax(0, 6 / (duration * duration * duration) * (duration * duration / 4 - square));
}

/* A slope while it is summed up. */
struct slope {
	double value;
	double variance; /* for a noise of 1 */
};

static void slope_add(struct slope *slope, const struct span *span, size_t instant, double risen,
		      double moved)
{
	double weight = slope_weight(span, &span->timeline->instants[instant]);
	slope->value += risen * weight;
	slope->variance += moved * weight * weight;
}

static struct estimate slope_estimate(const struct slope *slope, const struct span *span,
				      const struct noise *noise)
{
	double duration = span->end_seconds - span->begin_seconds;
	double unseen = duration > 0 ? noise->interval_bytes / duration : 0;
	double half = half_width(slope->variance * noise->per_byte, unseen);
	return (struct estimate){ .value = slope->value,
				  .low = slope->value - half,
				  .high = slope->value + half,
				  .error = half };
}

/* The mean of live bytes over equal stretches of a span, while it is summed up. */
struct picture {
	const struct span *span;
	double areas[STRETCHES_MAX];
	size_t len;
	double at_seconds;
	double bytes;
};

static void picture_begin(struct picture *picture, const struct span *span, double bytes)
{
	*picture = (struct picture){ .span = span,
				     .len = MIN((size_t)STRETCHES_MAX, span->to - span->first + 1),
				     .at_seconds = span->begin_seconds,
				     .bytes = bytes };
}

/* So much there was until now; from now on it is `bytes`. */
static void picture_step(struct picture *picture, double seconds, double bytes)
{
	const struct span *span = picture->span;
	double length = (span->end_seconds - span->begin_seconds) / (double)picture->len;
	seconds = fmin(fmax(seconds, picture->at_seconds), span->end_seconds);
	size_t i = 0;
	if (length > 0)
		i = MIN((size_t)((picture->at_seconds - span->begin_seconds) / length),
			picture->len - 1);
	for (; i < picture->len && picture->at_seconds < seconds; i++) {
		bool is_last = i + 1 == picture->len;
		double end = is_last ? span->end_seconds
				     : span->begin_seconds + (double)(i + 1) * length;
		double until = fmin(end, seconds);
		if (until <= picture->at_seconds)
			continue;
		picture->areas[i] += picture->bytes * (until - picture->at_seconds);
		picture->at_seconds = until;
	}
	picture->bytes = bytes;
}

static void picture_write(struct picture *picture, struct figures *ret)
{
	const struct span *span = picture->span;
	double length = (span->end_seconds - span->begin_seconds) / (double)picture->len;
	picture_step(picture, span->end_seconds, 0);
	if (!(length > 0))
		return;
	ret->course_len = picture->len;
	for (size_t i = 0; i < picture->len; i++)
		ret->course_bytes[i] = (float)(picture->areas[i] / length);
}

static double middle_of(const struct instant *instant)
{
	return (instant->start_seconds + instant->seconds) / 2;
}

void course_figures(const struct span *span, const struct course *course,
		    const struct figures *end_figures, struct figures *ret)
{
	const struct timeline *timeline = span->timeline;
	const struct noise noise = noise_at_end(timeline, end_figures);
	const struct course_point *points = timeline->points + course->first;
	size_t end = course_points_until(timeline, course, span->to);
	struct slope slope = { 0 };
	struct picture picture;
	double bytes = 0, alive_since = 0;
	size_t i = 0;
	for (; i < end && points[i].instant < span->first; i++) {
		if (bytes <= 0)
			alive_since = timeline->instants[points[i].instant].start_seconds;
		bytes = points[i].live_bytes;
	}
	picture_begin(&picture, span, bytes);
	for (; i < end; i++) {
		const struct instant *instant = &timeline->instants[points[i].instant];
		double now = points[i].live_bytes;
		if (bytes <= 0)
			alive_since = instant->start_seconds;
		slope_add(&slope, span, points[i].instant, now - bytes,
			  (double)points[i].moved_bytes);
		picture_step(&picture, middle_of(instant), now);
		bytes = now;
	}
	*ret = (struct figures){ .live_bytes = live_estimate(bytes, &noise),
				 .growth_bytes_per_second = slope_estimate(&slope, span, &noise),
				 .live_blocks = end ? (double)points[end - 1].live_blocks : 0,
				 .oldest_seconds = fmax(0, span->end_seconds - alive_since) };
	ret->kind_live_bytes[course->kind] = bytes;
	picture_write(&picture, ret);
}

void course_total(const struct span *span, struct snapshot *ret)
{
	const struct timeline *timeline = span->timeline;
	const struct instant *instants = timeline->instants;
	struct figures *total = &ret->total;
	const struct noise noise = noise_at_end(timeline, &timeline->last->total);
	struct slope slope = { 0 }, rss = { 0 };
	struct picture picture;
	double bytes = span->first ? instants[span->first - 1].live_bytes : 0;
	picture_begin(&picture, span, bytes);
	for (size_t i = span->first; i <= span->to; i++) {
		double now = instants[i].live_bytes;
		double rss_before = (double)instants[i ? i - 1 : 0].rss_bytes;
		slope_add(&slope, span, i, now - bytes, fabs(now - bytes));
		slope_add(&rss, span, i, (double)instants[i].rss_bytes - rss_before, 0);
		picture_step(&picture, middle_of(&instants[i]), now);
		bytes = now;
	}
	*total = (struct figures){ .live_bytes = live_estimate(bytes, &noise),
				   .growth_bytes_per_second = slope_estimate(&slope, span, &noise),
				   .live_blocks = instants[span->to].live_blocks };
	picture_write(&picture, total);
	/* How stops were spread over time is not known. */
	double all_seconds = timeline->last->capture.seconds;
	if (all_seconds > 0)
		ret->capture.stopped_seconds *= span->end_seconds / all_seconds;
	ret->capture.seconds = span->end_seconds;
	ret->capture.samples = instants[span->to].samples;
	ret->capture.rss_bytes = instants[span->to].rss_bytes;
	ret->capture.rss_growth_bytes_per_second = rss.value;
}
