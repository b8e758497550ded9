/* SPDX-License-Identifier: MIT */
#include "report/report.h"

#include "report/html_page.h"
#include "report/html_past.h"
#include "report/json_parts.h"
#include "report/json_value.h"
#include "report/name.h"
#include "report/rest.h"

/* A row of kind, thread, live bytes, blocks, growth and age, and the path. report/html/report.js
 * reads it. */
static json_t *json_row(const struct snapshot *snapshot, const struct paths *paths, size_t place,
			int64_t thread)
{
	size_t stack = paths->order[place];
	const struct figures *figures = &snapshot->stacks[stack].figures;
	json_t *ret = json_pack("[i, I, o, o, o, o]", (int)snapshot->stacks[stack].kind,
				(json_int_t)thread, json_whole(figures->live_bytes.value),
				json_whole(figures->live_blocks),
				json_whole(figures->growth_bytes_per_second.value),
				json_whole(figures->oldest_seconds));
	html_page_add_path(paths, place, ret);
	return ret;
}

static bool write_stacks(const struct snapshot *snapshot, const struct paths *paths,
			 struct string_table *threads, FILE *out, struct error *err)
{
	fputs(",\n\"stacks\":[", out);
	for (size_t i = 0; i < snapshot->stack_count; i++) {
		char name[NAME_BYTES];
		int64_t thread;
		name_text(snapshot->stacks[paths->order[i]].thread, name);
		if (!string_table_add(threads, name, &thread, err) ||
		    !json_write_markup(out, i ? ",\n" : "\n", json_row(snapshot, paths, i, thread),
				       err))
			return false;
	}
	fputs("]", out);
	return true;
}

/* The line of source of each frame; "" where it cannot be read. */
static bool write_source(const struct paths *paths, const struct report_source *source, FILE *out,
			 struct error *err)
{
	char line[NAME_SOURCE_BYTES_MAX + 1];
	fputs(",\n\"source\":[", out);
	for (size_t i = 0; i < paths->frames.len; i++) {
		const struct frame *frame = paths_frame(paths, i);
		if (!source->read_line(source->context, frame->file, frame->line, line,
				       sizeof(line)))
			line[0] = '\0';
		if (!json_write_markup(out, i ? ",\n" : "\n", html_page_name(line), err))
			return false;
	}
	fputs("]", out);
	return true;
}

/* Write all of a snapshot, but as rows the stacks of `rows`. */
static bool write_data(const struct snapshot *snapshot, const struct snapshot *rows,
		       const struct html_past *past, const struct report_source *source, FILE *out,
		       struct error *err)
{
	OWNED(paths_deinit) struct paths paths;
	OWNED(string_table_deinit) struct string_table threads = { 0 };
	char rest[REST_BYTES];
	rest_text(snapshot, rest);
	return paths_init(&paths, rows, err) &&
	       json_write_markup(out, "{\"target\":", html_page_target(&snapshot->target), err) &&
	       json_write_markup(out, ",\n\"capture\":", html_page_capture(&snapshot->capture),
				 err) &&
	       json_write_markup(out, ",\n\"total\":", json_figures(&snapshot->total), err) &&
	       json_write_markup(out, ",\n\"rest\":", json_string(rest), err) &&
	       json_write_markup(out, ",\n\"kinds\":", html_page_kinds(), err) &&
	       html_page_frames(&paths, out, err) &&
	       (!source || write_source(&paths, source, out, err)) &&
	       write_stacks(rows, &paths, &threads, out, err) &&
	       (!past || html_past_write(past, &paths, out, err)) &&
	       json_write_markup(out, ",\n\"threads\":", html_page_threads(&threads), err);
}

bool report_html(const struct snapshot *snapshot, const struct report_html_options *options,
		 FILE *out, struct error *err)
{
	static const struct report_html_options nothing;
	OWNED(html_past_deinit) struct html_past chosen = { 0 };
	options = options ? options : &nothing;
	bool has_past = options->past && options->past->timeline->instant_count > 1;
	if (has_past && !html_past_init(&chosen, options->past, err))
		return false;
	html_page_begin(out);
	return write_data(snapshot, has_past ? &chosen.rows : snapshot, has_past ? &chosen : NULL,
			  options->source, out, err) &&
	       html_page_end(HTML_REPORT, out, err);
}
