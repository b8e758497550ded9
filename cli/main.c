/* SPDX-License-Identifier: MIT */
#include <malloc.h>

#include "cli/job.h"
#include "cli/verbs.h"
#include "tui/tui.h"

/* What is as large as this goes back to the system as soon as it is freed, however long the program
 * runs. Snapshots come and go; between smaller things they would leave holes. */
enum { MAPPED_BYTES_MIN = 64 << 10 };

/* Say what failed; the exit code for it. */
static enum exit_code fail(const struct options *options, const struct error *err)
{
	struct messages messages;
	messages_init(&messages, options);
	message_error(&messages, err);
	return exit_code_of_error(err->kind);
}

static enum exit_code run_verb(struct job *job)
{
	static bool (*const verbs[])(struct job *, enum exit_code *, struct error *) = {
		[VERB_TOP] = top_run,
		[VERB_RECORD] = record_run,
		[VERB_CHECK] = check_run,
	};
	enum exit_code code = EXIT_DONE;
	struct error err;
	if (!verbs[job->options->verb](job, &code, &err)) {
		message_error(&job->messages, &err);
		code = exit_code_of_error(err.kind);
	}
	if (!job_wait_child(job, &err)) {
		message_error(&job->messages, &err);
		code = EXIT_INTERNAL_ERROR;
	}
	return code;
}

static enum exit_code watch(const struct options *options, int *wait_status_ret)
{
	struct job job;
	struct error err;
	if (!job_init(&job, options, &err))
		return fail(options, &err);
	enum exit_code code = run_verb(&job);
	*wait_status_ret = job.child.wait_status;
	job_deinit(&job);
	return code;
}

/* Verbs that trace nobody. */
static bool is_quick_verb(enum verb verb)
{
	return verb != VERB_TOP && verb != VERB_RECORD && verb != VERB_CHECK;
}

static enum exit_code run_quick_verb(const struct options *options)
{
	static bool (*const verbs[VERB_COUNT])(const struct options *, struct error *) = {
		[VERB_REPORT] = report_run, [VERB_DIFF] = diff_run,	  [VERB_VIEW] = view_run,
		[VERB_PS] = ps_run,	    [VERB_UNSTICK] = unstick_run,
	};
	enum exit_code code = EXIT_DONE;
	struct error err;
	bool is_ok = options->verb == VERB_DOCTOR ? doctor_run(options, &code, &err)
						  : verbs[options->verb](options, &err);
	return is_ok ? code : fail(options, &err);
}

static enum exit_code run(const struct options *options, int *wait_status_ret)
{
	if (options->wants_help) {
		options_print_help(stdout);
		return EXIT_DONE;
	}
	if (options->wants_version) {
		puts("filtrace " FILTRACE_VERSION);
		return EXIT_DONE;
	}
	if (is_quick_verb(options->verb))
		return run_quick_verb(options);
	return watch(options, wait_status_ret);
}

int main(int argc, char **argv)
{
	mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES_MIN);
	signals_on_crash(tui_restore_terminal);

	struct options options;
	struct error err;
	if (!options_parse(argc, argv, &options, &err))
		return (int)fail(&options, &err);
	int wait_status = 0;
	enum exit_code code = run(&options, &wait_status);
	return options.command ? exit_code_with_child(wait_status, code) : (int)code;
}
