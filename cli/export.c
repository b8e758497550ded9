/* SPDX-License-Identifier: MIT */
#include "cli/export.h"

#include <string.h>

#include "cli/output_file.h"
#include "cli/output_name.h"
#include "cli/print.h"

/* The first that fits counts. */
static const struct {
	const char *ending;
	enum format format;
} endings[] = {
	{ ".html", FORMAT_HTML },
	{ ".pb.gz", FORMAT_PPROF },
	{ ".speedscope.json", FORMAT_SPEEDSCOPE },
	{ ".json", FORMAT_JSON },
	{ ".csv", FORMAT_CSV },
	{ ".txt", FORMAT_TEXT },
	{ ".folded", FORMAT_COLLAPSED },
	{ ".collapsed", FORMAT_COLLAPSED },
};

bool export_format(const char *file, enum format *ret, struct error *err)
{
	size_t len = strlen(file);
	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		size_t ending_len = strlen(endings[i].ending);
		if (len < ending_len || strcmp(file + len - ending_len, endings[i].ending) != 0)
			continue;
		*ret = endings[i].format;
		return true;
	}
	return error_set(err, ERROR_USAGE,
			 "the name must end in .html .txt .json .csv .pb.gz .folded "
			 ".speedscope.json");
}

bool export_write(const struct options *options, const struct snapshot *snapshot, const char *file,
		  bool is_forced, char *name_ret, size_t size, struct error *err)
{
	enum format format;
	struct options quiet = *options;
	quiet.is_quiet = true;
	OWNED_FILE FILE *out = NULL;
	return export_format(file, &format, err) &&
	       output_name_make(file, snapshot->target.pid, name_ret, size, err) &&
	       (!is_forced || output_name_check(name_ret, true, err)) &&
	       output_file_create_at(name_ret, is_forced, &out, err) &&
	       print_report(&quiet, format, snapshot, out, err);
}
