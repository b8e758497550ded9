/* SPDX-License-Identifier: MIT */
#include "cli/print.h"

#include <unistd.h>

#include "report/report.h"

bool print_report(const struct options *options, enum format otherwise,
		  const struct snapshot *snapshot, FILE *out, struct error *err)
{
	static bool (*const writers[FORMAT_COUNT])(const struct snapshot *snapshot, FILE *out,
						   struct error *err) = {
		[FORMAT_JSON] = report_json,	       [FORMAT_CSV] = report_csv,
		[FORMAT_COLLAPSED] = report_collapsed, [FORMAT_SPEEDSCOPE] = report_speedscope,
		[FORMAT_PPROF] = report_pprof,
	};
	const struct report_text_options text = { .top = (size_t)options->top };
	enum format format = options->format != FORMAT_DEFAULT ? options->format : otherwise;

	if (format == FORMAT_PPROF && isatty(fileno(out)))
		return error_set(err, ERROR_USAGE, "pprof is nothing for a terminal: -o FILE");
	if (format == FORMAT_TEXT)
		return report_text(snapshot, &text, out, err);
	return !writers[format] || writers[format](snapshot, out, err);
}
