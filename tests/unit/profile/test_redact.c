/* SPDX-License-Identifier: MIT */
#include "profile/redact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

static void test_of_a_path_its_needed_end_stays(void **state)
{
	(void)state;
	static const struct {
		const char *path, *left;
	} cases[] = {
		{ "/srv/customer/app/views.py", "app/views.py" },
		{ "/srv/app.py", "srv/app.py" },
		{ "/app.py", "app.py" },
		{ "app.py", "app.py" },
		{ "app/views.py", "app/views.py" },
		{ "/home/alice/app.py", "app.py" },
		{ "/home/alice/shop/app.py", "shop/app.py" },
		{ "/root/app.py", "app.py" },
		{ "/home/alice/venv/lib/python3.11/site-packages/flask/app.py", "flask/app.py" },
		{ "/usr/lib/python3/dist-packages/flask/json/tag.py", "flask/json/tag.py" },
		{ "/usr/lib/python3.11/http/server.py", "http/server.py" },
		{ "/srv/python3.x/app.py", "python3.x/app.py" },
		{ "<frozen importlib._bootstrap>", "<frozen importlib._bootstrap>" },
		{ "", "" },
		{ "/", "" },
		{ "//", "/" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(redact_path(cases[i].path), cases[i].left);
}

static void test_of_a_command_the_program_and_the_script_stay(void **state)
{
	(void)state;
	static const struct {
		char *command[8];
		const char *left;
	} cases[] = {
		{ { "/usr/bin/python3", "/home/alice/app.py" }, "python3 app.py" },
		{ { "python3", "app.py", "--password=secret" }, "python3 app.py \u2026" },
		{ { "python3.11", "-B", "-X", "dev", "-Wx", "app.py" },
		  "python3.11 app.py \u2026" },
		{ { "python3", "-um", "x" }, "python3 \u2026" },
		{ { "python3", "-u", "-m", "http.server", "80" }, "python3 -m http.server \u2026" },
		{ { "python3", "-c", "secret = 1" }, "python3 \u2026" },
		{ { "python3", "-m" }, "python3 \u2026" },
		{ { "python3", "-X" }, "python3 \u2026" },
		{ { "/opt/server", "secret" }, "server \u2026" },
		{ { "/opt/server" }, "server" },
		{ { NULL }, "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *left[REDACTED_ARGUMENTS_MAX];
		char text[128] = "";
		size_t count = redact_command(cases[i].command, left);
		for (size_t j = 0; j < count; j++)
			strcat(strcat(text, j ? " " : ""), left[j]);
		assert_string_equal(text, cases[i].left);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_of_a_path_its_needed_end_stays),
		cmocka_unit_test(test_of_a_command_the_program_and_the_script_stay),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
