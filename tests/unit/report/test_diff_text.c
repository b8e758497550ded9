/* SPDX-License-Identifier: MIT */
#include "tests/unit/report/diffs.h"

static void write_text(struct output *output, const struct diff *diff, bool has_all_sites)
{
	struct error err;
	output_open(output);
	assert_true(report_diff_text(diff, has_all_sites, output->file, &err));
}

static void test_the_answer_comes_first_then_where(void **state)
{
	(void)state;
	static struct version old, new;
	make_leaky_versions(&old, &new, 0);
	OWNED_DIFF struct diff *diff = compare(&old, &new);
	OWNED_OUTPUT struct output output = { 0 };
	write_text(&output, diff, false);
	static const char expected[] =
		"filtrace diff: grows by 2.7 \u00b10.2 MiB/min more than before; 2 sites worse, 1 "
		"better, of 3\n"
		"old  python3 /srv/secret/app.py  pid 41, CPython 3.11.7; 100.0 s from "
		"2026-11-22 12:00:00 UTC\n"
		"new  python3 /srv/secret/app.py  pid 41, CPython 3.11.7; 50.0 s from "
		"2026-11-22 12:00:00 UTC\n"
		"\n"
		"                                             OLD                 NEW              "
		"CHANGE\n"
		"growth per minute                 3.32 \u00b10.12 MiB      6.07 \u00b10.17 MiB    "
		" "
		"  "
		"+2.7 \u00b10.2 MiB\n"
		"live per captured minute            3.1 \u00b10.3 MiB        6.3 \u00b10.6 MiB    "
		" "
		"  "
		"+3.2 \u00b10.7 MiB\n"
		"\n"
		"          OLD/min    NEW/min       GROWTH/min         LIVE/min  SITE\n"
		"worse    2.86 MiB   5.72 MiB    +2.9 \u00b10.2 MiB    +3.1 \u00b10.7 MiB  "
		"/srv/app-v2/views.py:23 render\n"
		"worse         new    350 KiB     +350 \u00b130 KiB     +350 \u00b140 KiB  ";
	if (strncmp(output.text, expected, strlen(expected)) != 0)
		assert_string_equal(output.text, expected);
	assert_non_null(strstr(output.text, "better    470 KiB       gone "));
	assert_non_null(strstr(output.text, "/srv/app-v1/cache.py:7 put\n"));
}

static void test_twenty_lines_are_enough_unless_more_are_asked_for(void **state)
{
	(void)state;
	static struct version old, new;
	make_leaky_versions(&old, &new, 14);
	OWNED_DIFF struct diff *diff = compare(&old, &new);
	OWNED_OUTPUT struct output some = { 0 };
	write_text(&some, diff, false);
	assert_printable(&some, 20);
	assert_non_null(strstr(some.text, "and 7 more sites\n"));

	old.snapshot.filtered = new.snapshot.filtered =
		(struct snapshot_rest){ .stacks = 3, .live_bytes = 2048 };
	OWNED_OUTPUT struct output fewer = { 0 };
	write_text(&fewer, diff, false);
	assert_printable(&fewer, 20);
	assert_non_null(strstr(fewer.text, "\nold  without 2 KiB in 3 stacks left out by"));
	assert_non_null(strstr(fewer.text, "and 9 more sites\n"));

	OWNED_OUTPUT struct output all = { 0 };
	write_text(&all, diff, true);
	assert_printable(&all, 28);
	assert_null(strstr(all.text, "more site"));
	const struct diff_options options = { .top = 16 };
	OWNED_DIFF struct diff *top = compare_with(&old, &new, &options);
	OWNED_OUTPUT struct output one = { 0 };
	write_text(&one, top, true);
	assert_non_null(strstr(one.text, "and 1 more site\n"));
}

static void test_what_may_be_chance_is_called_that(void **state)
{
	(void)state;
	static struct version old, new;
	version_init(&old, 100, 1024);
	version_init(&new, 100, 1024);
	const struct frame frame = { "f", "/a.py", 1 };
	version_add(&old, &frame, 1000, 1000, 600);
	version_add(&new, &frame, 1000, 1100, 600);
	OWNED_DIFF struct diff *diff = compare(&old, &new);
	char headline[DIFF_HEADLINE_BYTES];
	assert_string_equal(
		report_diff_headline(diff, headline),
		"growth may be the same: +10 \u00b150 KiB/min; 0 sites worse, 0 better, of 1");

	OWNED_DIFF struct diff *back = NULL;
	version_add(&old, &frame, 90000, 90000, 600);
	back = compare(&old, &new);
	assert_string_equal(
		report_diff_headline(back, headline),
		"grows by 5.14 \u00b10.06 MiB/min less than before; 0 sites worse, 1 better, of 2");
}

static void test_operations_are_the_unit_everywhere(void **state)
{
	(void)state;
	static struct version old, new;
	make_leaky_versions(&old, &new, 0);
	const struct diff_options options = { .operations = { 1e6, 1e6 } };
	OWNED_DIFF struct diff *diff = compare_with(&old, &new, &options);
	OWNED_OUTPUT struct output output = { 0 };
	write_text(&output, diff, false);
	assert_non_null(strstr(output.text, "B/op"));
	assert_non_null(strstr(output.text, "\ngrowth per operation"));
	assert_non_null(strstr(output.text, "\nlive per operation"));
	assert_non_null(strstr(output.text, "OLD/op"));
	assert_null(strstr(output.text, "min"));
	/* 50 bytes with an error of 2 were 5.0 with one of 0.2. */
	assert_non_null(strstr(output.text, "5.0 B"));
}

static void test_whatever_a_capture_claims_fits(void **state)
{
	(void)state;
	static struct version old, new;
	static char hostile[] = HOSTILE_NAME;
	make_leaky_versions(&old, &new, 1);
	for (int side = 0; side < SIDE_COUNT; side++) {
		struct version *version = side ? &new : &old;
		version->snapshot.target.python = HOSTILE_NAME HOSTILE_NAME;
		version->snapshot.target.pid = 2147483647;
		version->snapshot.target.command[1] = hostile;
		version->snapshot.capture.seconds = 1e300;
		version->snapshot.capture.start_realtime_ns = UINT64_MAX;
		version->snapshot.filtered =
			(struct snapshot_rest){ .stacks = SIZE_MAX, .live_bytes = -1e300 };
		version->sites[0].figures.growth_bytes_per_second = estimate_of(1e308, 1e308);
		version->sites[1].figures.live_bytes = estimate_of(-1e308, 1e307);
	}
	OWNED_DIFF struct diff *diff = compare(&old, &new);
	OWNED_OUTPUT struct output output = { 0 };
	write_text(&output, diff, false);
	assert_printable(&output, 20);

	static struct version empty;
	version_init(&empty, 1, 1024);
	OWNED_DIFF struct diff *none = compare(&empty, &empty);
	OWNED_OUTPUT struct output nothing = { 0 };
	write_text(&nothing, none, false);
	assert_null(strstr(nothing.text, "SITE"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_answer_comes_first_then_where),
		cmocka_unit_test(test_twenty_lines_are_enough_unless_more_are_asked_for),
		cmocka_unit_test(test_what_may_be_chance_is_called_that),
		cmocka_unit_test(test_operations_are_the_unit_everywhere),
		cmocka_unit_test(test_whatever_a_capture_claims_fits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
