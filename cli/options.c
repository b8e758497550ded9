/* SPDX-License-Identifier: MIT */
#include "cli/options.h"

#include <ctype.h>
#include <getopt.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "cli/quantity.h"

enum {
	TOP = 1 << VERB_TOP,
	RECORD = 1 << VERB_RECORD,
	CHECK = 1 << VERB_CHECK,
	REPORT = 1 << VERB_REPORT,
	PS = 1 << VERB_PS,
	DOCTOR = 1 << VERB_DOCTOR,
	UNSTICK = 1 << VERB_UNSTICK,
	LIVE = TOP | RECORD | CHECK,
	TARGETED = LIVE | DOCTOR | UNSTICK,
	SHOWING = LIVE | REPORT,
	PRINTING = SHOWING | PS | DOCTOR,
	ANY = PRINTING | UNSTICK,
};

/* One option: one with an argument is set by `set`, one without is the bool at offset `flag`. */
struct option_spec {
	const char *name;
	char letter; /* 0: none */
	const char *argument;
	unsigned verbs;
	const char *help;
	bool (*set)(struct options *options, const char *argument, struct error *err);
	size_t flag;
};

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
	bool is_report = 1u << options->verb & SHOWING;
	const char *names =
		is_report ? "text, json, csv, collapsed, speedscope, pprof, html" : "text, json";
	int choice;
	if (!choose(argument, names, &choice, err))
		return false;
	options->format = formats[choice];
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

static const struct option_spec specs[] = {
	{ "pid", 'p', "PID", TARGETED, "the process in question", SETTER(set_pid) },
	{ "duration", 'd', "DUR", LIVE, "end after this time: 90, 90s, 10m, 2h",
	  SETTER(set_duration) },
	{ "output", 'o', "FILE", RECORD | REPORT,
	  "write to FILE (%p is the pid, %h the host, %t the time)", SETTER(set_output) },
	{ "force", 0, NULL, RECORD | REPORT, "overwrite an existing file", FLAG(is_forced) },
	{ "format", 'f', "F", PRINTING,
	  "text, json; of a report: html, pprof, speedscope, collapsed, csv", SETTER(set_format) },
	{ "json", 'j', NULL, PRINTING, "the same as -f json", FLAG(is_json) },
	{ "top", 'T', "N", SHOWING, "show the N largest sites (20 in text, else all)",
	  SETTER(set_top) },
	{ "min-age", 0, "DUR", REPORT, "only stacks with blocks that are older",
	  SETTER(set_min_age) },
	{ "only", 0, "GLOB", REPORT, "only stacks with such a file or function", SETTER(set_only) },
	{ "exclude", 0, "GLOB", REPORT, "only stacks without such a file or function",
	  SETTER(set_exclude) },
	{ "suppressions", 0, "FILE", REPORT, "exclude what leak:PATTERN lines name",
	  SETTER(set_suppressions) },
	{ "thread", 0, "RE", REPORT, "only threads with such a name", SETTER(set_thread) },
	{ "redact", 0, NULL, REPORT, "shorten paths and arguments", FLAG(is_redacted) },
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
	{ "color", 0, "WHEN", SHOWING, "auto, always or never", SETTER(set_color) },
	{ "quiet", 'q', NULL, ANY, "say nothing but errors and verdicts", FLAG(is_quiet) },
	{ "verbose", 'v', NULL, SHOWING, "say more", FLAG(is_verbose) },
	{ "help", 'h', NULL, ANY, "show this page", FLAG(wants_help) },
	{ "version", 'V', NULL, ANY, "show the version", FLAG(wants_version) },
};

static const struct {
	const char *name;
	const char *usage;
	const char *help;
} verbs[] = {
	[VERB_TOP] = { "top", "filtrace [top] PID | -p PID | -- CMD ..",
		       "watch live; plain text when stdout is no terminal" },
	[VERB_RECORD] = { "record", "filtrace record -p PID | -- CMD ..  -o FILE [-d DUR]",
			  "capture into a file" },
	[VERB_CHECK] = { "check", "filtrace check -p PID | -- CMD ..  LIMIT.. [-d DUR]",
			 "a verdict and an exit code" },
	[VERB_REPORT] = { "report", "filtrace report FILE [-f F] [-o OUT]", "show a capture" },
	[VERB_PS] = { "ps", "filtrace ps [-f text|json]", "Python processes; why not to attach" },
	[VERB_DOCTOR] = { "doctor", "filtrace doctor [-p PID] [-f text|json]",
			  "can I attach? if not, what helps" },
	[VERB_UNSTICK] = { "unstick", "filtrace unstick -p PID",
			   "undo what a killed filtrace left" },
};

/* getopt_long()'s value of a long option is its index here and this. */
enum { LONG_OPTION = 256 };

/* What getopt_long() needs, made from the table. */
struct getopt_tables {
	struct option longs[ARRAY_LEN(specs) + 1];
	char letters[2 * ARRAY_LEN(specs) + 3];
};

static void make_getopt_tables(struct getopt_tables *ret)
{
	/* '-': operands come in their place, with value 1. ':': a missing argument is told. */
	*ret = (struct getopt_tables){ .letters = "-:" };
	char *letter = ret->letters + 2;
	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		ret->longs[i] = (struct option){
			.name = specs[i].name,
			.has_arg = specs[i].argument ? required_argument : no_argument,
			.val = LONG_OPTION + (int)i,
		};
		if (specs[i].letter) {
			*letter++ = specs[i].letter;
			if (specs[i].argument)
				*letter++ = ':';
		}
	}
}

/* The option that getopt_long() found in `argument`. Names are not to be abbreviated: a script
 * that does would break with the next option. */
static const struct option_spec *find_spec(int value, const char *argument)
{
	if (value >= LONG_OPTION) {
		const struct option_spec *spec = &specs[value - LONG_OPTION];
		size_t len = strcspn(argument + 2, "=");
		return len == strlen(spec->name) ? spec : NULL;
	}
	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		if (specs[i].letter && specs[i].letter == value)
			return &specs[i];
	}
	return NULL;
}

static bool apply_option(struct options *options, const struct option_spec *spec, char *argument,
			 struct error *err)
{
	if (!spec->set)
		*(bool *)((char *)options + spec->flag) = true;
	else if (!spec->set(options, argument, err))
		return error_context(err, "--%s", spec->name);
	return true;
}

static bool apply_operand(struct options *options, char *operand, struct error *err)
{
	if (1u << options->verb & (TOP | DOCTOR | UNSTICK))
		return set_pid(options, operand, err);
	if (options->verb == VERB_REPORT && !options->capture) {
		options->capture = operand;
		return true;
	}
	return error_set(err, ERROR_USAGE, "unexpected argument '%s'", operand);
}

/* An option that nobody knows, or not with this verb. `value` is '?' or the letter in question. */
static bool refuse_option(const struct options *options, int value, const char *argument,
			  struct error *err)
{
	const char *verb = verbs[options->verb].name;
	if (argument[1] != '-')
		return error_set(err, ERROR_USAGE, "unknown option '-%c' of filtrace %s",
				 value == '?' ? optopt : value, verb);
	return error_set(err, ERROR_USAGE, "unknown option '%.*s' of filtrace %s",
			 (int)strcspn(argument, "="), argument, verb);
}

/* Apply the option or operand that getopt_long() returned; it stands in `argument`. */
static bool apply(struct options *options, int value, const char *argument, struct error *err)
{
	if (value == 1)
		return apply_operand(options, optarg, err);
	if (value == ':')
		return error_set(err, ERROR_USAGE, "option '%s' needs an argument", argument);
	const struct option_spec *spec = find_spec(value, argument);
	if (!spec || !(spec->verbs & 1u << options->verb))
		return refuse_option(options, value, argument, err);
	return apply_option(options, spec, optarg, err);
}

static bool parse_arguments(int argc, char **argv, struct options *options, struct error *err)
{
	struct getopt_tables tables;
	make_getopt_tables(&tables);
	opterr = 0;
	optind = 0; /* start anew */

	for (;;) {
		int at = optind ? optind : 1;
		int value = getopt_long(argc, argv, tables.letters, tables.longs, NULL);
		if (value == -1)
			return true;
		if (!apply(options, value, argv[at], err))
			return false;
	}
}

static bool parse_verb(const char *argument, enum verb *ret)
{
	for (int verb = 0; verb < VERB_COUNT; verb++) {
		if (strcmp(argument, verbs[verb].name) == 0) {
			*ret = verb;
			return true;
		}
	}
	return false;
}

static bool check_alone(const struct options *options, bool has_separator, struct error *err)
{
	if (has_separator)
		return error_set(err, ERROR_USAGE, "filtrace %s takes no command",
				 verbs[options->verb].name);
	if (options->verb == VERB_REPORT && !options->capture)
		return error_set(err, ERROR_USAGE, "which capture is to be reported?");
	if (options->verb == VERB_UNSTICK && !options->pid)
		return error_set(err, ERROR_USAGE, "no process is given: -p PID");
	return true;
}

static bool check_target(const struct options *options, bool has_separator, struct error *err)
{
	if (!(1u << options->verb & LIVE))
		return check_alone(options, has_separator, err);
	if (has_separator && !options->command)
		return error_set(err, ERROR_USAGE, "no command after '--'");
	if (options->pid && options->command)
		return error_set(err, ERROR_USAGE, "either a process or a command, not both");
	if (!options->pid && !options->command)
		return error_set(err, ERROR_USAGE, "no process is given: -p PID or -- CMD ..");
	return true;
}

static bool check_complete(const struct options *options, struct error *err)
{
	bool has_limit = options->max_growth.is_set || options->max_site_growth.is_set ||
			 options->max_delta.is_set;
	if (options->verb == VERB_RECORD && !options->output)
		return error_set(err, ERROR_USAGE, "no file to record into: -o FILE");
	if (options->verb == VERB_CHECK && !has_limit)
		return error_set(
			err, ERROR_USAGE,
			"no limit to check: --max-growth, --max-site-growth or --max-delta");
	return true;
}

static int find_separator(int argc, char **argv)
{
	int at = 1;
	while (at < argc && strcmp(argv[at], "--") != 0)
		at++;
	return at;
}

bool options_parse(int argc, char **argv, struct options *ret, struct error *err)
{
	*ret = (struct options){ .budget = 0.01, .confidence = 0.95 };

	int end = find_separator(argc, argv);
	if (end + 1 < argc)
		ret->command = argv + end + 1;
	int skip = end > 1 && parse_verb(argv[1], &ret->verb);
	if (end > 1 && !skip && argv[1][0] != '-' && !isdigit((unsigned char)argv[1][0]))
		return error_set(err, ERROR_USAGE, "unknown verb '%s'", argv[1]);

	if (!parse_arguments(end - skip, argv + skip, ret, err))
		return false;
	if (ret->wants_help || ret->wants_version)
		return true;
	if (ret->is_json)
		ret->format = FORMAT_JSON;
	return check_target(ret, end < argc, err) && check_complete(ret, err);
}

static void print_option(FILE *out, const struct option_spec *spec)
{
	char letter[] = "-x,";
	letter[1] = spec->letter;
	fprintf(out, "  %3s --%s %-*s  %s\n", spec->letter ? letter : "", spec->name,
		24 - (int)strlen(spec->name), spec->argument ? spec->argument : "", spec->help);
}

static void print_options_of(FILE *out, const char *title, unsigned verbs_mask)
{
	fprintf(out, "\n%s:\n", title);
	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		if (specs[i].verbs == verbs_mask)
			print_option(out, &specs[i]);
	}
}

void options_print_help(FILE *out)
{
	fputs("filtrace: which line of Python keeps the memory of a running process?\n\n", out);
	for (int verb = 0; verb < VERB_COUNT; verb++)
		fprintf(out, "  %-52s %s\n", verbs[verb].usage, verbs[verb].help);
	print_options_of(out, "All verbs", ANY);
	print_options_of(out, "All verbs but unstick", PRINTING);
	print_options_of(out, "top, record, check and report", SHOWING);
	print_options_of(out, "top, record, check, doctor and unstick", TARGETED);
	print_options_of(out, "top, record and check", LIVE);
	print_options_of(out, "record and report", RECORD | REPORT);
	print_options_of(out, "check", CHECK);
}
