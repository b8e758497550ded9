/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "cli/options.h"

enum { ARGUMENTS_MAX = 24 };

/* Parse a line of words that blanks separate. The words live until the next call. */
static bool parse(const char *line, struct options *ret, struct error *err)
{
	static char words[512];
	static char *argv[ARGUMENTS_MAX + 1];
	int argc = 0;
	snprintf(words, sizeof(words), "filtrace %s", line);
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
		assert_true(argc < ARGUMENTS_MAX);
		argv[argc++] = word;
	}
	argv[argc] = NULL;
	return options_parse(argc, argv, ret, err);
}

static struct options parsed(const char *line)
{
	struct options options;
	struct error err = { .context = "" };
	if (!parse(line, &options, &err))
		fail_msg("'%s' is refused: %s", line, err.context);
	return options;
}

static void test_a_process_can_be_named_in_three_ways(void **state)
{
	(void)state;
	static const char *const lines[] = { "12",	  "top 12",   "-p 12",
					     "-p12",	  "--pid 12", "--pid=12",
					     "top -p 12", "-d 5 12",  "12 -d 5" };
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct options options = parsed(lines[i]);
		assert_int_equal(options.verb, VERB_TOP);
		assert_int_equal(options.pid, 12);
		assert_null(options.command);
	}
}

static void test_a_command_keeps_its_own_options(void **state)
{
	(void)state;
	struct options options = parsed("record -o x -- python3 -p 3 --help -- y");
	assert_int_equal(options.pid, 0);
	assert_string_equal(options.command[0], "python3");
	assert_string_equal(options.command[3], "--help");
	assert_string_equal(options.command[4], "--");
	assert_string_equal(options.command[5], "y");
	assert_null(options.command[6]);
}

static void test_defaults_are_those_of_the_contract(void **state)
{
	(void)state;
	struct options options = parsed("12");
	assert_true(options.budget == 0.01);
	assert_true(options.confidence == 0.95);
	assert_int_equal(options.sample_bytes, 0);
	assert_int_equal(options.duration_ns, 0);
	assert_int_equal(options.format, FORMAT_DEFAULT);
	assert_int_equal(options.color, COLOR_AUTO);
	assert_false(options.is_quiet || options.is_verbose || options.is_forced);
	assert_false(options.is_inconclusive_pass);
}

static void test_record_takes_its_options(void **state)
{
	(void)state;
	struct options options =
		parsed("record -p 7 -o out.%p -d 2m -j -q -v --force --budget 2% --sample-bytes "
		       "64K -r 50 --stop=trap --color=never --max-size 20M");
	assert_int_equal(options.verb, VERB_RECORD);
	assert_int_equal(options.pid, 7);
	assert_string_equal(options.output, "out.%p");
	assert_int_equal(options.duration_ns, 120 * NS_PER_SECOND);
	assert_int_equal(options.format, FORMAT_JSON);
	assert_true(options.is_quiet && options.is_verbose && options.is_forced);
	assert_true(fabs(options.budget - 0.02) < 1e-12);
	assert_int_equal(options.sample_bytes, 65536);
	assert_int_equal(options.max_stops_per_second, 50);
	assert_true(options.stops_at_traps);
	assert_int_equal(options.max_size_bytes, 20 << 20);
	assert_int_equal(options.color, COLOR_NEVER);
}

static void test_check_takes_its_options(void **state)
{
	(void)state;
	struct options options =
		parsed("check -p 7 --max-growth 60K/min --max-site-growth=1M/h --max-delta 3M "
		       "--warmup 1m --confidence 0.99 --inconclusive=pass");
	assert_int_equal(options.verb, VERB_CHECK);
	assert_true(options.max_growth.is_set);
	assert_true(fabs(options.max_growth.value - 1024) < 1e-9);
	assert_true(options.max_site_growth.is_set);
	assert_true(fabs(options.max_site_growth.value - 1048576.0 / 3600) < 1e-9);
	assert_true(options.max_delta.is_set);
	assert_true(options.max_delta.value == 3 << 20);
	assert_int_equal(options.warmup_ns, 60 * NS_PER_SECOND);
	assert_true(options.confidence == 0.99);
	assert_true(options.is_inconclusive_pass);
	assert_false(parsed("check -p 7 --max-delta 1 --inconclusive fail").is_inconclusive_pass);
	assert_false(parsed("check -p 7 --max-delta 1").max_growth.is_set);
}

static void test_report_takes_a_file(void **state)
{
	(void)state;
	struct options options = parsed("report a.capture -f text -T 5 -o out --force");
	assert_int_equal(options.verb, VERB_REPORT);
	assert_string_equal(options.capture, "a.capture");
	assert_string_equal(options.output, "out");
	assert_int_equal(options.format, FORMAT_TEXT);
	assert_int_equal(options.top, 5);
}

static void test_a_report_has_more_formats_than_a_list(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		enum format format;
	} formats[] = {
		{ "text", FORMAT_TEXT },
		{ "json", FORMAT_JSON },
		{ "csv", FORMAT_CSV },
		{ "collapsed", FORMAT_COLLAPSED },
		{ "speedscope", FORMAT_SPEEDSCOPE },
		{ "pprof", FORMAT_PPROF },
		{ "html", FORMAT_HTML },
	};
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		char line[64];
		snprintf(line, sizeof(line), "report x -f %s", formats[i].name);
		assert_int_equal(parsed(line).format, formats[i].format);
		snprintf(line, sizeof(line), "12 -f %s", formats[i].name);
		assert_int_equal(parsed(line).format, formats[i].format);
	}
	struct options options;
	struct error err;
	assert_false(parse("ps -f csv", &options, &err));
	assert_int_equal(err.kind, ERROR_USAGE);
	assert_non_null(strstr(err.context, "'csv' is none of text, json"));
}

static void test_a_report_can_show_a_part(void **state)
{
	(void)state;
	struct options options =
		parsed("report x --min-age 2m --only a --only b --exclude c --suppressions d"
		       " --thread e -T 5 --redact");
	assert_int_equal(options.min_age_ns, 120 * NS_PER_SECOND);
	assert_int_equal(options.only.count, 2);
	assert_string_equal(options.only.items[0], "a");
	assert_string_equal(options.only.items[1], "b");
	assert_int_equal(options.exclude.count, 1);
	assert_string_equal(options.exclude.items[0], "c");
	assert_string_equal(options.suppressions, "d");
	assert_string_equal(options.thread, "e");
	assert_int_equal(options.top, 5);
	assert_true(options.is_redacted);
	assert_true(parsed("report x -f html --source").has_source);
}

static void test_a_diff_takes_two_files(void **state)
{
	(void)state;
	struct options options = parsed("diff a b -f html -o out --force --ops 12000,13500 -T 3"
					" --only x --min-age 1m --thread y --redact");
	assert_int_equal(options.verb, VERB_DIFF);
	assert_string_equal(options.capture, "a");
	assert_string_equal(options.newer_capture, "b");
	assert_int_equal(options.format, FORMAT_HTML);
	assert_string_equal(options.output, "out");
	assert_true(options.operations[0] == 12000 && options.operations[1] == 13500);
	assert_int_equal(options.top, 3);
	assert_true(options.is_redacted);
	options = parsed("diff a -j b");
	assert_int_equal(options.format, FORMAT_JSON);
	assert_string_equal(options.newer_capture, "b");
	assert_true(options.operations[0] == 0);
	assert_int_equal(parsed("diff a b -f text").format, FORMAT_TEXT);
}

static void test_a_view_takes_one_file(void **state)
{
	(void)state;
	struct options options = parsed("view a --color never -q");
	assert_int_equal(options.verb, VERB_VIEW);
	assert_string_equal(options.capture, "a");
	assert_int_equal(options.color, COLOR_NEVER);
	assert_true(options.is_quiet);
}

static void test_what_can_be_repeated_is_bounded(void **state)
{
	(void)state;
	char filtrace[] = "filtrace", report[] = "report", file[] = "x", only[] = "--only=a";
	char *argv[TEXT_LIST_MAX + 5] = { filtrace, report, file };
	int argc = 3;
	while (argc < TEXT_LIST_MAX + 3)
		argv[argc++] = only;
	struct options options;
	struct error err;
	assert_true(options_parse(argc, argv, &options, &err));
	argv[argc++] = only;
	assert_false(options_parse(argc, argv, &options, &err));
	assert_int_equal(err.kind, ERROR_USAGE);
}

static void test_ps_takes_no_process_and_few_options(void **state)
{
	(void)state;
	struct options options = parsed("ps");
	assert_int_equal(options.verb, VERB_PS);
	assert_int_equal(options.pid, 0);
	assert_int_equal(options.format, FORMAT_DEFAULT);
	assert_int_equal(parsed("ps -j").format, FORMAT_JSON);
	assert_int_equal(parsed("ps -f text").format, FORMAT_TEXT);
	assert_true(parsed("ps -q").is_quiet);
	assert_true(parsed("ps --help").wants_help);
}

static void test_doctor_may_have_a_process_and_unstick_must(void **state)
{
	(void)state;
	assert_int_equal(parsed("doctor").verb, VERB_DOCTOR);
	assert_int_equal(parsed("doctor").pid, 0);
	assert_int_equal(parsed("doctor -p 12 -j").pid, 12);
	assert_int_equal(parsed("doctor 12 -j").format, FORMAT_JSON);
	assert_int_equal(parsed("unstick -p 12").verb, VERB_UNSTICK);
	assert_int_equal(parsed("unstick 12 -q").pid, 12);
}

static void test_help_and_version_need_nothing_else(void **state)
{
	(void)state;
	assert_true(parsed("--help").wants_help);
	assert_true(parsed("-h").wants_help);
	assert_true(parsed("check --help").wants_help);
	assert_true(parsed("--version").wants_version);
	assert_true(parsed("-V").wants_version);
}

static void test_what_is_wrong_is_refused_by_name(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		const char *named;
	} cases[] = {
		{ "", "no process" },
		{ "record -o x", "no process" },
		{ "record -p 1", "-o FILE" },
		{ "check -p 1", "--max-growth" },
		{ "report", "which capture" },
		{ "report a b", "'b'" },
		{ "report a -- python3", "no command" },
		{ "--", "no command after" },
		{ "-p 1 -- python3", "not both" },
		{ "diff", "which captures" },
		{ "diff a", "OLD NEW" },
		{ "diff a b c", "'c'" },
		{ "diff a b -- python3", "no command" },
		{ "diff a b -f csv", "'csv' is none of text, json, html" },
		{ "diff a b -d 5", "'-d'" },
		{ "diff a b --ops 5", "--ops" },
		{ "report a --ops 5,5", "'--ops'" },
		{ "view", "which capture" },
		{ "view a b", "'b'" },
		{ "view a -- python3", "no command" },
		{ "view a -f html", "'-f'" },
		{ "view a -p 1", "'-p'" },
		{ "compare a b", "'compare'" },
		{ "python3", "'python3'" },
		{ "1 2", "'2'" },
		{ "-p 1,2", "one process" },
		{ "-p 1 -p 2", "more than one" },
		{ "-p 0", "'0'" },
		{ "-p -5", "'-5'" },
		{ "-p", "'-p' needs" },
		{ "-p 1 --duration", "'--duration' needs" },
		{ "-p 1 -s", "'-s'" },
		{ "-p 1 -n", "'-n'" },
		{ "-p 1 -qs", "'-s'" },
		{ "-p 1 --subprocesses", "'--subprocesses'" },
		{ "-p 1 --native", "'--native'" },
		{ "-p 1 --stop=signal", "'signal'" },
		{ "-p 1 --only x", "'--only'" },
		{ "-p 1 --dur 5", "'--dur'" },
		{ "-p 1 --quiet=yes", "'--quiet'" },
		{ "-p 1 -o x", "'-o'" },
		{ "-p 1 --force", "'--force'" },
		{ "-p 1 --max-growth 1M/min", "'--max-growth'" },
		{ "check -p 1 -o x --max-delta 1", "'-o'" },
		{ "check -p 1 --max-size 1G", "'--max-size'" },
		{ "record -p 1 -o x --max-size 1023K", "'1023K'" },
		{ "report x -d 5", "'-d'" },
		{ "report x --budget 1", "'--budget'" },
		{ "-p 1 -d 0", "--duration" },
		{ "-p 1 -d never", "'never'" },
		{ "-p 1 -f svg", "'svg'" },
		{ "-p 1 --color=blue", "'blue'" },
		{ "-p 1 --budget 0", "--budget" },
		{ "-p 1 --sample-bytes 0", "--sample-bytes" },
		{ "-p 1 -r 0", "--rate" },
		{ "check -p 1 --max-growth 1M", "'1M'" },
		{ "check -p 1 --max-delta 1M/s", "'1M/s'" },
		{ "check -p 1 --max-delta 1 --confidence 1", "--confidence" },
		{ "check -p 1 --max-delta 1 --inconclusive=maybe", "'maybe'" },
		{ "record -p 1 -o", "'-o' needs" },
		{ "record x -p 1 -o y", "'x'" },
		{ "ps 1", "'1'" },
		{ "ps -p 1", "'-p'" },
		{ "ps -- python3", "no command" },
		{ "ps --", "no command" },
		{ "ps -v", "'-v'" },
		{ "ps --color=never", "'--color'" },
		{ "ps -T 5", "'-T'" },
		{ "ps -o x", "'-o'" },
		{ "ps -f html", "'html'" },
		{ "doctor 1 2", "more than one" },
		{ "doctor -p 1 -- python3", "no command" },
		{ "doctor -d 5", "'-d'" },
		{ "unstick", "no process" },
		{ "unstick -p 1 -j", "'-j'" },
		{ "unstick -p 1 -f json", "'-f'" },
		{ "unstick -p 1 -- python3", "no command" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct options options;
		struct error err;
		if (parse(cases[i].line, &options, &err))
			fail_msg("'%s' is accepted", cases[i].line);
		assert_int_equal(err.kind, ERROR_USAGE);
		if (!strstr(err.context, cases[i].named))
			fail_msg("'%s' is refused with: %s", cases[i].line, err.context);
	}
}

/* Every word of the form --name on the help page is an option of some verb. */
static void test_the_help_page_lists_options_that_are_known(void **state)
{
	(void)state;
	char *page = NULL;
	size_t len;
	FILE *out = open_memstream(&page, &len);
	options_print_help(out);
	fclose(out);

	int count = 0;
	for (char *at = strstr(page, " --"); at; at = strstr(at + 3, " --")) {
		char name[32];
		if (sscanf(at, " --%31[a-z-]", name) != 1)
			continue;
		static const char *const verbs[] = { "top",    "record", "check",
						     "report", "diff",	 "ps" };
		int unknown = 0;
		for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
			char line[64];
			struct options options;
			struct error err = { .context = "" };
			snprintf(line, sizeof(line), "%s --%s", verbs[i], name);
			unknown += !parse(line, &options, &err) &&
				   strstr(err.context, "unknown option");
		}
		assert_true(unknown < (int)ARRAY_LEN(verbs));
		count++;
	}
	assert_true(count >= 20);
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_process_can_be_named_in_three_ways),
		cmocka_unit_test(test_a_command_keeps_its_own_options),
		cmocka_unit_test(test_defaults_are_those_of_the_contract),
		cmocka_unit_test(test_record_takes_its_options),
		cmocka_unit_test(test_check_takes_its_options),
		cmocka_unit_test(test_report_takes_a_file),
		cmocka_unit_test(test_a_report_has_more_formats_than_a_list),
		cmocka_unit_test(test_a_report_can_show_a_part),
		cmocka_unit_test(test_a_diff_takes_two_files),
		cmocka_unit_test(test_a_view_takes_one_file),
		cmocka_unit_test(test_what_can_be_repeated_is_bounded),
		cmocka_unit_test(test_ps_takes_no_process_and_few_options),
		cmocka_unit_test(test_doctor_may_have_a_process_and_unstick_must),
		cmocka_unit_test(test_help_and_version_need_nothing_else),
		cmocka_unit_test(test_what_is_wrong_is_refused_by_name),
		cmocka_unit_test(test_the_help_page_lists_options_that_are_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
