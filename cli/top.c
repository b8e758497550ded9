/* SPDX-License-Identifier: MIT */
#include "cli/verbs.h"

#include "cli/export.h"
#include "cli/output_name.h"
#include "cli/print.h"
#include "cli/source_line.h"
#include "cli/terminal.h"
#include "profile/capture.h"
#include "tui/tui.h"

static bool pump(void *context, struct error *err)
{
	struct job *job = context;
	signals_take(&job->signals);
	return session_pump(job->session, err);
}

static bool snapshot(void *context, struct snapshot **ret, struct error *err)
{
	struct job *job = context;
	return session_snapshot(job->session, ret, err);
}

static bool read_line(void *context, const char *file, int line, char *ret, size_t size)
{
	const struct job *job = context;
	return source_line_read(job->pid, file, line, ret, size);
}

/* A file of its own in the working directory, named after process and time. */
static bool write_snapshot(void *context, const struct snapshot *snapshot, char *name_ret,
			   size_t size, struct error *err)
{
	const struct job *job = context;
	const char *pattern = "filtrace-%p-%t.filtrace";
	struct capture *capture;
	struct error later;
	if (!output_name_make(pattern, job->pid, name_ret, size, err) ||
	    !capture_create(name_ret, job->options->is_forced, &capture, err))
		return false;
	bool is_written = capture_write(capture, snapshot, err);
	return capture_close(capture, is_written ? err : &later) && is_written;
}

static bool export_snapshot(void *context, const struct snapshot *snapshot, const char *file,
			    bool is_forced, char *name_ret, size_t size, struct error *err)
{
	const struct job *job = context;
	return export_write(job->options, snapshot, file, is_forced, name_ret, size, err);
}

/* The last picture of a target that has ended stays; a session that failed has something to say. */
static bool is_stopping(void *context)
{
	struct job *job = context;
	signals_take(&job->signals);
	if (session_has_exited(job->session))
		return job->signals.is_stopping;
	return job_is_over(job);
}

static bool watch_on_screen(struct job *job, struct error *err)
{
	const struct tui_source source = {
		.context = job,
		.pump = pump,
		.snapshot = snapshot,
		.is_stopping = is_stopping,
		.read_line = read_line,
		.write = write_snapshot,
		.export = export_snapshot,
	};
	terminal_choose_color(job->options);
	return tui_run(&source, err);
}

bool top_run(struct job *job, enum exit_code *ret, struct error *err)
{
	(void)ret;
	if (!job_attach(job, err))
		return false;

	struct error later;
	OWNED_SNAPSHOT struct snapshot *last = NULL;
	bool has_view = terminal_is_usable(job->options);
	bool is_ok = has_view ? watch_on_screen(job, err) : job_trace(job, NULL, err);
	is_ok = job_detach(job, &last, is_ok ? err : &later) && is_ok;
	if (!has_view && last)
		is_ok = print_report(job->options, FORMAT_TEXT, last, stdout,
				     is_ok ? err : &later) &&
			is_ok;

	char farewell[64];
	message_note(&job->messages, "%s", job_farewell(job, farewell, sizeof(farewell)));
	return is_ok;
}
