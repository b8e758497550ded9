/* SPDX-License-Identifier: MIT */
#include "report/report.h"

#include "tests/unit/report/output.h"

static void write_csv(struct output *output, const struct snapshot *snapshot)
{
	struct error err;
	output_open(output);
	assert_true(report_csv(snapshot, output->file, &err));
}

#define HEADER                                                                                \
	"file,line,function,live_bytes,live_bytes_error,live_blocks,growth_bytes_per_second," \
	"growth_error,oldest_seconds,pymalloc_bytes,malloc_bytes\n"

static void test_each_site_is_a_line_of_named_figures(void **state)
{
	(void)state;
	static const struct frame frame = { "A.f", "/srv/app.py", 11 };
	struct snapshot_site site = {
		.frame = &frame,
		.figures = {
			.live_bytes = { .value = 1000.6, .error = 20.5 },
			.live_blocks = 7.4,
			.growth_bytes_per_second = { .value = -12.25, .error = 0.5 },
			.oldest_seconds = 29.5,
			.kind_live_bytes = { 600.4, 400.4 },
		},
	};
	const struct snapshot snapshot = { .target.python = "", .sites = &site, .site_count = 1 };
	OWNED_OUTPUT struct output output = { 0 };
	write_csv(&output, &snapshot);
	assert_string_equal(output.text, HEADER "\"/srv/app.py\",11,\"A.f\",1001,21,7,"
						"-12.25,0.5,29.5,600,401\n");
}

static void test_no_name_can_leave_its_cell_or_become_a_formula(void **state)
{
	(void)state;
	static const struct frame frames[] = {
		{ "=HYPERLINK(\"x\"),y\n", "+a", 1 },
		{ "@f", "-\"", 2 },
		{ HOSTILE_NAME, "\t=1", 3 },
	};
	struct snapshot_site sites[ARRAY_LEN(frames)] = { { .frame = &frames[0] },
							  { .frame = &frames[1] },
							  { .frame = &frames[2] } };
	const struct snapshot snapshot = {
		.target.python = "",
		.sites = sites,
		.site_count = ARRAY_LEN(sites),
	};
	OWNED_OUTPUT struct output output = { 0 };
	write_csv(&output, &snapshot);
	assert_string_equal(
		output.text,
		HEADER "\"'+a\",1,\"'=HYPERLINK(\"\"x\"\"),y\ufffd\",0,0,0,0,0,0,0,0\n"
		       "\"'-\"\"\",2,\"'@f\",0,0,0,0,0,0,0,0\n"
		       "\"\ufffd=1\",3,\"x\ufffd]0;owned\ufffd\ufffd\ufffd\ufffd</script>\"\"'\\\""
		       ",0,0,0,0,0,0,0,0\n");
}

static void test_a_table_without_sites_has_its_names(void **state)
{
	(void)state;
	const struct snapshot snapshot = { .target.python = "" };
	OWNED_OUTPUT struct output output = { 0 };
	write_csv(&output, &snapshot);
	assert_string_equal(output.text, HEADER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_site_is_a_line_of_named_figures),
		cmocka_unit_test(test_no_name_can_leave_its_cell_or_become_a_formula),
		cmocka_unit_test(test_a_table_without_sites_has_its_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
