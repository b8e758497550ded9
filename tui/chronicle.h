/* SPDX-License-Identifier: MIT */
#ifndef TUI_CHRONICLE_H
#define TUI_CHRONICLE_H

/**
 * @file
 * What has happened while one watched: courses of what snapshots say of an instant only, and a log.
 */

#include "profile/snapshot.h"
#include "tui/series.h"

enum { LOG_LINES_MAX = 200, LOG_TEXT_SIZE = 160 };

struct log_line {
	double seconds; /* since the attach */
	char text[LOG_TEXT_SIZE];
};

/** All zero: nothing has happened. */
struct chronicle {
	struct series rss_bytes;
	struct series stops_per_second;
	struct series sample_bytes;
	struct series stopped_share; /* of the time from one snapshot to the next */
	double seconds;		     /* of the last snapshot, since the attach */
	uint64_t last_sample_bytes;
	uint64_t last_dropped;
	double last_longest_stop_seconds;
	double last_stopped_seconds;
	bool has_begun;
	bool has_ended;
	struct log_line log[LOG_LINES_MAX]; /* a ring */
	size_t log_count;		    /* ever; line n lies at n % LOG_LINES_MAX */
};

/** Take in a new snapshot. */
void chronicle_take(struct chronicle *chronicle, const struct snapshot *snapshot);

/** Note something that happened now. */
PRINTF_LIKE(2, 3) void chronicle_note(struct chronicle *chronicle, const char *format, ...);

/** How many lines are still there, and one of them: 0 is the newest. */
size_t chronicle_log_len(const struct chronicle *chronicle);
const struct log_line *chronicle_log_line(const struct chronicle *chronicle, size_t age);

#endif
