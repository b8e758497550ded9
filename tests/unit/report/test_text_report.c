/* SPDX-License-Identifier: MIT */
#include "report/report.h"

#include "report/rest.h"
#include "tests/unit/report/output.h"

static void test_the_report_shows_where_the_memory_is(void **state)
{
	(void)state;
	OWNED_SNAPSHOT struct snapshot *snapshot = leaky_snapshot();
	OWNED_OUTPUT struct output output = { 0 };
	output_open(&output);
	struct error err;
	assert_true(report_text(snapshot, NULL, output.file, &err));
	static const char expected[] =
		"filtrace  python3 app.py  pid 4121, CPython 3.11.7\n"
		"20.0 s from 2026-11-22 12:00:00 UTC; 5,120 samples, 3 lost; one per 16 KiB\n"
		"stopped 0.06% (longest 0.4 ms), 170 stops/s; RSS 1 GiB, +3.1 MiB/min\n"
		"\n"
		"live    6.4 \u00b10.7 MiB in 55,000 blocks\n"
		"growth  +19 \u00b12 MiB/min\n";
	if (strncmp(output.text, expected, strlen(expected)) != 0)
		assert_string_equal(output.text, expected);
	assert_non_null(strstr(output.text, " mixed     /srv/app.py:11 index\n"));
	assert_non_null(strstr(output.text, "  pymalloc  MainThread\n    /srv/app.py:11 index\n"
					    "    /srv/app.py:40 <module>\n"));
}

static void test_the_report_is_printable_and_a_hundred_columns_wide_at_most(void **state)
{
	(void)state;
	OWNED_SNAPSHOT struct snapshot *snapshot = leaky_snapshot();
	OWNED_OUTPUT struct output output = { 0 };
	output_open(&output);
	struct error err;
	snapshot->target.python = HOSTILE_NAME;
	snapshot->target.has_exited = true;
	snapshot->capture.seconds = 1e300;
	snapshot->capture.stopped_seconds = 1e303;
	snapshot->capture.longest_stop_seconds = snapshot->capture.stops_per_second = 1e300;
	snapshot->capture.rss_growth_bytes_per_second = -1e300;
	snapshot->total.live_bytes.value = snapshot->total.live_blocks = 1e300;
	snapshot->sites[0].figures.live_blocks = snapshot->sites[0].figures.oldest_seconds = 1e300;
	snapshot->target.command[1] = (char[]){ HOSTILE_NAME "and an endless argument, as long as "
							     "the line and longer, on and on" };
	for (size_t i = 0; i < snapshot->stack_count; i++)
		snapshot->stacks[i].thread = HOSTILE_NAME;
	assert_true(report_text(snapshot, NULL, output.file, &err));
	assert_non_null(strstr(output.text, "</script>"));
	assert_printable(&output, SIZE_MAX);
}

static void test_figures_have_no_more_digits_than_their_error_allows(void **state)
{
	(void)state;
	static const struct {
		double value, error;
		const char *text;
	} cases[] = {
		{ 188.3 * 1048576, 3.1 * 1048576, "live    188 \u00b13 MiB in" },
		{ 188.3 * 1048576, 31 * 1048576, "live    190 \u00b130 MiB in" },
		{ 188.3 * 1048576, 12.4 * 1048576, "live    188 \u00b112 MiB in" },
		{ 188.3 * 1048576, 1.96 * 1048576, "live    188 \u00b12 MiB in" },
		{ 2.91234 * 1048576, 0.1234 * 1048576, "live    2.91 \u00b10.12 MiB in" },
		{ 2.91234 * 1048576, 0.0001 * 1048576, "live    2.91 \u00b10.00 MiB in" },
		{ 2.91234 * 1048576, 0, "live    2.9 \u00b10 MiB in" },
		{ 100, 0, "live    100 \u00b10 B in" },
		{ 100, 0.4, "live    100 \u00b10 B in" },
		{ 0, 250000, "live    0 \u00b1200 KiB in" },
		{ 900.0 * 1048576, 450.0 * 1048576, "live    900 \u00b1500 MiB in" },
		{ 1023.6 * 1024, 0.3 * 1024, "live    1.00 \u00b10.00 MiB in" },
		{ 1e300, 1e300, "live    ? in" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct snapshot snapshot = {
			.target.python = "3.11",
			.capture.seconds = 1,
			.total.live_bytes = { .value = cases[i].value, .error = cases[i].error },
		};
		OWNED_OUTPUT struct output output = { 0 };
		output_open(&output);
		struct error err;
		assert_true(report_text(&snapshot, NULL, output.file, &err));
		if (!strstr(output.text, cases[i].text))
			fail_msg("\"%s\" is missing in\n%s", cases[i].text, output.text);
	}
}

static void test_top_limits_the_sites_and_says_how_many_there_are(void **state)
{
	(void)state;
	OWNED_SNAPSHOT struct snapshot *snapshot = leaky_snapshot();
	OWNED_OUTPUT struct output output = { 0 };
	output_open(&output);
	struct error err;
	const struct report_text_options options = { .top = 1 };
	assert_true(report_text(snapshot, &options, output.file, &err));
	assert_non_null(strstr(output.text, "and 1 more site\n"));
	assert_null(strstr(output.text, "script"));
}

static void test_what_is_not_shown_is_said(void **state)
{
	(void)state;
	OWNED_SNAPSHOT struct snapshot *snapshot = leaky_snapshot();
	OWNED_OUTPUT struct output output = { 0 };
	output_open(&output);
	struct error err;
	snapshot->filtered = (struct snapshot_rest){ .stacks = 1, .live_bytes = 3.5 * 1048576 };
	snapshot->beyond_top = (struct snapshot_rest){ .sites = 7, .stacks = 1234 };
	assert_true(report_text(snapshot, NULL, output.file, &err));
	assert_non_null(
		strstr(output.text, "/min\nwithout 3.5 MiB in 1 stack left out by filters\n"));
	assert_non_null(strstr(output.text, "and 7 more sites\n"));

	/* The total counts what is beyond the top; sums of what is listed do not. */
	char rest[REST_BYTES];
	assert_string_equal(
		rest_text(snapshot, rest),
		"3.5 MiB in 1 stack left out by filters, 0 B in 1,234 stacks beyond the top");
	snapshot->filtered.stacks = 0;
	assert_string_equal(rest_text(snapshot, rest), "0 B in 1,234 stacks beyond the top");
	snapshot->beyond_top.stacks = 0;
	assert_string_equal(rest_text(snapshot, rest), "");

	/* Whatever a capture claims fits. */
	snapshot->filtered = snapshot->beyond_top =
		(struct snapshot_rest){ .stacks = SIZE_MAX, .live_bytes = -1e300 };
	assert_true(strlen(rest_text(snapshot, rest)) < REST_BYTES - 1);
}

static void test_an_empty_snapshot_is_said_to_be_empty(void **state)
{
	(void)state;
	OWNED_PROFILE struct profile *profile = new_profile();
	OWNED_SNAPSHOT struct snapshot *snapshot = take_snapshot(profile, 5, 65536);
	OWNED_OUTPUT struct output output = { 0 };
	output_open(&output);
	struct error err;
	assert_true(report_text(snapshot, NULL, output.file, &err));
	assert_non_null(strstr(output.text, "No live memory was sampled."));
}

static void test_a_report_that_does_not_arrive_is_an_error(void **state)
{
	(void)state;
	OWNED_SNAPSHOT struct snapshot *snapshot = leaky_snapshot();
	OWNED_FILE FILE *full = fopen("/dev/full", "w");
	assert_non_null(full);
	struct error err;
	assert_false(report_text(snapshot, NULL, full, &err));
	assert_int_equal(err.kind, ERROR_FILE);
	assert_non_null(strstr(err.context, "No space left on device"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_report_shows_where_the_memory_is),
		cmocka_unit_test(test_the_report_is_printable_and_a_hundred_columns_wide_at_most),
		cmocka_unit_test(test_figures_have_no_more_digits_than_their_error_allows),
		cmocka_unit_test(test_top_limits_the_sites_and_says_how_many_there_are),
		cmocka_unit_test(test_what_is_not_shown_is_said),
		cmocka_unit_test(test_an_empty_snapshot_is_said_to_be_empty),
		cmocka_unit_test(test_a_report_that_does_not_arrive_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
