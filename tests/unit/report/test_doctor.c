/* SPDX-License-Identifier: MIT */
#include "report/doctor.h"

#include <jansson.h>

#include "tests/unit/report/output.h"

static const struct doctor_check checks[] = {
	{ "process", DOCTOR_OK, "python3, 4 threads, state S" },
	{ "user", DOCTOR_NO, "it runs as 0 (root)" },
	{ "Python", DOCTOR_UNKNOWN, "cannot be looked at yet" },
};

static const struct doctor_fix fixes[] = {
	{ "host", "sudo filtrace -p 4121" },
	{ "docker", "" },
	{ "compose", "user: \"0\"\ncap_add: [SYS_PTRACE]" },
	{ "kubernetes", "securityContext: {runAsUser: 0}" },
};

static const struct report_doctor refused = {
	.pid = 4121,
	.code = 3,
	.verdict = "not permitted",
	.checks = checks,
	.check_count = ARRAY_LEN(checks),
	.cause_name = "user",
	.cause = "process 4121 belongs to user 0",
	.fixes = fixes,
	.fix_count = ARRAY_LEN(fixes),
};

static const struct report_doctor fine = {
	.verdict = "attachable",
	.checks = checks,
	.check_count = 1,
	.fixes = fixes,
	.fix_count = ARRAY_LEN(fixes),
	.pythons = 8,
	.attachable = 5,
};

static void write_text(struct output *output, const struct report_doctor *doctor)
{
	struct error err;
	output_open(output);
	assert_true(report_doctor_text(doctor, output->file, &err));
}

static void test_each_check_has_a_line_and_the_cause_its_fixes(void **state)
{
	(void)state;
	OWNED_OUTPUT struct output output;
	write_text(&output, &refused);
	assert_string_equal(output.text, "  ok  process         python3, 4 threads, state S\n"
					 "  NO  user            it runs as 0 (root)\n"
					 "  ?   Python          cannot be looked at yet\n"
					 "\n"
					 "cannot attach: process 4121 belongs to user 0\n"
					 "      host            sudo filtrace -p 4121\n"
					 "      compose         user: \"0\"\n"
					 "                      cap_add: [SYS_PTRACE]\n"
					 "      kubernetes      securityContext: {runAsUser: 0}\n");
}

static void test_where_all_is_well_nothing_is_to_be_fixed(void **state)
{
	(void)state;
	struct report_doctor one = fine;
	OWNED_OUTPUT struct output output;
	write_text(&output, &fine);
	assert_string_equal(output.text,
			    "  ok  process         python3, 4 threads, state S\n"
			    "\n"
			    "filtrace can attach to processes here\n"
			    "5 of 8 Python processes can be attached to: see filtrace ps\n");
	one.pid = 4121;
	OWNED_OUTPUT struct output second;
	write_text(&second, &one);
	assert_non_null(strstr(second.text, "\nfiltrace can attach to process 4121\n"));
	assert_null(strstr(second.text, "Python processes"));
}

static void test_what_is_not_known_is_not_promised(void **state)
{
	(void)state;
	const struct doctor_check unknown = { "user", DOCTOR_UNKNOWN, "others need sudo" };
	struct report_doctor doctor = fine;
	doctor.checks = &unknown;
	OWNED_OUTPUT struct output output;
	write_text(&output, &doctor);
	assert_non_null(strstr(output.text, "can attach to some processes here, not to all\n"));
}

/* Validate a document with Python's jsonschema; skips where that is not installed. */
static void validate(const struct report_doctor *doctor)
{
	OWNED_OUTPUT struct output output;
	struct error err;
	if (system("/usr/bin/python3 -c 'import jsonschema' 2>/dev/null") != 0) {
		print_message("python3-jsonschema is not installed\n");
		skip();
	}
	output_open(&output);
	assert_true(report_doctor_json(doctor, output.file, &err));
	FILE *pipe = popen("/usr/bin/python3 -c 'import json, jsonschema, sys;"
			   " s = json.load(open(\"docs/doctor.schema.json\"));"
			   " jsonschema.Draft202012Validator.check_schema(s);"
			   " jsonschema.Draft202012Validator(s).validate(json.load(sys.stdin))'",
			   "w");
	assert_non_null(pipe);
	assert_int_equal(fwrite(output.text, 1, output.len, pipe), output.len);
	assert_int_equal(pclose(pipe), 0);
}

static void test_json_satisfies_its_schema(void **state)
{
	(void)state;
	struct report_doctor one = fine;
	one.pid = 1;
	validate(&refused);
	validate(&fine);
	validate(&one);
}

static void test_json_tells_the_cause_and_null_where_nothing_helps(void **state)
{
	(void)state;
	OWNED_OUTPUT struct output output;
	struct error err;
	output_open(&output);
	assert_true(report_doctor_json(&refused, output.file, &err));
	json_t *document = json_loadb(output.text, output.len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(document);

	const char *name, *text, *host, *compose, *check_state;
	int pid, code;
	assert_int_equal(json_unpack(document, "{s:i, s:i, s:n, s:{s:s, s:s, s:{s:s, s:n, s:s}}}",
				     "pid", &pid, "code", &code, "processes", "cause", "name",
				     &name, "text", &text, "fixes", "host", &host, "docker",
				     "compose", &compose),
			 0);
	assert_int_equal(pid, 4121);
	assert_int_equal(code, 3);
	assert_string_equal(name, "user");
	assert_string_equal(text, refused.cause);
	assert_string_equal(host, fixes[0].text);
	assert_string_equal(compose, fixes[2].text); /* both lines */
	json_t *list = json_object_get(document, "checks");
	assert_int_equal(json_array_size(list), 3);
	assert_int_equal(json_unpack(json_array_get(list, 1), "{s:s}", "state", &check_state), 0);
	assert_string_equal(check_state, "no");
	json_decref(document);
}

static void test_hostile_names_print_harmless(void **state)
{
	(void)state;
	struct doctor_check check = { .name = "process" };
	struct report_doctor doctor = refused;
	snprintf(check.text, sizeof(check.text), "%s", HOSTILE_NAME);
	doctor.checks = &check;
	doctor.check_count = 1;
	doctor.cause = HOSTILE_NAME;
	OWNED_OUTPUT struct output output;
	write_text(&output, &doctor);
	for (const char *at = output.text; *at; at++)
		assert_true(*at == '\n' || (unsigned char)*at >= 0x20);
	assert_null(strchr(output.text, 0xff));
	validate(&doctor);
}

static void test_full_disk_is_told(void **state)
{
	(void)state;
	OWNED_FILE FILE *full = fopen("/dev/full", "w");
	assert_non_null(full);
	struct error err = { 0 };
	assert_false(report_doctor_text(&refused, full, &err));
	assert_int_equal(err.kind, ERROR_FILE);
	assert_false(report_doctor_json(&refused, full, &err));
	assert_int_equal(err.kind, ERROR_FILE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_check_has_a_line_and_the_cause_its_fixes),
		cmocka_unit_test(test_where_all_is_well_nothing_is_to_be_fixed),
		cmocka_unit_test(test_what_is_not_known_is_not_promised),
		cmocka_unit_test(test_json_satisfies_its_schema),
		cmocka_unit_test(test_json_tells_the_cause_and_null_where_nothing_helps),
		cmocka_unit_test(test_hostile_names_print_harmless),
		cmocka_unit_test(test_full_disk_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
