/* SPDX-License-Identifier: MIT */
#include "cli/verbs.h"

#include "base/clock.h"
#include "base/elide.h"
#include "base/text.h"
#include "cli/print.h"
#include "profile/verdict.h"
#include "report/report.h"

static const uint64_t DEFAULT_DURATION_NS = 30 * NS_PER_SECOND;

/* Where a figure comes from, in the line that tells it. */
enum { SITE_COLUMNS = 200 };

/* A check on its way: the parts that are known so far. */
struct check {
	struct verdict verdict;
	bool has_verdict;
	struct snapshot *snapshot; /* what the verdict points into */
	enum exit_code code;
};

static void check_cleanup(struct check *check)
{
	snapshot_destroy(check->snapshot);
}

static size_t collect_limits(const struct options *options, struct limit *ret)
{
	const struct limit_option *given[LIMIT_KIND_COUNT] = {
		[LIMIT_GROWTH] = &options->max_growth,
		[LIMIT_SITE_GROWTH] = &options->max_site_growth,
		[LIMIT_DELTA] = &options->max_delta,
	};
	size_t count = 0;
	for (int kind = 0; kind < LIMIT_KIND_COUNT; kind++) {
		if (given[kind]->is_set)
			ret[count++] = (struct limit){ kind, given[kind]->value };
	}
	return count;
}

static enum exit_code code_of_outcome(enum outcome outcome, const struct options *options)
{
	switch (outcome) {
	case OUTCOME_PASS:
		return EXIT_DONE;
	case OUTCOME_LEAK:
		return EXIT_LEAK;
	case OUTCOME_INCONCLUSIVE:
		break;
	}
	return options->is_inconclusive_pass ? EXIT_DONE : EXIT_INCONCLUSIVE;
}

static void judge(const struct job *job, struct check *check)
{
	struct limit limits[LIMIT_KIND_COUNT];
	size_t count = collect_limits(job->options, limits);
	verdict_reach(check->snapshot, limits, count, job->options->confidence, &check->verdict);
	check->has_verdict = true;
	check->code = code_of_outcome(check->verdict.outcome, job->options);
}

/* Watch the target, and judge what was seen. */
static bool measure(struct job *job, struct check *check, struct error *err)
{
	if (!job->options->command && !job->duration_ns)
		job->duration_ns = DEFAULT_DURATION_NS;
	if (!job_attach(job, err))
		return false;

	struct error later;
	bool is_ok = job_trace(job, NULL, err);
	is_ok = job_detach(job, &check->snapshot, is_ok ? err : &later) && is_ok;
	char farewell[64];
	message_note(&job->messages, "%s", job_farewell(job, farewell, sizeof(farewell)));
	if (!is_ok)
		return false;

	judge(job, check);
	bool is_cut_short = session_has_exited(job->session) && !job->options->command;
	if (check->code == EXIT_INCONCLUSIVE && is_cut_short)
		return error_set(err, ERROR_NO_PROCESS, "process %d ended before enough data",
				 job->pid);
	return true;
}

static void format_figure(const struct limit_result *result, double value, char *ret, size_t size)
{
	bool is_rate = result->limit.kind != LIMIT_DELTA;
	char bytes[16];
	text_bytes(is_rate ? value * 60 : value, bytes, sizeof(bytes));
	snprintf(ret, size, "%s%s", bytes, is_rate ? "/min" : "");
}

static void format_site(const struct snapshot_site *site, char *ret, size_t size)
{
	if (site)
		elide_frame(site->frame, SITE_COLUMNS, ret, size);
	else
		snprintf(ret, size, "no site");
}

static void say_result(struct messages *messages, const struct limit_result *result)
{
	static const char *const subjects[] = {
		[LIMIT_GROWTH] = "the process grows by",
		[LIMIT_SITE_GROWTH] = "a site grows by",
		[LIMIT_DELTA] = "live at the end are",
	};
	char measured[32], low[32], high[32], limit[32], site[4 * SITE_COLUMNS];
	format_figure(result, result->measured, measured, sizeof(measured));
	format_figure(result, result->low, low, sizeof(low));
	format_figure(result, result->high, high, sizeof(high));
	format_figure(result, result->limit.value, limit, sizeof(limit));
	format_site(result->site, site, sizeof(site));
	message_result(messages, outcome_name(result->outcome), result->outcome != OUTCOME_PASS,
		       ": %s %s (%s to %s), %s %s; most at %s", subjects[result->limit.kind],
		       measured, low, high, limit_kind_name(result->limit.kind), limit, site);
}

static bool print_check(const struct job *job, const struct check *check, struct error *err)
{
	if (job->options->format != FORMAT_JSON)
		return !check->snapshot ||
		       print_report(job->options, FORMAT_DEFAULT, check->snapshot, stdout, err);

	int child_exit = exit_code_with_child(job->child.wait_status, EXIT_DONE);
	const struct report_check report = {
		.verdict = check->has_verdict ? &check->verdict : NULL,
		.snapshot = check->snapshot,
		.code = (int)check->code,
		.child_exit = job->child.has_ended ? &child_exit : NULL,
	};
	return report_check_json(&report, stdout, err);
}

bool check_run(struct job *job, enum exit_code *ret, struct error *err)
{
	OWNED(check_cleanup) struct check check = { 0 };
	struct error later;
	/* What is printed carries the command's status as well: it has to end first. */
	bool is_ok = measure(job, &check, err) && job_wait_child(job, err);
	if (!is_ok)
		check.code = exit_code_of_error(err->kind);

	is_ok = print_check(job, &check, is_ok ? err : &later) && is_ok;
	for (size_t i = 0; i < check.verdict.limit_count; i++)
		say_result(&job->messages, &check.verdict.limits[i]);
	*ret = check.code;
	return is_ok;
}
