/* SPDX-License-Identifier: MIT */
#include "report/report.h"

#include "tests/unit/report/json_output.h"

static void write_report(struct output *output, const struct snapshot *snapshot)
{
	struct error err;
	output_open(output);
	assert_true(report_json(snapshot, output->file, &err));
}

/* The fields that totals, sites and stacks have in common. */
static void assert_figures(json_t *object, const struct figures *figures)
{
	json_int_t live, error, blocks;
	double growth, growth_error;
	assert_int_equal(json_unpack(object, "{s:I, s:I, s:I, s:F, s:F}", "live_bytes", &live,
				     "live_bytes_error", &error, "live_blocks", &blocks,
				     "growth_bytes_per_second", &growth, "growth_error",
				     &growth_error),
			 0);
	assert_int_equal(live, llround(figures->live_bytes.value));
	assert_int_equal(error, llround(figures->live_bytes.error));
	assert_int_equal(blocks, llround(figures->live_blocks));
	assert_float_equal(growth, figures->growth_bytes_per_second.value, 1e-3);
	assert_float_equal(growth_error, figures->growth_bytes_per_second.error, 1e-3);
}

static void assert_header(json_t *document)
{
	const char *schema, *version, *python, *start;
	int pid, exited;
	json_int_t samples, dropped, sample_bytes;
	double seconds, stops, stopped, longest;
	json_t *command;
	assert_int_equal(
		json_unpack(document,
			    "{s:s, s:s, s:{s:i, s:o, s:s, s:b}, s:{s:s, s:F, s:I, s:I, s:I, s:F,"
			    " s:F, s:F}}",
			    "schema", &schema, "version", &version, "target", "pid", &pid,
			    "command", &command, "python", &python, "exited", &exited, "capture",
			    "start", &start, "seconds", &seconds, "samples", &samples, "dropped",
			    &dropped, "sample_bytes", &sample_bytes, "stops_per_second", &stops,
			    "stopped_seconds", &stopped, "longest_stop_seconds", &longest),
		0);
	assert_string_equal(schema, "filtrace.report/1");
	assert_string_equal(version, FILTRACE_VERSION);
	assert_int_equal(pid, 4121);
	assert_int_equal(json_array_size(command), 2);
	assert_string_equal(python, "3.11.7");
	assert_false(exited);
	assert_string_equal(start, "2026-11-22T12:00:00Z");
	assert_float_equal(seconds, 20, 0);
	assert_int_equal(samples, 5120);
	assert_int_equal(dropped, 3);
	assert_int_equal(sample_bytes, 16384);
	assert_float_equal(stops, 170.2, 1e-9);
	assert_float_equal(stopped, 0.012, 1e-9);
	assert_float_equal(longest, 0.0004, 1e-9);
}

static void assert_site(json_t *object, const struct snapshot_site *site)
{
	const char *function, *file;
	int line;
	json_int_t pymalloc, plain;
	double oldest;
	assert_int_equal(json_unpack(object, "{s:s, s:s, s:i, s:{s:I, s:I}, s:F}", "function",
				     &function, "file", &file, "line", &line, "kinds", "pymalloc",
				     &pymalloc, "malloc", &plain, "oldest_seconds", &oldest),
			 0);
	assert_string_equal(function, "index");
	assert_string_equal(file, "/srv/app.py");
	assert_int_equal(line, 11);
	assert_int_equal(pymalloc + plain, llround(site->figures.live_bytes.value));
	assert_int_equal(pymalloc, llround(site->figures.kind_live_bytes[MEMORY_PYMALLOC]));
	assert_float_equal(oldest, 19.95, 1e-6);
	assert_figures(object, &site->figures);
}

static void assert_stack(json_t *object, const struct snapshot_stack *stack)
{
	const char *thread, *kind, *caller;
	int pid, truncated;
	double oldest;
	json_t *frames;
	assert_int_equal(json_unpack(object, "{s:o, s:b, s:s, s:i, s:s, s:F}", "frames", &frames,
				     "truncated", &truncated, "thread", &thread, "pid", &pid,
				     "kind", &kind, "oldest_seconds", &oldest),
			 0);
	assert_int_equal(json_array_size(frames), 2);
	assert_int_equal(json_unpack(frames, "[{s:s}, {s:s}]", "function", &caller, "function",
				     &caller),
			 0);
	assert_string_equal(caller, "<module>");
	assert_false(truncated);
	assert_string_equal(thread, "MainThread");
	assert_int_equal(pid, 4121);
	assert_string_equal(kind, "pymalloc");
	assert_float_equal(oldest, stack->figures.oldest_seconds, 1e-6);
	assert_figures(object, &stack->figures);
}

static void test_the_report_has_every_field_of_the_contract(void **state)
{
	(void)state;
	OWNED_SNAPSHOT struct snapshot *snapshot = leaky_snapshot();
	OWNED_OUTPUT struct output output = { 0 };
	write_report(&output, snapshot);
	OWNED_JSON json_t *document = parse(&output);
	json_t *sites = json_object_get(document, "sites");
	json_t *stacks = json_object_get(document, "stacks");
	assert_header(document);
	assert_figures(json_object_get(document, "total"), &snapshot->total);
	assert_int_equal(json_array_size(sites), snapshot->site_count);
	assert_site(json_array_get(sites, 0), &snapshot->sites[0]);
	assert_int_equal(json_array_size(stacks), snapshot->stack_count);
	assert_stack(json_array_get(stacks, 0), &snapshot->stacks[0]);
}

static void test_the_report_satisfies_its_schema(void **state)
{
	(void)state;
	OWNED_SNAPSHOT struct snapshot *snapshot = leaky_snapshot();
	OWNED_OUTPUT struct output output = { 0 };
	write_report(&output, snapshot);
	validate(&output, "docs/report.schema.json");
}

static void test_an_empty_report_satisfies_the_schema_too(void **state)
{
	(void)state;
	OWNED_PROFILE struct profile *profile = new_profile();
	OWNED_SNAPSHOT struct snapshot *snapshot = take_snapshot(profile, 0, 65536);
	OWNED_OUTPUT struct output output = { 0 };
	write_report(&output, snapshot);
	validate(&output, "docs/report.schema.json");
}

static void test_hostile_names_become_valid_and_printable(void **state)
{
	(void)state;
	static const char expected[] = "x\ufffd]0;owned\ufffd\ufffd\ufffd\ufffd</script>\"'\\";
	OWNED_SNAPSHOT struct snapshot *snapshot = leaky_snapshot();
	OWNED_OUTPUT struct output output = { 0 };
	write_report(&output, snapshot);
	OWNED_JSON json_t *document = parse(&output);
	json_t *site = json_array_get(json_object_get(document, "sites"), 1);
	assert_string_equal(json_string_value(json_object_get(site, "function")), expected);
	assert_string_equal(json_string_value(json_object_get(site, "file")), expected);
	for (size_t i = 0; i < output.len; i++)
		assert_true(output.text[i] == '\n' || (unsigned char)output.text[i] >= 0x20);
}

static void test_parts_by_kind_add_up_to_the_rounded_sum(void **state)
{
	(void)state;
	static const struct frame frame = { "f", "f.py", 1 };
	struct snapshot_site site = {
		.frame = &frame,
		.figures = { .live_bytes.value = 1, .kind_live_bytes = { 0.5, 0.5 } },
	};
	const struct snapshot snapshot = { .target.python = "", .sites = &site, .site_count = 1 };
	OWNED_OUTPUT struct output output = { 0 };
	write_report(&output, &snapshot);
	OWNED_JSON json_t *document = parse(&output);
	json_int_t pymalloc, plain;
	assert_int_equal(json_unpack(json_array_get(json_object_get(document, "sites"), 0),
				     "{s:{s:I, s:I}}", "kinds", "pymalloc", &pymalloc, "malloc",
				     &plain),
			 0);
	assert_int_equal(pymalloc + plain, 1);
}

static void write_check(struct output *output, const struct report_check *check)
{
	struct error err;
	output_open(output);
	assert_true(report_check_json(check, output->file, &err));
}

static void test_a_check_satisfies_its_schema_and_holds_a_report_that_does(void **state)
{
	(void)state;
	OWNED_SNAPSHOT struct snapshot *snapshot = leaky_snapshot();
	const struct limit limits[] = { { LIMIT_GROWTH, 17476.3 },
					{ LIMIT_SITE_GROWTH, 1e9 },
					{ LIMIT_DELTA, snapshot->total.live_bytes.value } };
	struct verdict verdict;
	verdict_reach(snapshot, limits, ARRAY_LEN(limits), 0.95, &verdict);
	const int child_exit = 3;
	const struct report_check check = {
		.verdict = &verdict,
		.snapshot = snapshot,
		.code = 1,
		.child_exit = &child_exit,
	};
	OWNED_OUTPUT struct output output = { 0 };
	write_check(&output, &check);
	validate(&output, "docs/check.schema.json");

	OWNED_JSON json_t *document = parse(&output);
	const char *schema, *word, *names[3], *function;
	int code, child, exceeded[3];
	double value, measured, low, high;
	json_t *report;
	assert_int_equal(
		json_unpack(document,
			    "{s:s, s:s, s:i, s:{s:i}, s:o, s:[{s:s, s:F, s:F, s:F, s:F, s:b,"
			    " s:{s:s}}, {s:s, s:b}, {s:s, s:b}]}",
			    "schema", &schema, "verdict", &word, "code", &code, "child", "exit",
			    &child, "report", &report, "limits", "limit", &names[0], "value",
			    &value, "measured", &measured, "low", &low, "high", &high, "exceeded",
			    &exceeded[0], "site", "function", &function, "limit", &names[1],
			    "exceeded", &exceeded[1], "limit", &names[2], "exceeded", &exceeded[2]),
		0);
	assert_string_equal(schema, "filtrace.check/1");
	assert_string_equal(word, "leak");
	assert_string_equal(function, "index");
	assert_string_equal(names[0], "--max-growth");
	assert_true(exceeded[0] && !exceeded[1] && !exceeded[2]);
	assert_true(code == 1 && child == 3);
	assert_true(value == 17476.3 && low > value && low < measured && measured < high);

	OWNED_OUTPUT struct output inner = { 0 };
	output_open(&inner);
	assert_int_equal(json_dumpf(report, inner.file, 0), 0);
	fflush(inner.file);
	validate(&inner, "docs/report.schema.json");
}

static void test_a_check_without_a_verdict_is_an_error(void **state)
{
	(void)state;
	const struct report_check check = { .code = 4 };
	OWNED_OUTPUT struct output output = { 0 };
	write_check(&output, &check);
	validate(&output, "docs/check.schema.json");
	OWNED_JSON json_t *document = parse(&output);
	assert_string_equal(json_string_value(json_object_get(document, "verdict")), "error");
	assert_true(json_is_null(json_object_get(json_object_get(document, "child"), "exit")));
	assert_true(json_is_null(json_object_get(document, "report")));
}

static void test_json_that_does_not_arrive_is_an_error(void **state)
{
	(void)state;
	OWNED_SNAPSHOT struct snapshot *snapshot = leaky_snapshot();
	OWNED_FILE FILE *full = fopen("/dev/full", "w");
	assert_non_null(full);
	struct error err;
	assert_false(report_json(snapshot, full, &err));
	assert_int_equal(err.kind, ERROR_FILE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_report_has_every_field_of_the_contract),
		cmocka_unit_test(test_the_report_satisfies_its_schema),
		cmocka_unit_test(test_an_empty_report_satisfies_the_schema_too),
		cmocka_unit_test(test_hostile_names_become_valid_and_printable),
		cmocka_unit_test(test_parts_by_kind_add_up_to_the_rounded_sum),
		cmocka_unit_test(test_a_check_satisfies_its_schema_and_holds_a_report_that_does),
		cmocka_unit_test(test_a_check_without_a_verdict_is_an_error),
		cmocka_unit_test(test_json_that_does_not_arrive_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
