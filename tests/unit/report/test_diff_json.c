/* SPDX-License-Identifier: MIT */
#include "tests/unit/report/diffs.h"
#include "tests/unit/report/json_output.h"

static json_t *write_json(struct output *output, const struct diff *diff)
{
	struct error err;
	output_open(output);
	assert_true(report_diff_json(diff, output->file, &err));
	return parse(output);
}

static void assert_figure(json_t *object, const char *name, const struct diff_figure *figure)
{
	double old, old_error, new, new_error, difference, difference_error, low, high;
	int is_significant;
	assert_int_equal(json_unpack(json_object_get(object, name),
				     "{s:F, s:F, s:F, s:F, s:F, s:F, s:F, s:F, s:b!}", "old", &old,
				     "old_error", &old_error, "new", &new, "new_error", &new_error,
				     "difference", &difference, "difference_error",
				     &difference_error, "low", &low, "high", &high, "significant",
				     &is_significant),
			 0);
	assert_float_equal(old, figure->sides[SIDE_OLD].value, 1e-6);
	assert_float_equal(old_error, figure->sides[SIDE_OLD].error, 1e-6);
	assert_float_equal(new, figure->sides[SIDE_NEW].value, 1e-6);
	assert_float_equal(new_error, figure->sides[SIDE_NEW].error, 1e-6);
	assert_float_equal(difference, new - old, 1e-6);
	assert_float_equal(difference_error, fmax(high - difference, difference - low), 1e-6);
	assert_float_equal(low, figure->difference.low, 1e-6);
	assert_float_equal(high, figure->difference.high, 1e-6);
	assert_int_equal(is_significant, low > 0 || high < 0);
}

static void test_a_diff_has_both_sides_and_what_is_between_them(void **state)
{
	(void)state;
	static struct version old, new;
	make_leaky_versions(&old, &new, 2);
	OWNED_DIFF struct diff *diff = compare(&old, &new);
	OWNED_OUTPUT struct output output = { 0 };
	OWNED_JSON json_t *document = write_json(&output, diff);
	validate(&output, "docs/diff.schema.json");

	const char *schema, *per, *change, *file, *old_file;
	double divisor;
	int pid, worse, line, old_line;
	json_t *total, *sites, *stacks;
	assert_int_equal(json_unpack(document,
				     "{s:s, s:s, s:s, s:{s:F, s:{s:i}}, s:o, s:{s:i}, s:o, s:o}",
				     "schema", &schema, "per", &per, "change", &change, "new",
				     "divisor", &divisor, "target", "pid", &pid, "total", &total,
				     "counts", "worse", &worse, "sites", &sites, "stacks", &stacks),
			 0);
	assert_string_equal(schema, "filtrace.diff/1");
	assert_string_equal(per, "second");
	assert_string_equal(change, "worse");
	assert_float_equal(divisor, 50, 0);
	assert_int_equal(pid, 41);
	assert_int_equal(worse, 2);
	assert_figure(total, "growth", &diff->total.growth);
	assert_figure(total, "live", &diff->total.live);

	json_t *site = json_array_get(sites, 0);
	assert_int_equal(json_unpack(site, "{s:s, s:s, s:i, s:{s:s, s:i}}", "change", &change,
				     "file", &file, "line", &line, "old", "file", &old_file, "line",
				     &old_line),
			 0);
	assert_string_equal(change, "worse");
	assert_string_equal(file, "/srv/app-v2/views.py");
	assert_string_equal(old_file, "/srv/app-v1/views.py");
	assert_true(line == 23 && old_line == 20);
	assert_figure(site, "growth", &diff->sites[0].difference.growth);
	assert_figure(site, "live", &diff->sites[0].difference.live);
	assert_int_equal(json_array_size(sites), diff->site_count);
	assert_true(json_is_null(json_object_get(json_array_get(sites, 1), "old")));
	assert_true(json_is_null(json_object_get(json_array_get(sites, 2), "new")));

	json_t *stack = json_array_get(stacks, 0);
	assert_int_equal(json_array_size(stacks), diff->stack_count);
	assert_int_equal(json_array_size(json_object_get(stack, "frames")), 2);
	assert_figure(stack, "growth", &diff->stacks[0].difference.growth);
}

static void test_empty_endless_and_hostile_diffs_satisfy_the_schema_too(void **state)
{
	(void)state;
	static struct version old, new;
	version_init(&old, 1, 1024);
	version_init(&new, 1, 1024);
	OWNED_DIFF struct diff *none = compare(&old, &new);
	OWNED_OUTPUT struct output empty = { 0 };
	OWNED_JSON json_t *nothing = write_json(&empty, none);
	assert_int_equal(json_array_size(json_object_get(nothing, "sites")), 0);
	validate(&empty, "docs/diff.schema.json");

	make_leaky_versions(&old, &new, 1);
	new.snapshot.target.python = HOSTILE_NAME;
	new.stacks[1].thread = HOSTILE_NAME;
	new.sites[0].figures.growth_bytes_per_second = estimate_of(1.7e308, 1.7e308);
	old.sites[0].figures.growth_bytes_per_second = estimate_of(-1.7e308, 1.7e308);
	OWNED_DIFF struct diff *diff = compare(&old, &new);
	OWNED_OUTPUT struct output output = { 0 };
	OWNED_JSON json_t *document = write_json(&output, diff);
	validate(&output, "docs/diff.schema.json");
	for (size_t i = 0; i < output.len; i++)
		assert_true(output.text[i] == '\n' || (unsigned char)output.text[i] >= 0x20);
}

static json_t *write_page(const struct diff *diff)
{
	OWNED_OUTPUT struct output output = { 0 };
	struct error err;
	output_open(&output);
	assert_true(report_diff_html(diff, output.file, &err));
	assert_memory_equal(output.text, "<!DOCTYPE html>\n", 16);
	assert_non_null(strstr(output.text, "startPage({"));
	assert_null(strstr(strstr(output.text, "startPage({") + 1, "startPage({"));
	return page_data(&output);
}

static void test_a_page_has_rows_of_both_sides(void **state)
{
	(void)state;
	enum { VALUES = 8 };
	static struct version old, new;
	make_leaky_versions(&old, &new, 1);
	OWNED_DIFF struct diff *diff = compare(&old, &new);
	OWNED_JSON json_t *document = write_page(diff);
	json_t *frames = json_object_get(document, "frames"), *row;
	size_t i, path[8], len = 0, rows = 0;
	json_array_foreach(json_object_get(document, "stacks"), i, row)
	{
		assert_true(json_array_size(row) > VALUES + 1);
		double growth_old = json_number_value(json_array_get(row, 5));
		double growth_new = json_number_value(json_array_get(row, 6));
		json_int_t shared = json_integer_value(json_array_get(row, VALUES));
		assert_in_range(shared, 0, len);
		len = (size_t)shared;
		for (size_t j = VALUES + 1; j < json_array_size(row); j++)
			path[len++] = (size_t)json_integer_value(json_array_get(row, j));
		json_t *leaf = json_array_get(frames, path[len - 1]);
		assert_int_equal(json_integer_value(json_array_get(leaf, 2)), 0);
		const char *name = json_string_value(json_array_get(leaf, 0));
		if (strcmp(name, "render") == 0) {
			assert_int_equal(len, 2);
			assert_float_equal(growth_old, 50000, 1e-6);
			assert_float_equal(growth_new, 100000, 1e-6);
			rows++;
		}
	}
	assert_int_equal(rows, 1);
	assert_int_equal(i, 4);
	const char *headline = json_string_value(json_object_get(document, "headline"));
	assert_non_null(strstr(headline, "more than before"));
	assert_int_equal(json_array_size(json_object_get(document, "sites")), 4);
}

static void test_an_empty_diff_is_a_page_too(void **state)
{
	(void)state;
	static struct version version;
	version_init(&version, 1, 1024);
	OWNED_DIFF struct diff *diff = compare(&version, &version);
	OWNED_JSON json_t *document = write_page(diff);
	assert_int_equal(json_array_size(json_object_get(document, "stacks")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_diff_has_both_sides_and_what_is_between_them),
		cmocka_unit_test(test_empty_endless_and_hostile_diffs_satisfy_the_schema_too),
		cmocka_unit_test(test_a_page_has_rows_of_both_sides),
		cmocka_unit_test(test_an_empty_diff_is_a_page_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
