/* SPDX-License-Identifier: MIT */
#include "cli/verbs.h"

#include <string.h>

#include "cli/print.h"
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

/* The last picture of a target that has ended stays; a session that failed has something to say. */
static bool is_stopping(void *context)
{
	struct job *job = context;
	signals_take(&job->signals);
	if (session_has_exited(job->session))
		return job->signals.is_stopping;
	return job_is_over(job);
}

static bool has_screen(const struct options *options)
{
	const char *term = getenv("TERM");
	return options->format == FORMAT_DEFAULT && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) &&
	       term && strcmp(term, "dumb") != 0;
}

static bool watch_on_screen(struct job *job, struct error *err)
{
	const struct tui_source source = {
		.context = job,
		.pump = pump,
		.snapshot = snapshot,
		.is_stopping = is_stopping,
	};
	if (job->options->color == COLOR_NEVER)
		setenv("NO_COLOR", "1", 1);
	if (job->options->color == COLOR_ALWAYS)
		unsetenv("NO_COLOR");
	return tui_run(&source, err);
}

bool top_run(struct job *job, enum exit_code *ret, struct error *err)
{
	(void)ret;
	if (!job_attach(job, err))
		return false;

	struct error later;
	OWNED_SNAPSHOT struct snapshot *last = NULL;
	bool has_view = has_screen(job->options);
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
