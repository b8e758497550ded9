/* SPDX-License-Identifier: MIT */
#include "report/report.h"

#include <time.h>

#include "base/clock.h"
#include "report/figure.h"
#include "report/json_value.h"
#include "report/name.h"
#include "report/output.h"
#include "report/paths.h"
#include "report/rest.h"
#include "report/string_table.h"

/* report/html_parts.S */
extern const char html_begin[], html_app[];

static json_t *json_name(const char *text)
{
	char name[NAME_BYTES];
	return json_string(name_text(text, name));
}

static json_t *json_target(const struct snapshot_target *target)
{
	json_t *command = json_array();
	for (char **argument = target->command; argument && *argument; argument++)
		json_array_append_new(command, json_name(*argument));
	return json_pack("{s:i, s:o, s:o}", "pid", target->pid, "command", command, "python",
			 json_name(target->python));
}

static json_t *json_capture(const struct snapshot_capture *capture)
{
	char start[32] = "?";
	time_t seconds = (time_t)(capture->start_realtime_ns / NS_PER_SECOND);
	struct tm utc;
	if (gmtime_r(&seconds, &utc))
		strftime(start, sizeof(start), "%F %T UTC", &utc);
	return json_pack("{s:s, s:f, s:o, s:o}", "start", start, "seconds", capture->seconds,
			 "samples", json_whole((double)capture->samples), "dropped",
			 json_whole((double)capture->dropped));
}

static json_t *json_total(const struct figures *total)
{
	return json_pack("{s:o, s:o, s:o, s:f, s:f}", "live_bytes",
			 json_whole(total->live_bytes.value), "live_bytes_error",
			 json_whole(total->live_bytes.error), "live_blocks",
			 json_whole(total->live_blocks), "growth_bytes_per_second",
			 total->growth_bytes_per_second.value, "growth_error",
			 total->growth_bytes_per_second.error);
}

static json_t *json_kinds(void)
{
	json_t *ret = json_array();
	for (int kind = 0; kind < MEMORY_KIND_COUNT; kind++)
		json_array_append_new(ret, json_string(memory_kind_name((enum memory_kind)kind)));
	return ret;
}

static bool write_frames(const struct paths *paths, FILE *out, struct error *err)
{
	char file[NAME_BYTES];
	fputs(",\n\"frames\":[", out);
	for (size_t i = 0; i < paths->frames.len; i++) {
		const struct frame *frame = paths_frame(paths, i);
		json_t *json = json_pack("[o, s, i]", json_name(frame->function),
					 name_path(frame->file, file), frame->line);
		if (!json_write_markup(out, i ? ",\n" : "\n", json, err))
			return false;
	}
	fputs("]", out);
	return true;
}

static size_t shared_length(const struct paths *paths, size_t left, size_t right)
{
	size_t left_len, right_len, shared = 0;
	const uint32_t *left_path = paths_of(paths, left, &left_len);
	const uint32_t *right_path = paths_of(paths, right, &right_len);
	while (shared < left_len && shared < right_len && left_path[shared] == right_path[shared])
		shared++;
	return shared;
}

/* A row of kind, thread, live bytes, blocks, growth, age; how many outer frames are those of the
 * row before; and the other frames. report/html/app.js reads it. */
static json_t *json_row(const struct snapshot *snapshot, const struct paths *paths, size_t place,
			int64_t thread)
{
	size_t stack = paths->order[place], len;
	const struct figures *figures = &snapshot->stacks[stack].figures;
	const uint32_t *path = paths_of(paths, stack, &len);
	size_t shared = place ? shared_length(paths, paths->order[place - 1], stack) : 0;
	json_t *ret = json_pack("[i, I, o, o, o, o, I]", (int)snapshot->stacks[stack].kind,
				(json_int_t)thread, json_whole(figures->live_bytes.value),
				json_whole(figures->live_blocks),
				json_whole(figures->growth_bytes_per_second.value),
				json_whole(figures->oldest_seconds), (json_int_t)shared);
	for (size_t i = shared; ret && i < len; i++)
		json_array_append_new(ret, json_integer(path[i]));
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

static json_t *json_threads(const struct string_table *threads)
{
	json_t *ret = json_array();
	const struct known_string *known = NULL;
	while ((known = string_table_next(threads, known)))
		json_array_append_new(ret, json_string(string_table_text(known)));
	return ret;
}

static bool write_data(const struct snapshot *snapshot, FILE *out, struct error *err)
{
	OWNED(paths_deinit) struct paths paths;
	OWNED(string_table_deinit) struct string_table threads = { 0 };
	char rest[REST_BYTES];
	rest_text(snapshot, rest);
	return paths_init(&paths, snapshot, err) &&
	       json_write_markup(out, "{\"target\":", json_target(&snapshot->target), err) &&
	       json_write_markup(out, ",\n\"capture\":", json_capture(&snapshot->capture), err) &&
	       json_write_markup(out, ",\n\"total\":", json_total(&snapshot->total), err) &&
	       json_write_markup(out, ",\n\"rest\":", json_string(rest), err) &&
	       json_write_markup(out, ",\n\"kinds\":", json_kinds(), err) &&
	       write_frames(&paths, out, err) &&
	       write_stacks(snapshot, &paths, &threads, out, err) &&
	       json_write_markup(out, ",\n\"threads\":", json_threads(&threads), err);
}

bool report_html(const struct snapshot *snapshot, FILE *out, struct error *err)
{
	fputs(html_begin, out);
	fputs("<script type=\"application/json\" id=\"data\">\n", out);
	if (!write_data(snapshot, out, err))
		return false;
	fputs("}\n</script>\n<script>\n", out);
	fputs(html_app, out);
	fputs("</script>\n</body>\n</html>\n", out);
	return output_finish(out, err);
}
