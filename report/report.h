/* SPDX-License-Identifier: MIT */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

/**
 * @file
 * A snapshot as text for people, JSON for programs, and files for tools that others wrote. Names
 * from the target are made printable, valid UTF-8 here; whatever the target calls itself, the
 * output is well-formed.
 *
 * Every function writes to `out`, flushes it, and fails with ERROR_FILE if not everything could be
 * written.
 */

#include <stdio.h>

#include "base/error.h"
#include "profile/snapshot.h"
#include "profile/timeline.h"
#include "profile/verdict.h"

struct report_text_options {
	size_t top; /* how many sites to show; 0: the default of 20 */
};

/** Write the text report, at most 100 columns wide. `options` may be NULL. */
MUST_CHECK bool report_text(const struct snapshot *snapshot,
			    const struct report_text_options *options, FILE *out,
			    struct error *err);

/** Write the JSON document `filtrace.report/1` (docs/report.schema.json). */
MUST_CHECK bool report_json(const struct snapshot *snapshot, FILE *out, struct error *err);

/** Write the sites as a table of comma-separated values (RFC 4180, but lines end as Unix lines do),
 *  one line each behind one line of names. */
MUST_CHECK bool report_csv(const struct snapshot *snapshot, FILE *out, struct error *err);

/** Write one line for each stack: its frames, outermost first, with semicolons between them, a
 *  blank, and its live bytes. Format: Brendan Gregg's FlameGraph, "stackcollapse". */
MUST_CHECK bool report_collapsed(const struct snapshot *snapshot, FILE *out, struct error *err);

/** Write a file for https://www.speedscope.app, with sampled profiles of live bytes, of live blocks
 *  and, if anything grows, of growth. */
MUST_CHECK bool report_speedscope(const struct snapshot *snapshot, FILE *out, struct error *err);

/** Write a compressed file for `go tool pprof`, with sample types inuse_objects, inuse_space (the
 *  default) and growth, which may be negative, and with labels for kind, thread and process. */
MUST_CHECK bool report_pprof(const struct snapshot *snapshot, FILE *out, struct error *err);

/** What a page can show of the past. */
struct report_past {
	const struct timeline *timeline;
	const struct snapshot *ever; /* what is shown, and what is like it but no longer live */
};

/** Who knows source files. */
struct report_source {
	void *context;
	/** Read one line without its indentation. False if it cannot be read. */
	bool (*read_line)(void *context, const char *file, int line, char *ret, size_t size);
};

struct report_html_options {
	const struct report_past *past;	    /* NULL: no chart of time */
	const struct report_source *source; /* NULL: no source text */
};

/** Write a page that needs nothing else, and no network: a flame graph of live bytes, growth and
 *  blocks. With a past there is a chart of RSS and live bytes over time, on which a range is chosen
 *  that the graph then shows; as large as it may be, it adds no more than some two megabytes: its
 *  time is sampled, and beyond the largest stacks their growth is told together. No name and no
 *  source can become markup. `options` may be NULL. */
MUST_CHECK bool report_html(const struct snapshot *snapshot,
			    const struct report_html_options *options, FILE *out,
			    struct error *err);

/** The result of a check. */
struct report_check {
	const struct verdict *verdict;	 /* NULL: no verdict was reached, which is an "error" */
	const struct snapshot *snapshot; /* what the verdict is about; may be NULL without one */
	int code;			 /* exit status of the check itself */
	const int *child_exit; /* status of the launched command; NULL: none, or it runs on */
};

/** Write the JSON document `filtrace.check/1` (docs/check.schema.json). */
MUST_CHECK bool report_check_json(const struct report_check *check, FILE *out, struct error *err);

#endif
