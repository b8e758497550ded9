/* SPDX-License-Identifier: MIT */
#include "report/report.h"

#include "tests/unit/report/json_output.h"

static json_t *write_speedscope(const struct snapshot *snapshot)
{
	OWNED_OUTPUT struct output output = { 0 };
	struct error err;
	output_open(&output);
	assert_true(report_speedscope(snapshot, output.file, &err));
	return parse(&output);
}

static json_t *profile_of(json_t *document, size_t number)
{
	json_t *profile = json_array_get(json_object_get(document, "profiles"), number);
	assert_non_null(profile);
	return profile;
}

/* Weights and samples are as many, add up to the end, and name frames that there are. */
static void assert_profile(json_t *document, size_t number, const char *name, const char *unit)
{
	json_t *profile = profile_of(document, number);
	json_t *frames = json_object_get(json_object_get(document, "shared"), "frames");
	const char *found_type, *found_name, *found_unit;
	double start, end, sum = 0;
	json_t *samples, *weights, *value, *frame;
	assert_int_equal(json_unpack(profile, "{s:s, s:s, s:s, s:F, s:F, s:o, s:o}", "type",
				     &found_type, "name", &found_name, "unit", &found_unit,
				     "startValue", &start, "endValue", &end, "samples", &samples,
				     "weights", &weights),
			 0);
	assert_string_equal(found_type, "sampled");
	assert_string_equal(found_name, name);
	assert_string_equal(found_unit, unit);
	assert_int_equal(json_array_size(samples), json_array_size(weights));

	size_t i, j;
	json_array_foreach(weights, i, value)
	{
		assert_true(json_number_value(value) > 0);
		sum += json_number_value(value);
		json_t *sample = json_array_get(samples, i);
		assert_true(json_array_size(sample) > 0);
		json_array_foreach(sample, j, frame)
			assert_in_range(json_integer_value(frame), 0, json_array_size(frames) - 1);
	}
	assert_float_equal(start, 0, 0);
	assert_float_equal(end, sum, 1e-3);
}

static void test_each_measure_is_a_profile_over_the_same_frames(void **state)
{
	(void)state;
	OWNED_SNAPSHOT struct snapshot *snapshot = leaky_snapshot();
	OWNED_JSON json_t *document = write_speedscope(snapshot);
	const char *schema, *name;
	assert_int_equal(json_unpack(document, "{s:s, s:s}", "$schema", &schema, "name", &name), 0);
	assert_string_equal(schema, "https://www.speedscope.app/file-format-schema.json");
	assert_string_equal(name, "python3, pid 4121");
	assert_profile(document, 0, "live bytes", "bytes");
	assert_profile(document, 1, "live blocks", "none");
	assert_profile(document, 2, "growth per second", "bytes");

	/* <module>, index and the hostile one. */
	json_t *frames = json_object_get(json_object_get(document, "shared"), "frames");
	const char *label, *file;
	int line;
	assert_int_equal(json_array_size(frames), 3);
	assert_int_equal(json_unpack(json_array_get(frames, 1), "{s:s, s:s, s:i}", "name", &label,
				     "file", &file, "line", &line),
			 0);
	assert_string_equal(label, "index (app.py:11)");
	assert_string_equal(file, "/srv/app.py");
	assert_int_equal(line, 11);
}

static void test_hostile_names_are_printable(void **state)
{
	(void)state;
	OWNED_SNAPSHOT struct snapshot *snapshot = leaky_snapshot();
	snapshot->target.command[0] = (char[]){ HOSTILE_NAME };
	OWNED_JSON json_t *document = write_speedscope(snapshot);
	json_t *frames = json_object_get(json_object_get(document, "shared"), "frames");
	static const char file[] = "x\ufffd]0;owned\ufffd\ufffd\ufffd\ufffd</script>\"'\\";
	assert_string_equal(json_string_value(json_object_get(json_array_get(frames, 2), "file")),
			    file);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(frames, 2), "name")),
		"x\ufffd]0;owned\ufffd\ufffd\ufffd\ufffd</script>\"'\\ (script>\"'\\:5)");
}

static struct snapshot_stack stack_with_growth(const struct frame *const *frames, double growth)
{
	return (struct snapshot_stack){
		.frames = frames,
		.frame_count = 2,
		.thread = "",
		.figures = { .live_bytes.value = 10, .growth_bytes_per_second.value = growth },
	};
}

static void test_what_shrinks_is_left_out_of_growth_and_counted(void **state)
{
	(void)state;
	static const struct frame inner = { "f", "f.py", 1 }, outer = { "g", "f.py", 2 };
	static const struct frame *const path[] = { &inner, &outer };
	struct snapshot_stack stacks[] = {
		stack_with_growth(path, 5),
		stack_with_growth(path, -7),
		stack_with_growth(path, -8),
	};
	struct snapshot snapshot = {
		.target.python = "",
		.stacks = stacks,
		.stack_count = ARRAY_LEN(stacks),
	};
	OWNED_JSON json_t *document = write_speedscope(&snapshot);
	assert_profile(document, 0, "live bytes", "bytes");
	assert_profile(document, 1, "growth per second, without stacks that shrink (2)", "bytes");

	/* Nothing that grows: no such profile. */
	snapshot.stacks++;
	snapshot.stack_count--;
	OWNED_JSON json_t *shrinking = write_speedscope(&snapshot);
	assert_int_equal(json_array_size(json_object_get(shrinking, "profiles")), 1);
}

static void test_paths_with_equal_outer_frames_stand_together(void **state)
{
	(void)state;
	static const struct frame a = { "a", "f.py", 1 }, b = { "b", "f.py", 2 };
	static const struct frame c = { "c", "f.py", 3 };
	static const struct frame *const paths[][2] = { { &c, &a }, { &c, &b }, { &b, &a } };
	struct snapshot_stack stacks[] = {
		stack_with_growth(paths[0], 1),
		stack_with_growth(paths[1], 1),
		stack_with_growth(paths[2], 1),
	};
	const struct snapshot snapshot = {
		.target.python = "",
		.stacks = stacks,
		.stack_count = ARRAY_LEN(stacks),
	};
	OWNED_JSON json_t *document = write_speedscope(&snapshot);
	int outer[3], inner[3];
	assert_int_equal(json_unpack(profile_of(document, 0), "{s:[[ii], [ii], [ii]]}", "samples",
				     &outer[0], &inner[0], &outer[1], &inner[1], &outer[2],
				     &inner[2]),
			 0);
	assert_int_equal(outer[0], outer[1]);
	assert_int_not_equal(inner[0], inner[1]);
	assert_int_not_equal(outer[1], outer[2]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_measure_is_a_profile_over_the_same_frames),
		cmocka_unit_test(test_hostile_names_are_printable),
		cmocka_unit_test(test_what_shrinks_is_left_out_of_growth_and_counted),
		cmocka_unit_test(test_paths_with_equal_outer_frames_stand_together),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
