/* SPDX-License-Identifier: MIT */
#include "cli/print.h"

#include "report/report.h"

bool print_report(const struct options *options, enum format otherwise,
		  const struct snapshot *snapshot, FILE *out, struct error *err)
{
	const struct report_text_options text = { .top = (size_t)options->top };

	switch (options->format != FORMAT_DEFAULT ? options->format : otherwise) {
	case FORMAT_TEXT:
		return report_text(snapshot, &text, out, err);
	case FORMAT_JSON:
		return report_json(snapshot, out, err);
	case FORMAT_DEFAULT:
		break;
	}
	return true;
}
