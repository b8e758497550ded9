/* SPDX-License-Identifier: MIT */
#include "cli/options.h"

#include <ctype.h>
#include <getopt.h>
#include <stddef.h>
#include <string.h>

#include "cli/option_specs.h"

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
	[VERB_DIFF] = { "diff", "filtrace diff OLD NEW [-f F] [-o OUT]",
			"what one capture keeps more than another" },
	[VERB_VIEW] = { "view", "filtrace view FILE",
			"walk through the time of a capture; keys as in top" },
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
	struct option longs[OPTION_SPECS_MAX + 1];
	char letters[2 * OPTION_SPECS_MAX + 3];
};

static void make_getopt_tables(struct getopt_tables *ret)
{
	/* '-': operands come in their place, with value 1. ':': a missing argument is told. */
	*ret = (struct getopt_tables){ .letters = "-:" };
	char *letter = ret->letters + 2;
	for (size_t i = 0; i < option_spec_count; i++) {
		ret->longs[i] = (struct option){
			.name = option_specs[i].name,
			.has_arg = option_specs[i].argument ? required_argument : no_argument,
			.val = LONG_OPTION + (int)i,
		};
		if (option_specs[i].letter) {
			*letter++ = option_specs[i].letter;
			if (option_specs[i].argument)
				*letter++ = ':';
		}
	}
}

/* The option that getopt_long() found in `argument`. Names are not to be abbreviated: a script
 * that does would break with the next option. */
static const struct option_spec *find_spec(int value, const char *argument)
{
	if (value >= LONG_OPTION) {
		const struct option_spec *spec = &option_specs[value - LONG_OPTION];
		size_t len = strcspn(argument + 2, "=");
		return len == strlen(spec->name) ? spec : NULL;
	}
	for (size_t i = 0; i < option_spec_count; i++) {
		if (option_specs[i].letter && option_specs[i].letter == value)
			return &option_specs[i];
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
		return find_spec('p', operand)->set(options, operand, err);
	if (1u << options->verb & (READING | VIEW) && !options->capture) {
		options->capture = operand;
		return true;
	}
	if (options->verb == VERB_DIFF && !options->newer_capture) {
		options->newer_capture = operand;
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
	if (options->verb == VERB_VIEW && !options->capture)
		return error_set(err, ERROR_USAGE, "which capture is to be viewed?");
	if (options->verb == VERB_DIFF && !options->newer_capture)
		return error_set(err, ERROR_USAGE, "which captures are to be compared? OLD NEW");
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
	if (options->has_source && options->format != FORMAT_HTML)
		return error_set(err, ERROR_USAGE, "--source needs -f html");
	if (options->has_source && options->is_redacted)
		return error_set(err, ERROR_USAGE, "--source would show what --redact hides");
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
	for (size_t i = 0; i < option_spec_count; i++) {
		if (option_specs[i].verbs == verbs_mask)
			print_option(out, &option_specs[i]);
	}
}

void options_print_help(FILE *out)
{
	fputs("filtrace: which line of Python keeps the memory of a running process?\n\n", out);
	for (int verb = 0; verb < VERB_COUNT; verb++)
		fprintf(out, "  %-52s %s\n", verbs[verb].usage, verbs[verb].help);
	print_options_of(out, "All verbs", ANY);
	print_options_of(out, "All verbs but unstick", PRINTING);
	print_options_of(out, "top, record, check, report and diff", SHOWING);
	print_options_of(out, "The same, and view", SHOWING | VIEW);
	print_options_of(out, "top, record, check, doctor and unstick", TARGETED);
	print_options_of(out, "top, record and check", LIVE);
	print_options_of(out, "record, report and diff", RECORD | READING);
	print_options_of(out, "report and diff", READING);
	print_options_of(out, "report", REPORT);
	print_options_of(out, "diff", DIFF);
	print_options_of(out, "check", CHECK);
}
