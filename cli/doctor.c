/* SPDX-License-Identifier: MIT */
#include "cli/verbs.h"

#include "cli/doctor_checks.h"

bool doctor_run(const struct options *options, enum exit_code *ret, struct error *err)
{
	struct doctor_facts facts;
	struct doctor_diagnosis diagnosis;
	struct report_doctor doctor;
	if (!doctor_facts_read(options->pid, &facts, err))
		return false;

	doctor_judge(&facts, &diagnosis);
	doctor_describe(&facts, &diagnosis, &doctor);
	*ret = diagnosis.code;
	return options->format == FORMAT_JSON ? report_doctor_json(&doctor, stdout, err)
					      : report_doctor_text(&doctor, stdout, err);
}
