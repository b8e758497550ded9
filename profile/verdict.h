/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_VERDICT_H
#define PROFILE_VERDICT_H

/**
 * @file
 * Tells whether a snapshot keeps given limits. Pure.
 *
 * A limit counts as exceeded only when the whole interval of the figure lies above it, and as kept
 * only when the whole interval lies below it. Between the two nobody knows, and the outcome says
 * so.
 */

#include "profile/snapshot.h"

enum limit_kind {
	LIMIT_GROWTH,	   /* bytes per second, the whole process */
	LIMIT_SITE_GROWTH, /* bytes per second, any one site */
	LIMIT_DELTA,	   /* live bytes at the end, the whole process */
	LIMIT_KIND_COUNT,
};

/** The option that sets the limit: "--max-growth", "--max-site-growth", "--max-delta". */
const char *limit_kind_name(enum limit_kind kind);

struct limit {
	enum limit_kind kind;
	double value; /* bytes per second, or bytes */
};

enum outcome {
	OUTCOME_PASS,
	OUTCOME_INCONCLUSIVE,
	OUTCOME_LEAK,
};

/** "pass", "inconclusive", "leak". */
const char *outcome_name(enum outcome outcome);

struct limit_result {
	struct limit limit;
	double measured;
	double low;
	double high;
	enum outcome outcome;
	/* Where to look: the site that decides LIMIT_SITE_GROWTH, else the one that contributes
	 * most. Points into the snapshot; NULL if that has no sites. */
	const struct snapshot_site *site;
};

/** The most limits that one verdict weighs. */
enum { VERDICT_LIMITS_MAX = 8 };

struct verdict {
	enum outcome outcome; /* leak if any limit is, else inconclusive if any is */
	size_t limit_count;
	struct limit_result limits[VERDICT_LIMITS_MAX];
};

/** Weigh a snapshot against limits, at most VERDICT_LIMITS_MAX of them. `confidence`, in (0, 1),
 *  replaces the 95% of the snapshot's intervals by scaling their half-widths. */
void verdict_reach(const struct snapshot *snapshot, const struct limit *limits, size_t limit_count,
		   double confidence, struct verdict *ret);

#endif
