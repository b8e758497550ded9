/* SPDX-License-Identifier: MIT */
#include "cli/verbs.h"

#include "cli/output_file.h"
#include "cli/print.h"
#include "profile/capture.h"

/* The page shows the past, too, if there is not too much of it. */
static bool load(const struct options *options, struct timeline **timeline_ret,
		 struct snapshot **ret, struct error *err)
{
	if (options->format == FORMAT_HTML) {
		if (capture_load_timeline(options->capture, timeline_ret, err))
			return true;
		if (err->kind != ERROR_FILE)
			return false;
	}
	return capture_load(options->capture, ret, err);
}

bool report_run(const struct options *options, struct error *err)
{
	OWNED_TIMELINE struct timeline *timeline = NULL;
	OWNED_SNAPSHOT struct snapshot *snapshot = NULL;
	OWNED_FILE FILE *file = NULL;
	if (!load(options, &timeline, &snapshot, err))
		return false;
	const struct snapshot *last = timeline ? timeline->last : snapshot;
	if (!output_file_create(options, last->target.pid, &file, err))
		return false;
	FILE *out = file ? file : stdout;
	return timeline ? print_past(options, timeline, out, err)
			: print_report(options, FORMAT_TEXT, last, out, err);
}
