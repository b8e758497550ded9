/* SPDX-License-Identifier: MIT */
#include "cli/option_specs.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "cli/quantity.h"
#include "profile/capture.h"

static bool set_pid(struct options *options, const char *argument, struct error *err)
{
	if (options->pid)
		return error_set(err, ERROR_USAGE, "more than one process is given: '%s'",
				 argument);
	if (strchr(argument, ','))
		return error_set(err, ERROR_USAGE, "'%s': this version takes one process at a time",
				 argument);
	return quantity_count(argument, INT_MAX, &options->pid, err);
}

static bool set_duration(struct options *options, const char *argument, struct error *err)
{
	if (!quantity_duration(argument, &options->duration_ns, err))
		return false;
	if (options->duration_ns == 0)
		return error_set(err, ERROR_USAGE, "'%s' is no time to watch for", argument);
	return true;
}

static bool set_output(struct options *options, const char *argument, struct error *err)
{
	if (*argument == '\0')
		return error_set(err, ERROR_USAGE, "the file name is empty");
	options->output = argument;
	return true;
}

/* Find the argument among names that commas separate; its place among them, from 0 on. */
static bool choose(const char *argument, const char *names, int *ret, struct error *err)
{
	size_t len = strlen(argument);
	const char *name = names;
	for (int i = 0; *name; i++) {
		size_t name_len = strcspn(name, ",");
		if (name_len == len && strncmp(name, argument, len) == 0) {
			*ret = i;
			return true;
		}
		name += name_len + strspn(name + name_len, ", ");
	}
	return error_set(err, ERROR_USAGE, "'%s' is none of %s", argument, names);
}

static bool set_format(struct options *options, const char *argument, struct error *err)
{
	static const enum format formats[] = { FORMAT_TEXT,	 FORMAT_JSON,	    FORMAT_CSV,
					       FORMAT_COLLAPSED, FORMAT_SPEEDSCOPE, FORMAT_PPROF,
					       FORMAT_HTML };
	static const enum format diff_formats[] = { FORMAT_TEXT, FORMAT_JSON, FORMAT_HTML };
	bool is_diff = options->verb == VERB_DIFF;
	const char *names = "text, json";
	int choice;
	if (is_diff)
		names = "text, json, html";
	else if (1u << options->verb & SHOWING)
		names = "text, json, csv, collapsed, speedscope, pprof, html";
	if (!choose(argument, names, &choice, err))
		return false;
	options->format = (is_diff ? diff_formats : formats)[choice];
	return true;
}

static bool set_max_size(struct options *options, const char *argument, struct error *err)
{
	if (!quantity_size(argument, &options->max_size_bytes, err))
		return false;
	if (options->max_size_bytes < CAPTURE_BYTES_MIN)
		return error_set(err, ERROR_USAGE, "'%s' is less than the least, which is 1M",
				 argument);
	return true;
}

static bool set_color(struct options *options, const char *argument, struct error *err)
{
	static const enum color colors[] = { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };
	int choice;
	if (!choose(argument, "auto, always, never", &choice, err))
		return false;
	options->color = colors[choice];
	return true;
}

static bool set_budget(struct options *options, const char *argument, struct error *err)
{
	return quantity_percent(argument, &options->budget, err);
}

static bool set_sample_bytes(struct options *options, const char *argument, struct error *err)
{
	if (!quantity_size(argument, &options->sample_bytes, err))
		return false;
	if (options->sample_bytes == 0)
		return error_set(err, ERROR_USAGE, "'%s' is less than every byte, which is 1",
				 argument);
	return true;
}

static bool set_rate(struct options *options, const char *argument, struct error *err)
{
	return quantity_count(argument, 1000000, &options->max_stops_per_second, err);
}

static bool set_stop(struct options *options, const char *argument, struct error *err)
{
	int choice;
	if (!choose(argument, "park, trap", &choice, err))
		return false;
	options->stops_at_traps = choice;
	return true;
}

static bool set_top(struct options *options, const char *argument, struct error *err)
{
	return quantity_count(argument, 1000000, &options->top, err);
}

static bool set_min_age(struct options *options, const char *argument, struct error *err)
{
	return quantity_duration(argument, &options->min_age_ns, err);
}

static bool add_text(struct text_list *list, const char *argument, struct error *err)
{
	if (list->count == TEXT_LIST_MAX)
		return error_set(err, ERROR_USAGE, "given more than %d times", TEXT_LIST_MAX);
	list->items[list->count++] = argument;
	return true;
}

static bool set_only(struct options *options, const char *argument, struct error *err)
{
	return add_text(&options->only, argument, err);
}

static bool set_exclude(struct options *options, const char *argument, struct error *err)
{
	return add_text(&options->exclude, argument, err);
}

static bool set_suppressions(struct options *options, const char *argument, struct error *err)
{
	(void)err;
	options->suppressions = argument;
	return true;
}

static bool set_thread(struct options *options, const char *argument, struct error *err)
{
	(void)err;
	options->thread = argument;
	return true;
}

static bool set_ops(struct options *options, const char *argument, struct error *err)
{
	return quantity_two_counts(argument, options->operations, err);
}

static bool set_rate_limit(struct limit_option *limit, const char *argument, struct error *err)
{
	limit->is_set = true;
	return quantity_rate(argument, &limit->value, err);
}

static bool set_max_growth(struct options *options, const char *argument, struct error *err)
{
	return set_rate_limit(&options->max_growth, argument, err);
}

static bool set_max_site_growth(struct options *options, const char *argument, struct error *err)
{
	return set_rate_limit(&options->max_site_growth, argument, err);
}

static bool set_max_delta(struct options *options, const char *argument, struct error *err)
{
	uint64_t bytes;
	if (!quantity_size(argument, &bytes, err))
		return false;
	options->max_delta = (struct limit_option){ .is_set = true, .value = (double)bytes };
	return true;
}

static bool set_warmup(struct options *options, const char *argument, struct error *err)
{
	return quantity_duration(argument, &options->warmup_ns, err);
}

static bool set_confidence(struct options *options, const char *argument, struct error *err)
{
	return quantity_confidence(argument, &options->confidence, err);
}

static bool set_inconclusive(struct options *options, const char *argument, struct error *err)
{
	int choice;
	if (!choose(argument, "fail, pass", &choice, err))
		return false;
	options->is_inconclusive_pass = choice;
	return true;
}

#define SETTER(function) .set = (function)
#define FLAG(member)	 .flag = offsetof(struct options, member)

const struct option_spec option_specs[] = {
	{ "pid", 'p', "PID", TARGETED, "the process in question", SETTER(set_pid) },
	{ "duration", 'd', "DUR", LIVE, "end after this time: 90, 90s, 10m, 2h",
	  SETTER(set_duration) },
	{ "output", 'o', "FILE", RECORD | READING,
	  "write to FILE (%p is the pid, %h the host, %t the time)", SETTER(set_output) },
	{ "force", 0, NULL, RECORD | READING, "overwrite an existing file", FLAG(is_forced) },
	{ "rotate", 0, NULL, RECORD, "SIGHUP begins a new file instead of the end",
	  FLAG(is_rotated) },
	{ "max-size", 0, "SIZE", RECORD, "keep the file near this size: less of the past (256M)",
	  SETTER(set_max_size) },
	{ "format", 'f', "F", PRINTING,
	  "text, json; diff: html; report: html, pprof, speedscope, collapsed, csv",
	  SETTER(set_format) },
	{ "json", 'j', NULL, PRINTING, "the same as -f json", FLAG(is_json) },
	{ "top", 'T', "N", SHOWING, "show the N largest sites (20 in text, else all)",
	  SETTER(set_top) },
	{ "min-age", 0, "DUR", READING, "only stacks with blocks that are older",
	  SETTER(set_min_age) },
	{ "only", 0, "GLOB", READING, "only stacks with such a file or function",
	  SETTER(set_only) },
	{ "exclude", 0, "GLOB", READING, "only stacks without such a file or function",
	  SETTER(set_exclude) },
	{ "suppressions", 0, "FILE", READING, "exclude what leak:PATTERN lines name",
	  SETTER(set_suppressions) },
	{ "thread", 0, "RE", READING, "only threads with such a name", SETTER(set_thread) },
	{ "redact", 0, NULL, READING, "shorten paths and arguments", FLAG(is_redacted) },
	{ "source", 0, NULL, REPORT, "html: with the lines of source, as files here have them",
	  FLAG(has_source) },
	{ "ops", 0, "OLD,NEW", DIFF, "compare per operation: how many each capture handled",
	  SETTER(set_ops) },
	{ "budget", 0, "PCT", LIVE, "share of time that threads may stand stopped (1%)",
	  SETTER(set_budget) },
	{ "sample-bytes", 0, "SIZE", LIVE, "sample once in SIZE bytes; 1: every allocation",
	  SETTER(set_sample_bytes) },
	{ "rate", 'r', "N", LIVE, "stop at most N times per second", SETTER(set_rate) },
	{ "stop", 0, "KIND", LIVE, "how threads wait at a gate: park, or trap (int3 under ptrace)",
	  SETTER(set_stop) },
	{ "max-growth", 0, "SIZE/UNIT", CHECK, "limit of the whole process: 1M/min (s, min, h)",
	  SETTER(set_max_growth) },
	{ "max-site-growth", 0, "SIZE/UNIT", CHECK, "limit of any one site",
	  SETTER(set_max_site_growth) },
	{ "max-delta", 0, "SIZE", CHECK, "limit of what is live at the end",
	  SETTER(set_max_delta) },
	{ "warmup", 0, "DUR", CHECK, "measure growth only after DUR, when caches are full",
	  SETTER(set_warmup) },
	{ "confidence", 0, "P", CHECK, "of the intervals (0.95)", SETTER(set_confidence) },
	{ "inconclusive", 0, "pass|fail", CHECK, "exit 0 or 6 when no limit is settled (fail)",
	  SETTER(set_inconclusive) },
	{ "color", 0, "WHEN", SHOWING | VIEW, "auto, always or never", SETTER(set_color) },
	{ "quiet", 'q', NULL, ANY, "say nothing but errors and verdicts", FLAG(is_quiet) },
	{ "verbose", 'v', NULL, SHOWING, "say more", FLAG(is_verbose) },
	{ "help", 'h', NULL, ANY, "show this page", FLAG(wants_help) },
	{ "version", 'V', NULL, ANY, "show the version", FLAG(wants_version) },
};

const size_t option_spec_count = ARRAY_LEN(option_specs);

_Static_assert(ARRAY_LEN(option_specs) <= OPTION_SPECS_MAX, "option_specs");
