/* SPDX-License-Identifier: MIT */
#include "report/report.h"

#include <inttypes.h>
#include <string.h>

#include "report/figure.h"
#include "report/name.h"
#include "report/output.h"

/* Write a text in quotes. Spreadsheets take what begins with one of =+-@ for a formula, also in
 * quotes; an apostrophe in front of it makes it a text for them. */
static void write_text(const char *text, FILE *out)
{
	fputs(*text && strchr("=+-@", *text) ? "\"'" : "\"", out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void write_site(const struct snapshot_site *site, FILE *out)
{
	const struct figures *figures = &site->figures;
	char name[NAME_BYTES];
	int64_t kinds[MEMORY_KIND_COUNT];
	figure_kinds(figures, kinds);
	write_text(name_path(site->frame->file, name), out);
	fprintf(out, ",%d,", site->frame->line);
	write_text(name_text(site->frame->function, name), out);
	fprintf(out, ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%.15g,%.15g,%.15g",
		figure_whole(figures->live_bytes.value), figure_whole(figures->live_bytes.error),
		figure_whole(figures->live_blocks), figures->growth_bytes_per_second.value,
		figures->growth_bytes_per_second.error, figures->oldest_seconds);
	for (int kind = 0; kind < MEMORY_KIND_COUNT; kind++)
		fprintf(out, ",%" PRId64, kinds[kind]);
	fputc('\n', out);
}

bool report_csv(const struct snapshot *snapshot, FILE *out, struct error *err)
{
	fputs("file,line,function,live_bytes,live_bytes_error,live_blocks,growth_bytes_per_second,"
	      "growth_error,oldest_seconds",
	      out);
	for (int kind = 0; kind < MEMORY_KIND_COUNT; kind++)
		fprintf(out, ",%s_bytes", memory_kind_name((enum memory_kind)kind));
	fputc('\n', out);
	for (size_t i = 0; i < snapshot->site_count; i++)
		write_site(&snapshot->sites[i], out);
	return output_finish(out, err);
}
