/* SPDX-License-Identifier: MIT */
#include "report/doctor.h"

#include <string.h>

#include "base/text.h"
#include "report/json_value.h"
#include "report/output.h"

/* -- text -- */

enum { NAME_COLUMNS = 14 };

static const char *const marks[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_NO] = "NO",
	[DOCTOR_UNKNOWN] = "?",
};

static void write_check(const struct doctor_check *check, FILE *out)
{
	char text[3 * sizeof(check->text)];
	text_printable(check->text, text, sizeof(text));
	fprintf(out, "  %-2s  %-*s  %s\n", marks[check->state], NAME_COLUMNS, check->name, text);
}

/* The second line of a fix stands under the first. */
static void write_fix(const struct doctor_fix *fix, FILE *out)
{
	const char *label = fix->place;
	for (const char *line = fix->text; *line; label = "") {
		size_t len = strcspn(line, "\n");
		fprintf(out, "      %-*s  %.*s\n", NAME_COLUMNS, label, (int)len, line);
		line += len + (line[len] == '\n');
	}
}

static bool has_unknown(const struct report_doctor *doctor)
{
	for (size_t i = 0; i < doctor->check_count; i++)
		if (doctor->checks[i].state == DOCTOR_UNKNOWN)
			return true;
	return false;
}

static void write_cause(const struct report_doctor *doctor, FILE *out)
{
	char cause[3 * 256];
	text_printable(doctor->cause, cause, sizeof(cause));
	fprintf(out, "cannot attach: %s\n", cause);
	for (size_t i = 0; i < doctor->fix_count; i++)
		write_fix(&doctor->fixes[i], out);
}

static void write_verdict(const struct report_doctor *doctor, FILE *out)
{
	fputs("\n", out);
	if (doctor->cause_name)
		write_cause(doctor, out);
	else if (doctor->pid)
		fprintf(out, "filtrace can attach to process %d\n", doctor->pid);
	else
		fprintf(out, "filtrace can attach to %s\n",
			has_unknown(doctor) ? "some processes here, not to all" : "processes here");
	if (!doctor->pid)
		fprintf(out, "%zu of %zu Python processes can be attached to: see filtrace ps\n",
			doctor->attachable, doctor->pythons);
}

bool report_doctor_text(const struct report_doctor *doctor, FILE *out, struct error *err)
{
	for (size_t i = 0; i < doctor->check_count; i++)
		write_check(&doctor->checks[i], out);
	write_verdict(doctor, out);
	return output_finish(out, err);
}

/* -- JSON -- */

static json_t *json_checks(const struct report_doctor *doctor)
{
	static const char *const states[] = {
		[DOCTOR_OK] = "ok",
		[DOCTOR_NO] = "no",
		[DOCTOR_UNKNOWN] = "unknown",
	};
	json_t *list = json_array();
	for (size_t i = 0; i < doctor->check_count; i++) {
		const struct doctor_check *check = &doctor->checks[i];
		json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "name", check->name,
						      "state", states[check->state], "text",
						      json_foreign(check->text)));
	}
	return list;
}

static json_t *json_cause(const struct report_doctor *doctor)
{
	if (!doctor->cause_name)
		return json_null();
	json_t *fixes = json_object();
	for (size_t i = 0; i < doctor->fix_count; i++) {
		const char *text = doctor->fixes[i].text;
		json_object_set_new(fixes, doctor->fixes[i].place,
				    *text ? json_string(text) : json_null());
	}
	return json_pack("{s:s, s:o, s:o}", "name", doctor->cause_name, "text",
			 json_foreign(doctor->cause), "fixes", fixes);
}

static json_t *json_processes(const struct report_doctor *doctor)
{
	if (doctor->pid)
		return json_null();
	return json_pack("{s:o, s:o}", "python", json_whole((double)doctor->pythons), "attachable",
			 json_whole((double)doctor->attachable));
}

bool report_doctor_json(const struct report_doctor *doctor, FILE *out, struct error *err)
{
	json_t *document =
		json_pack("{s:s, s:s, s:o, s:s, s:i, s:o, s:o, s:o}", "schema", "filtrace.doctor/1",
			  "version", FILTRACE_VERSION, "pid",
			  doctor->pid ? json_integer(doctor->pid) : json_null(), "verdict",
			  doctor->verdict, "code", doctor->code, "checks", json_checks(doctor),
			  "cause", json_cause(doctor), "processes", json_processes(doctor));
	if (!json_write_value(out, "", document, err))
		return false;
	fputs("\n", out);
	return output_finish(out, err);
}
