/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_DIFF_H
#define PROFILE_DIFF_H

/**
 * @file
 * What is different between two snapshots, of one program at two times or in two versions. Pure.
 *
 * Sites are matched by module and function (profile/fingerprints.h); where a function has several,
 * their lines are paired (profile/line_pairs.h). What only one side has is compared with what
 * nobody saw: nothing, with the interval that nothing has at that side's mean distance between
 * samples.
 *
 * Figures are made comparable first. Growth is per second as it is, and live bytes are divided by
 * the seconds of their capture; or both become bytes per operation.
 *
 * The interval of a difference puts together those of its two sides, each with its own two ends
 * (R. G. Newcombe, "Interval estimation for the difference between independent proportions",
 * Statistics in Medicine 17, 1998, method 10):  low = d - sqrt((new - new.low)^2 + (old.high -
 * old)^2), and high likewise.
 */

#include "profile/modules.h"
#include "profile/snapshot.h"

struct diff_options {
	double operations[SIDE_COUNT]; /* that each side handled while captured; 0: by time */
	size_t top;		       /* sites to list, with their stacks; 0: all */
	bool is_redacted;	       /* paths and arguments are shortened: profile/redact.h */
};

/** One measure on both sides, in the unit of the diff. */
struct diff_figure {
	struct estimate sides[SIDE_COUNT];
	struct estimate difference; /* new - old */
	double spread; /* half-width without what may not have been seen: its square adds up over
			* stacks */
};

struct diff_figures {
	struct diff_figure growth;
	struct diff_figure live;
};

enum diff_change {
	DIFF_UNCLEAR, /* the difference may be chance */
	DIFF_WORSE,   /* it grows more */
	DIFF_BETTER,  /* it grows less */
};

/** "unclear", "worse", "better". */
const char *diff_change_name(enum diff_change change);

struct diff_site {
	const struct frame *frames[SIDE_COUNT];	   /* NULL: this side has no such site */
	const struct figures *figures[SIDE_COUNT]; /* of the snapshot; NULL: none */
	struct diff_figures difference;
	/* Of growth. Among many sites some stray from their intervals by chance; here the interval
	 * is widened such that, with 95% confidence, it is not chance for any of all sites
	 * (Bonferroni). */
	enum diff_change change;
};

/** All stacks of the same functions, thread and kind. */
struct diff_stack {
	struct snapshot_stack stack; /* frames without lines; no figures */
	bool is_in[SIDE_COUNT];
	struct diff_figures difference;
};

struct diff {
	const struct snapshot *snapshots[SIDE_COUNT]; /* which have to live as long */
	struct snapshot_target targets[SIDE_COUNT];   /* redacted, if that was asked for */
	double divisors[SIDE_COUNT];		      /* seconds, or operations */
	bool is_per_operation;
	struct diff_figures total;
	struct diff_figures nothing;	/* where neither side saw anything */
	enum diff_change change;	/* of the total's growth, by its 95% interval */
	size_t counts[DIFF_BETTER + 1]; /* sites, listed or not, by change */
	size_t only_counts[SIDE_COUNT]; /* sites, listed or not, that one side has alone */
	struct diff_site *sites;	/* worse ones, better ones, unclear ones; each by the size
					 * of the difference in growth */
	size_t site_count;
	size_t beyond_top;	   /* sites that are not listed */
	struct diff_stack *stacks; /* largest difference in growth first */
	size_t stack_count;
	struct snapshot *storage; /* private */
};

/** Compare two snapshots. Errors: ERROR_NO_DATA (a capture of no time), ERROR_NO_MEMORY.
 *  diff_destroy() gives it back. */
MUST_CHECK bool diff_create(const struct snapshot *old, const struct snapshot *new,
			    const struct diff_options *options, struct diff **ret,
			    struct error *err);
void diff_destroy(struct diff *diff);

static inline void diff_cleanup(struct diff **diff)
{
	diff_destroy(*diff);
}

#define OWNED_DIFF OWNED(diff_cleanup)

#endif
