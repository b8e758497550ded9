/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_ESTIMATE_H
#define PROFILE_ESTIMATE_H

/**
 * @file
 * The statistics: sampled blocks in, unbiased figures with 95% intervals out. Pure.
 *
 * A block of s bytes, sampled with probability p, stands for w = s/p bytes (Horvitz-Thompson); the
 * variance of that is estimated by w^2 (1-p). All sums below are of such weights.
 *
 * *Live bytes*: W, the sum over live blocks. Its interval is of Wilson's kind, which holds for few
 * samples too. Its high end is W + 1.92 T + 1.96 sqrt(V + 0.96 T^2), T being the mean interval
 * between samples: of these blocks, or of the whole process if that is more. The low end is
 * W + 1.92 u - 1.96 sqrt(V + 0.96 u^2) with u = V/W: that is T if blocks are small, and less if
 * they are large, or were sampled more often.
 *
 * *Growth*: the least-squares slope, in continuous time, of live bytes over [0, tau], tau being the
 * time since attach:  12/tau^3 * integral of (t - tau/2) live(t) dt.  A block that lived over
 * [a, f] contributes w g, with g = 6/tau^3 (f-a)(f+a-tau); g is 1/tau on average where memory
 * leaks steadily, and nearly 0 for what lives shortly. The estimate G is unbiased for the slope of
 * the true live(t). Its interval adds up three uncertainties:
 * - sampling: the sum of w^2 (1-p) g^2;
 * - samples not seen: as above, with r0 = T/tau for T in the half-width, and in the shift of the
 *   centre T times the mean g of all samples, counting one imagined steady leaker among them; the
 *   lower end is at least 1.92 r0 below G, for what was not seen may as well have been freed;
 * - fit: what live(t), averaged over 8 to 16 stretches of time, strays from a straight line, so
 * that a cache that fills and stays, or a sawtooth, does not pass for a leak measured precisely.
 * The first second, in which there are fewer stretches, is treated as if it were a line. With T = 1
 * every block is seen and only the last remains.
 */

#include <stddef.h>

#include "profile/snapshot.h"

/** One sampled block. Seconds count from attach, or from where growth was restarted: a block that
 * is older starts before 0, and was there all the time. */
struct observation {
	double size_bytes;
	double probability;
	double interval_bytes; /* 0: no block like this one is missed */
	double start_seconds;
};

/** Describe a block that was sampled at a mean interval of `interval_bytes`; at most 1: every block
 *  is sampled. */
struct observation observation_make(double size_bytes, double interval_bytes, double start_seconds);

/** Halve the probability: every second block like this one is forgotten. */
void observation_double(struct observation *block);

/** How many bytes the block stands for: w. */
double observation_weight(const struct observation *block);

/** What remains of freed blocks. All zero: no block yet. */
struct history {
	double weight;		    /* sum of w */
	double weight_interval;	    /* of w T */
	double moments[2];	    /* of w d (f+a)^i, d being f - a */
	double variance_moments[3]; /* of w^2 (1-p) d^2 (f+a)^i */
	double stretch_seconds;
	double areas[STRETCHES_MAX]; /* byte-seconds lived in each stretch */
};

/** Note that a block was freed. `end_seconds` is not before its start. */
void history_add(struct history *history, const struct observation *block, double end_seconds);

/** Add what another one remembers, as if its blocks had been of this one. */
void history_merge(struct history *history, const struct history *from);

/** At which interval sampled bytes were sampled, on average. All zero: none yet. */
struct mean_interval {
	double weight;		/* sum of w */
	double weight_interval; /* of w T */
};

void mean_interval_add_live(struct mean_interval *mean, const struct observation *block);
void mean_interval_add_history(struct mean_interval *mean, const struct history *history);

/** 0: no byte was missed. `otherwise` is the T of now, and stands in if there was no sample. */
double mean_interval_bytes(const struct mean_interval *mean, double otherwise);

/** Sums over some blocks, from which their figures are derived. */
struct tally {
	double now_seconds;
	double stretch_seconds;
	size_t samples;
	double blocks;
	double oldest_start_seconds;
	double kind_bytes[MEMORY_KIND_COUNT];
	double live_variance;
	double live_interval; /* of w T, live blocks */
	double weight;	      /* of w, live and freed blocks */
	double weight_interval;
	double growth;
	double growth_variance;
	double areas[STRETCHES_MAX]; /* byte-seconds of blocks that did not last to the stretch's
				      * end, or began in it */
	double rises[STRETCHES_MAX]; /* bytes that live from the beginning of the stretch until now
				      */
	float age_bytes[AGE_CLASSES];
	float age_blocks[AGE_CLASSES];
	float size_bytes[SIZE_CLASSES];
};

void tally_init(struct tally *tally, double now_seconds);
void tally_add_live(struct tally *tally, const struct observation *block, enum memory_kind kind);
void tally_add_history(struct tally *tally, const struct history *history);

/** Add the sums of `from`, which was made for the same time. */
void tally_merge(struct tally *tally, const struct tally *from);

/** Derive the figures. `interval_bytes` is the mean interval at which the whole process was
 * sampled: what was not seen may have been allocated when samples were as rare as that, even if
 * those that were seen are all from when they were not. At most 1: nothing was missed. */
void tally_figures(const struct tally *tally, double interval_bytes, struct figures *ret);

/** Figures of some stacks together, where nothing but the figures of each is left. Live bytes get
 *  the interval that their blocks would have given; growth gets that of independent parts. */
struct figures_sum {
	double now_seconds;
	double interval_bytes; /* stands in where a figure does not tell its T */
	struct tally tally;
	double growth_below; /* squares of the distances to the ends of the intervals */
	double growth_above;
};

void figures_sum_init(struct figures_sum *sum, double now_seconds, double interval_bytes);
void figures_sum_add(struct figures_sum *sum, const struct figures *part);
void figures_sum_write(const struct figures_sum *sum, struct figures *ret);

/** The half-width of live bytes that comes from samples alone, without what may not have been seen:
 *  its square adds up over parts that share no sample. More where the lower end was cut at 0. */
double estimate_live_spread(const struct estimate *live);

/** How many standard errors to each side hold the truth with this confidence, in (0, 1):
 *  erf(z/sqrt(2)) = confidence, solved by bisection. */
double normal_z(double confidence);

#endif
