/* SPDX-License-Identifier: MIT */
#include "report/report.h"

#include "tests/unit/report/output.h"

static void write_collapsed(struct output *output, const struct snapshot *snapshot)
{
	struct error err;
	output_open(output);
	assert_true(report_collapsed(snapshot, output->file, &err));
}

/* A snapshot of one stack with these frames, innermost first. */
static struct snapshot one_stack(struct snapshot_stack *stack)
{
	return (struct snapshot){ .target.python = "", .stacks = stack, .stack_count = 1 };
}

static void test_each_stack_is_a_line_from_the_outermost_frame_to_its_bytes(void **state)
{
	(void)state;
	OWNED_SNAPSHOT struct snapshot *snapshot = leaky_snapshot();
	OWNED_OUTPUT struct output output = { 0 };
	write_collapsed(&output, snapshot);

	char line[128];
	snprintf(line, sizeof(line), "<module> (/srv/app.py:40);index (/srv/app.py:11) %.0f\n",
		 round(snapshot->stacks[0].figures.live_bytes.value));
	assert_memory_equal(output.text, line, strlen(line));
	size_t lines = 0;
	for (const char *at = output.text; *at; at++)
		lines += *at == '\n';
	assert_int_equal(lines, snapshot->stack_count);
}

static void test_no_name_can_add_a_line_a_frame_or_a_number(void **state)
{
	(void)state;
	static const struct frame frames[] = {
		{ "f; g 7\n8", "a;b 9", 3 },
		{ HOSTILE_NAME, HOSTILE_NAME, 4 },
		{ "native 5", "", 0 },
	};
	const struct frame *const path[] = { &frames[0], &frames[1], &frames[2] };
	struct snapshot_stack stack = {
		.frames = path,
		.frame_count = ARRAY_LEN(path),
		.thread = "",
		.figures.live_bytes.value = 100.4,
	};
	const struct snapshot snapshot = one_stack(&stack);
	OWNED_OUTPUT struct output output = { 0 };
	write_collapsed(&output, &snapshot);
	assert_string_equal(output.text,
			    "native 5 (?);"
			    "x\ufffd]0:owned\ufffd\ufffd\ufffd\ufffd</script>\"'\\"
			    " (x\ufffd]0:owned\ufffd\ufffd\ufffd\ufffd</script>\"'\\:4);"
			    "f: g 7\ufffd8 (a:b 9:3) 100\n");
}

static void test_what_was_not_read_is_said_and_what_rounds_to_nothing_left_out(void **state)
{
	(void)state;
	static const struct frame frame = { "f", "f.py", 1 };
	static const struct frame *const path[] = { &frame };
	struct snapshot_stack stacks[] = {
		{ .frames = path,
		  .frame_count = 1,
		  .is_truncated = true,
		  .thread = "",
		  .figures.live_bytes.value = 1e300 },
		{ .thread = "", .figures.live_bytes.value = 2 },
		{ .frames = path, .frame_count = 1, .thread = "", .figures.live_bytes.value = 0.4 },
	};
	const struct snapshot snapshot = {
		.target.python = "",
		.stacks = stacks,
		.stack_count = ARRAY_LEN(stacks),
	};
	OWNED_OUTPUT struct output output = { 0 };
	write_collapsed(&output, &snapshot);
	assert_string_equal(output.text, "[not read] (?);f (f.py:1) 9007199254740992\n"
					 "[unknown] (?) 2\n");
}

/* Write one frame of long names; its label, without the number. */
static char *write_long(struct output *output, const char *function, const char *file)
{
	const struct frame frame = { function, file, 1 };
	const struct frame *const path[] = { &frame };
	struct snapshot_stack stack = {
		.frames = path,
		.frame_count = 1,
		.thread = "",
		.figures.live_bytes.value = 1,
	};
	const struct snapshot snapshot = one_stack(&stack);
	write_collapsed(output, &snapshot);
	return output->text;
}

static void test_long_names_are_bounded_and_keep_what_matters(void **state)
{
	(void)state;
	enum { LEN = 100000 };
	OWNED_FREE char *function = malloc(LEN + 1);
	OWNED_FREE char *file = malloc(LEN + 1);
	memset(function, 'f', LEN);
	memset(file, '/', LEN);
	memcpy(function, "begin", 5);
	strcpy(function + LEN, "");
	strcpy(file + LEN - 6, "end.py");
	/* A character in the way of each cut. */
	memcpy(function + 1023, "\u00e4", 2);
	memcpy(file + LEN - 1025, "\u00e4", 2);

	OWNED_OUTPUT struct output output = { 0 };
	const char *text = write_long(&output, function, file);
	assert_true(output.len < 2200);
	assert_memory_equal(text, "beginff", 7);
	assert_non_null(strstr(text, "fff\u2026 (\u2026///"));
	assert_non_null(strstr(text, "/end.py:1) 1\n"));
	assert_null(strstr(text, "\ufffd"));

	memset(function, '\xff', LEN);
	OWNED_OUTPUT struct output invalid = { 0 };
	text = write_long(&invalid, function, function);
	assert_true(invalid.len < 2 * 3 * 1024 + 64);
	assert_memory_equal(text, "\ufffd", 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_stack_is_a_line_from_the_outermost_frame_to_its_bytes),
		cmocka_unit_test(test_no_name_can_add_a_line_a_frame_or_a_number),
		cmocka_unit_test(
			test_what_was_not_read_is_said_and_what_rounds_to_nothing_left_out),
		cmocka_unit_test(test_long_names_are_bounded_and_keep_what_matters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
