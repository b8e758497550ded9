/* SPDX-License-Identifier: MIT */
#include "cli/verbs.h"

#include "cli/output_file.h"
#include "cli/print.h"
#include "profile/capture.h"

bool report_run(const struct options *options, struct error *err)
{
	OWNED_SNAPSHOT struct snapshot *snapshot = NULL;
	OWNED_FILE FILE *file = NULL;
	return capture_load(options->capture, &snapshot, err) &&
	       output_file_create(options, snapshot->target.pid, &file, err) &&
	       print_report(options, FORMAT_TEXT, snapshot, file ? file : stdout, err);
}
