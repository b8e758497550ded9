/* SPDX-License-Identifier: MIT */
#ifndef TRACER_INTERVAL_H
#define TRACER_INTERVAL_H

/**
 * @file
 * The sampling interval T: draws from its exponential distribution, and the control that keeps
 * stops within the budget. Pure arithmetic; touches no target.
 *
 * Intervals have ids, so that a countdown can say in one byte which T it was drawn with, however
 * long ago: id i stands for 2^((i-1)/4) bytes for ever; the last id for the one that was fixed on
 * the command line.
 */

#include <stdbool.h>
#include <stdint.h>

enum {
	INTERVAL_ID_MIN = 1,   /* one byte: every allocation */
	INTERVAL_ID_MAX = 161, /* 1 TiB */
	INTERVAL_ID_FIXED = 255,
};

/** What a stretch of time has cost. */
struct interval_cost {
	double seconds;
	double stops;
	double stopped_seconds;
};

struct interval {
	uint8_t id;
	uint64_t fixed_bytes; /* 0: adapts */
	double budget;	      /* share of time that threads may stand stopped */
	double max_stops_per_second;
	struct interval_past {
		double seconds, allocated_bytes; /* weighted: the last seconds count most */
		double stops, stopped_seconds;	 /* the last stops count most */
		double debt_seconds; /* stopped beyond the budget, and not saved again since */
	} past;
	uint64_t random[2];
};

void interval_init(struct interval *interval, uint64_t fixed_bytes, double budget,
		   double max_stops_per_second, uint64_t seed);

/** T in bytes of an id; 0 if no countdown can carry this id. */
uint64_t interval_bytes(const struct interval *interval, uint64_t id);

/** 64 random bits. */
uint64_t interval_random(struct interval *interval);

/** Draw a distance, in the form of the draws in the shared pages: id << 56 | bytes to go. */
uint64_t interval_draw(struct interval *interval);

/** After how many bytes a countdown is to be drawn anew at the latest: a small part of T, so that
 *  countdowns soon follow a T that falls. */
uint64_t interval_leg_bytes(const struct interval *interval);

/** Adapt T to what the last stretch has cost. Returns true if T changed. */
bool interval_adapt(struct interval *interval, const struct interval_cost *cost);

#endif
