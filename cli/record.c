/* SPDX-License-Identifier: MIT */
#include "cli/verbs.h"

#include <string.h>

#include "base/text.h"
#include "cli/output_name.h"
#include "cli/print.h"
#include "cli/recording.h"

/* A recording on its way. */
struct record {
	struct job *job;
	struct recording recording;
};

static void record_cleanup(struct record *record)
{
	recording_deinit(&record->recording);
}

static bool rotate(struct record *record, const struct snapshot *snapshot, struct error *err)
{
	struct recording *recording = &record->recording;
	struct messages *messages = &record->job->messages;
	struct error refusal;
	char path[PATH_MAX], closed[PATH_MAX];
	bool is_done = true;
	if (!recording_next_name(recording, path, &refusal)) {
		message_note(messages, "%s; %s goes on", refusal.context, recording->path);
	} else if (!recording_rotate(recording, path, &is_done, closed, err)) {
		return false;
	} else if (is_done) {
		message_note(messages, "%s%s is whole; going on in %s",
			     strcmp(closed, path) == 0 ? "what was " : "", closed, path);
		if (!recording_write(recording, snapshot, err))
			return false;
	}
	record->job->signals.wants_new_file = !is_done;
	return true;
}

static bool take(void *context, const struct snapshot *snapshot, struct error *err)
{
	struct record *record = context;
	const struct signals *signals = &record->job->signals;
	bool is_folded;
	if (!recording_write(&record->recording, snapshot, err))
		return false;
	if (signals->wants_write) {
		if (!capture_sync(record->recording.capture, &is_folded, err))
			return false;
		message_note(&record->job->messages, "%s: written until %.1f s",
			     record->recording.path, record->recording.seconds);
	}
	return !signals->wants_new_file || rotate(record, snapshot, err);
}

static uint64_t file_bytes(void *context)
{
	const struct record *record = context;
	return capture_bytes(record->recording.capture);
}

static bool finish(struct record *record, const struct snapshot *last, struct error *err)
{
	struct recording *recording = &record->recording;
	if (!last)
		return true;
	if (!recording->capture || !recording_write(recording, last, err))
		return false;
	bool is_at = capture_is_at(recording->capture, recording->path);
	if (!recording_close(recording, err))
		return false;
	if (!is_at)
		message_note(&record->job->messages, "%s was moved away while it was written",
			     recording->path);
	return print_report(record->job->options, FORMAT_DEFAULT, last, stdout, err);
}

static void say_what_was_done(struct record *record, const struct snapshot *last, bool is_ok)
{
	struct messages *messages = &record->job->messages;
	char samples[16];
	char farewell[64];
	job_farewell(record->job, farewell, sizeof(farewell));
	if (!last || !is_ok) {
		message_note(messages, "%s", farewell);
		return;
	}
	text_count((double)last->capture.samples, samples, sizeof(samples));
	message_note(messages, "%s: %.1f s, %s samples; %s", record->recording.path,
		     last->capture.seconds, samples, farewell);
}

/* Before anything is done to the target: it would be for nothing. */
static bool check_name(const struct job *job, struct error *err)
{
	char path[PATH_MAX];
	return output_name_make(job->options->output, job->pid, path, sizeof(path), err) &&
	       output_name_check(path, job->options->is_forced, err);
}

bool record_run(struct job *job, enum exit_code *ret, struct error *err)
{
	(void)ret;
	OWNED(record_cleanup) struct record record = { .job = job };
	if (!check_name(job, err) || !job_attach(job, err) ||
	    !recording_init(&record.recording, job->options, job->pid, err))
		return false;

	struct error later;
	OWNED_SNAPSHOT struct snapshot *last = NULL;
	const struct job_tick tick = { .context = &record, .take = take, .bytes = file_bytes };
	bool is_ok = job_trace(job, &tick, err);
	is_ok = job_detach(job, &last, is_ok ? err : &later) && is_ok;
	bool is_kept = finish(&record, last, is_ok ? err : &later);
	say_what_was_done(&record, last, is_kept);
	return is_ok && is_kept;
}
