/* SPDX-License-Identifier: MIT */
#include "report/processes.h"

#include <jansson.h>
#include <locale.h>

#include "base/glyphs.h"
#include "tests/unit/report/output.h"

static char *app[] = { "python3", "app.py", "--name", "a b", NULL };
static char *worker[] = { "/srv/venv/bin/python", "-m", "worker", NULL };
static char *hostile[] = { "python\x1b]0;owned\x07", HOSTILE_NAME, "\u202etxt", NULL };
static char *wide[] = { "python3", "größe", "日本語日本語日本語日本語日本語", NULL };

static const struct report_process several[] = {
	{ .pid = 4121,
	  .python = "3.11.7",
	  .uid = 33,
	  .user = "www-data",
	  .rss_bytes = UINT64_C(1524713390),
	  .uptime_seconds = 6 * 86400.0,
	  .name = "python3",
	  .command = app },
	{ .pid = 812345,
	  .python = "3.6.15",
	  .uid = 1234567,
	  .rss_bytes = 10 << 20,
	  .uptime_seconds = 61.7,
	  .name = "python",
	  .command = worker,
	  .reason = "CPython 3.6 or older is not supported: 3.8 to 3.13 are" },
	{ .pid = 7,
	  .uid = 0,
	  .user = "root",
	  .name = "python3",
	  .reason = "has ended; its parent 1 has not collected it yet" },
};

static void write_text(struct output *output, const struct report_process *list, size_t len,
		       int columns)
{
	struct error err;
	output_open(output);
	assert_true(report_processes_text(list, len, columns, output->file, &err));
}

static void test_the_table_is_aligned_and_gives_reasons(void **state)
{
	(void)state;
	OWNED_OUTPUT struct output output;
	write_text(&output, several, ARRAY_LEN(several), 0);
	assert_string_equal(
		output.text,
		"   PID  PYTHON  USER           RSS  UP  ATTACH  COMMAND\n"
		"  4121  3.11.7  www-data  1.42 GiB  6d  yes     python3 app.py --name a b\n"
		"812345  3.6.15  1234567   10.0 MiB  1m  no      /srv/venv/bin/python -m worker\n"
		"        \u2514 CPython 3.6 or older is not supported: 3.8 to 3.13 are\n"
		"     7  -       root           0 B  0s  no      [python3]\n"
		"        \u2514 has ended; its parent 1 has not collected it yet\n");
}

static void test_commands_are_cut_to_the_terminal_and_reasons_are_not(void **state)
{
	(void)state;
	OWNED_OUTPUT struct output output;
	write_text(&output, several, 2, 66);
	assert_string_equal(
		output.text,
		"   PID  PYTHON  USER           RSS  UP  ATTACH  COMMAND\n"
		"  4121  3.11.7  www-data  1.42 GiB  6d  yes     python3 app.py --\u2026\n"
		"812345  3.6.15  1234567   10.0 MiB  1m  no      /srv/venv/bin/pyt\u2026\n"
		"        \u2514 CPython 3.6 or older is not supported: 3.8 to 3.13 are\n");
}

static void test_no_line_is_wider_than_the_terminal(void **state)
{
	(void)state;
	const struct report_process list[] = {
		{ .pid = 1, .python = "3.12.1", .user = "größenwahn", .command = wide },
		{ .pid = 2, .python = "3.12.1", .user = "日本", .command = app },
	};
	setlocale(LC_CTYPE, "C.UTF-8");
	for (int columns = 66; columns < 90; columns++) {
		OWNED_OUTPUT struct output output;
		write_text(&output, list, ARRAY_LEN(list), columns);
		for (char *line = strtok(output.text, "\n"); line; line = strtok(NULL, "\n"))
			assert_in_range(glyphs_columns(line), 1, columns);
	}
}

static void test_hostile_names_print_harmless(void **state)
{
	(void)state;
	struct report_process process = {
		.pid = 1, .name = "x\x1b[2J", .user = "\x1b[31mred", .reason = "\x1b[2J\nis\tbad"
	};
	for (int i = 0; i < 2; i++) {
		process.command = i ? hostile : NULL;
		OWNED_OUTPUT struct output output;
		write_text(&output, &process, 1, 0);
		size_t lines = 0;
		for (const char *at = output.text; *at; at++) {
			lines += *at == '\n';
			assert_true(*at == '\n' || (unsigned char)*at >= 0x20);
		}
		assert_int_equal(lines, 3);
		assert_null(strstr(output.text, "\u202e"));
		assert_null(strchr(output.text, 0xff));
	}
}

static void test_nothing_is_written_about_nobody(void **state)
{
	(void)state;
	OWNED_OUTPUT struct output output;
	write_text(&output, NULL, 0, 80);
	assert_string_equal(output.text, "");
}

static void test_long_commands_are_whole_without_a_terminal(void **state)
{
	(void)state;
	OWNED_FREE char *argument = malloc(200001);
	assert_non_null(argument);
	memset(argument, '\x1b', 200000);
	argument[200000] = '\0';
	char *command[] = { "python3", argument, "end", NULL };
	const struct report_process process = { .pid = 1, .command = command };
	OWNED_OUTPUT struct output output;
	write_text(&output, &process, 1, 0);
	assert_string_equal(output.text + output.len - 8, "\uFFFD end\n");
	assert_true(output.len > 600000);
}

static void write_json(struct output *output, const struct report_process *list, size_t len)
{
	struct error err;
	output_open(output);
	assert_true(report_processes_json(list, len, output->file, &err));
}

static void test_json_says_what_is_known_and_null_for_the_rest(void **state)
{
	(void)state;
	OWNED_OUTPUT struct output output;
	write_json(&output, several, ARRAY_LEN(several));
	json_t *document = json_loadb(output.text, output.len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(document);

	const char *schema, *python, *user, *argument, *reason;
	json_t *list;
	int pid, attachable;
	json_int_t rss, uid;
	assert_int_equal(json_unpack(document, "{s:s, s:o}", "schema", &schema, "processes", &list),
			 0);
	assert_string_equal(schema, "filtrace.ps/1");
	assert_int_equal(json_array_size(list), 3);
	assert_int_equal(json_unpack(json_array_get(list, 0),
				     "{s:i, s:s, s:I, s:I, s:s, s:[ssss!], s:b, s:n}", "pid", &pid,
				     "python", &python, "rss_bytes", &rss, "uid", &uid, "user",
				     &user, "command", &argument, &argument, &argument, &argument,
				     "attachable", &attachable, "reason"),
			 0);
	assert_int_equal(pid, 4121);
	assert_string_equal(python, "3.11.7");
	assert_int_equal(rss, 1524713390);
	assert_int_equal(uid, 33);
	assert_string_equal(user, "www-data");
	assert_string_equal(argument, "a b");
	assert_true(attachable);
	assert_int_equal(json_unpack(json_array_get(list, 1), "{s:n, s:b, s:s}", "user",
				     "attachable", &attachable, "reason", &reason),
			 0);
	assert_false(attachable);
	assert_string_equal(reason, several[1].reason);
	assert_int_equal(json_unpack(json_array_get(list, 2), "{s:n, s:[!]}", "python", "command"),
			 0);
	json_decref(document);
}

/* Validate a document with Python's jsonschema; skips where that is not installed. */
static void validate(const struct output *output)
{
	if (system("/usr/bin/python3 -c 'import jsonschema' 2>/dev/null") != 0) {
		print_message("python3-jsonschema is not installed\n");
		skip();
	}
	FILE *pipe = popen("/usr/bin/python3 -c 'import json, jsonschema, sys;"
			   " s = json.load(open(\"docs/ps.schema.json\"));"
			   " jsonschema.Draft202012Validator.check_schema(s);"
			   " jsonschema.Draft202012Validator(s).validate(json.load(sys.stdin))'",
			   "w");
	assert_non_null(pipe);
	assert_int_equal(fwrite(output->text, 1, output->len, pipe), output->len);
	assert_int_equal(pclose(pipe), 0);
}

static void test_json_satisfies_its_schema_whatever_the_names(void **state)
{
	(void)state;
	struct report_process list[4];
	memcpy(list, several, sizeof(several));
	list[3] = (struct report_process){
		.pid = 1,
		.uid = UINT32_MAX,
		.name = HOSTILE_NAME,
		.user = HOSTILE_NAME,
		.rss_bytes = UINT64_MAX,
		.command = hostile,
		.reason = HOSTILE_NAME,
	};
	OWNED_OUTPUT struct output output;
	write_json(&output, list, ARRAY_LEN(list));
	validate(&output);
	OWNED_OUTPUT struct output empty;
	write_json(&empty, NULL, 0);
	validate(&empty);
}

static void test_full_disk_is_told(void **state)
{
	(void)state;
	OWNED_FILE FILE *full = fopen("/dev/full", "w");
	assert_non_null(full);
	struct error err = { 0 };
	assert_false(report_processes_text(several, 1, 0, full, &err));
	assert_int_equal(err.kind, ERROR_FILE);
	assert_false(report_processes_json(several, 1, full, &err));
	assert_int_equal(err.kind, ERROR_FILE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_table_is_aligned_and_gives_reasons),
		cmocka_unit_test(test_commands_are_cut_to_the_terminal_and_reasons_are_not),
		cmocka_unit_test(test_no_line_is_wider_than_the_terminal),
		cmocka_unit_test(test_hostile_names_print_harmless),
		cmocka_unit_test(test_nothing_is_written_about_nobody),
		cmocka_unit_test(test_long_commands_are_whole_without_a_terminal),
		cmocka_unit_test(test_json_says_what_is_known_and_null_for_the_rest),
		cmocka_unit_test(test_json_satisfies_its_schema_whatever_the_names),
		cmocka_unit_test(test_full_disk_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
