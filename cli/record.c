/* SPDX-License-Identifier: MIT */
#include "cli/verbs.h"

#include <limits.h>

#include "base/text.h"
#include "cli/output_name.h"
#include "cli/print.h"
#include "profile/capture.h"

static bool write_snapshot(void *context, const struct snapshot *snapshot, struct error *err)
{
	struct capture *capture = context;
	return capture_write(capture, snapshot, err);
}

static bool finish(struct job *job, struct capture *capture, const struct snapshot *last,
		   struct error *err)
{
	if (!last || !capture_write(capture, last, err)) {
		capture_abandon(capture);
		return last == NULL;
	}
	return capture_close(capture, err) &&
	       print_report(job->options, FORMAT_DEFAULT, last, stdout, err);
}

static void say_what_was_done(struct job *job, const char *path, const struct snapshot *last)
{
	char samples[16];
	char farewell[64];
	job_farewell(job, farewell, sizeof(farewell));
	if (!last)
		return message_note(&job->messages, "%s", farewell);
	text_count((double)last->capture.samples, samples, sizeof(samples));
	message_note(&job->messages, "%s: %.1f s, %s samples; %s", path, last->capture.seconds,
		     samples, farewell);
}

bool record_run(struct job *job, enum exit_code *ret, struct error *err)
{
	(void)ret;
	const struct options *options = job->options;
	char path[PATH_MAX];
	struct capture *capture;
	if (!output_name_make(options->output, job->pid, path, sizeof(path), err) ||
	    !output_name_check(path, options->is_forced, err) || !job_attach(job, err) ||
	    !capture_create(path, options->is_forced, &capture, err))
		return false;
	if (options->max_size_bytes)
		capture_limit(capture, options->max_size_bytes);

	struct error later;
	OWNED_SNAPSHOT struct snapshot *last = NULL;
	const struct job_tick tick = { .context = capture, .take = write_snapshot };
	bool is_ok = job_trace(job, &tick, err);
	is_ok = job_detach(job, &last, is_ok ? err : &later) && is_ok;
	is_ok = finish(job, capture, last, is_ok ? err : &later) && is_ok;
	say_what_was_done(job, path, last);
	return is_ok;
}
