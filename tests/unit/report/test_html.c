/* SPDX-License-Identifier: MIT */
#include "report/report.h"

#include "report/path.h"
#include "tests/unit/report/json_output.h"

static json_t *write_html(const struct snapshot *snapshot)
{
	OWNED_OUTPUT struct output output = { 0 };
	struct error err;
	output_open(&output);
	assert_true(report_html(snapshot, NULL, output.file, &err));
	return page_data(&output);
}

static void test_a_page_is_whole_and_has_one_place_for_data(void **state)
{
	(void)state;
	OWNED_SNAPSHOT struct snapshot *snapshot = leaky_snapshot();
	OWNED_OUTPUT struct output output = { 0 };
	struct error err;
	output_open(&output);
	assert_true(report_html(snapshot, NULL, output.file, &err));
	static const char doctype[] = "<!DOCTYPE html>\n";
	static const char last[] = "</script>\n</body>\n</html>\n";
	assert_memory_equal(output.text, doctype, strlen(doctype));
	assert_string_equal(output.text + output.len - strlen(last), last);
	size_t scripts = 0;
	for (const char *at = output.text; (at = strstr(at, "<script")); at++)
		scripts++;
	assert_int_equal(scripts, 2);
}

static json_t *member(json_t *object, const char *name)
{
	json_t *ret = json_object_get(object, name);
	assert_non_null(ret);
	return ret;
}

static void test_rows_share_outer_frames_with_the_one_before(void **state)
{
	(void)state;
	enum { SHARED = 6 };
	static const struct frame a = { "a", "f.py", 1 }, b = { "b", "f.py", 2 };
	static const struct frame c = { "c", "f.py", 3 }, d = { "d", "f.py", 4 };
	static const struct frame *const paths[][3] = {
		{ &c, &b, &a }, { &d, &c, &b }, { &d, &b, &a }, { &d, &c, &a }
	};
	struct snapshot_stack stacks[ARRAY_LEN(paths)];
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		stacks[i] = (struct snapshot_stack){
			.frames = paths[i],
			.frame_count = 3,
			.kind = i % MEMORY_KIND_COUNT,
			.thread = i ? "worker" : "main",
			.figures = { .live_bytes.value = 100 - (double)i,
				     .live_blocks = 3,
				     .growth_bytes_per_second.value = -2,
				     .oldest_seconds = 7 },
		};
	const struct snapshot snapshot = {
		.target.python = "",
		.stacks = stacks,
		.stack_count = ARRAY_LEN(stacks),
	};
	OWNED_JSON json_t *document = write_html(&snapshot);

	/* As the page does it. */
	const char *path[8];
	size_t len = 0, i, found = 0;
	json_t *row, *frames = member(document, "frames"), *threads = member(document, "threads");
	json_array_foreach(member(document, "stacks"), i, row)
	{
		int kind, thread, live, blocks, growth, oldest, shared;
		assert_int_equal(json_unpack(row, "[i, i, i, i, i, i, i]", &kind, &thread, &live,
					     &blocks, &growth, &oldest, &shared),
				 0);
		assert_in_range(shared, 0, len);
		len = (size_t)shared;
		for (size_t j = SHARED + 1; j < json_array_size(row); j++) {
			size_t number = (size_t)json_integer_value(json_array_get(row, j));
			path[len++] = json_string_value(
				json_array_get(json_array_get(frames, number), 0));
		}
		size_t stack = 100 - (size_t)live;
		assert_in_range(stack, 0, ARRAY_LEN(stacks) - 1);
		assert_int_equal(len, 3);
		for (size_t j = 0; j < len; j++)
			assert_string_equal(path[j], paths[stack][2 - j]->function);
		assert_int_equal(kind, stacks[stack].kind);
		assert_string_equal(json_string_value(json_array_get(threads, (size_t)thread)),
				    stacks[stack].thread);
		assert_int_equal(blocks, 3);
		assert_int_equal(growth, -2);
		assert_int_equal(oldest, 7);
		found |= (size_t)1 << stack;
	}
	assert_int_equal(found, 15);
}

static void test_no_name_can_leave_its_place(void **state)
{
	(void)state;
	static const char expected[] = "x\ufffd]0;owned\ufffd\ufffd\ufffd\ufffd</script>\"'\\";
	OWNED_SNAPSHOT struct snapshot *snapshot = leaky_snapshot();
	snapshot->target.python = HOSTILE_NAME;
	snapshot->target.command[0] = (char[]){ HOSTILE_NAME };
	for (size_t i = 0; i < snapshot->stack_count; i++)
		snapshot->stacks[i].thread = HOSTILE_NAME "<!--&amp;";
	OWNED_JSON json_t *document = write_html(snapshot);
	json_t *target = member(document, "target");
	assert_string_equal(json_string_value(member(target, "python")), expected);
	assert_string_equal(json_string_value(json_array_get(member(target, "command"), 0)),
			    expected);
	const char *thread = json_string_value(json_array_get(member(document, "threads"), 0));
	assert_string_equal(thread + strlen(thread) - 9, "<!--&amp;");
}

static void test_an_empty_snapshot_is_a_page_too(void **state)
{
	(void)state;
	const struct snapshot snapshot = { .target.python = "" };
	OWNED_JSON json_t *document = write_html(&snapshot);
	assert_int_equal(json_array_size(member(document, "stacks")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_page_is_whole_and_has_one_place_for_data),
		cmocka_unit_test(test_rows_share_outer_frames_with_the_one_before),
		cmocka_unit_test(test_no_name_can_leave_its_place),
		cmocka_unit_test(test_an_empty_snapshot_is_a_page_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
