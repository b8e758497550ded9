/* SPDX-License-Identifier: MIT */
#include "report/html_page.h"

#include "report/json_value.h"
#include "report/lines.h"
#include "report/name.h"
#include "report/output.h"

/* report/html_parts.S */
extern const char html_begin[], html_app[], html_timeline[], html_report[], html_diff[];

void html_page_begin(FILE *out)
{
	fputs(html_begin, out);
	fputs("<script type=\"application/json\" id=\"data\">\n", out);
}

bool html_page_end(enum html_kind kind, FILE *out, struct error *err)
{
	fputs("}\n</script>\n<script>\n", out);
	fputs(html_app, out);
	if (kind == HTML_REPORT)
		fputs(html_timeline, out);
	fputs(kind == HTML_DIFF ? html_diff : html_report, out);
	fputs("</script>\n</body>\n</html>\n", out);
	return output_finish(out, err);
}

json_t *html_page_name(const char *text)
{
	char name[NAME_BYTES];
	return json_string(name_text(text, name));
}

json_t *html_page_target(const struct snapshot_target *target)
{
	json_t *command = json_array();
	for (char **argument = target->command; argument && *argument; argument++)
		json_array_append_new(command, html_page_name(*argument));
	return json_pack("{s:i, s:o, s:o}", "pid", target->pid, "command", command, "python",
			 html_page_name(target->python));
}

json_t *html_page_capture(const struct snapshot_capture *capture)
{
	char start[LINES_START_BYTES];
	return json_pack("{s:s, s:f, s:o, s:o, s:b}", "start", lines_start(capture, start),
			 "seconds", capture->seconds, "samples",
			 json_whole((double)capture->samples), "dropped",
			 json_whole((double)capture->dropped), "unfinished",
			 capture->is_unfinished);
}

json_t *html_page_kinds(void)
{
	json_t *ret = json_array();
	for (int kind = 0; kind < MEMORY_KIND_COUNT; kind++)
		json_array_append_new(ret, json_string(memory_kind_name((enum memory_kind)kind)));
	return ret;
}

json_t *html_page_threads(const struct string_table *threads)
{
	json_t *ret = json_array();
	const struct known_string *known = NULL;
	while ((known = string_table_next(threads, known)))
		json_array_append_new(ret, json_string(string_table_text(known)));
	return ret;
}

bool html_page_frames(const struct paths *paths, FILE *out, struct error *err)
{
	char file[NAME_BYTES];
	fputs(",\n\"frames\":[", out);
	for (size_t i = 0; i < paths->frames.len; i++) {
		const struct frame *frame = paths_frame(paths, i);
		json_t *json = json_pack("[o, s, i]", html_page_name(frame->function),
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

void html_page_add_path(const struct paths *paths, size_t place, json_t *row)
{
	size_t stack = paths->order[place], len;
	const uint32_t *path = paths_of(paths, stack, &len);
	size_t shared = place ? shared_length(paths, paths->order[place - 1], stack) : 0;
	if (!row)
		return;
	json_array_append_new(row, json_integer((json_int_t)shared));
	for (size_t i = shared; i < len; i++)
		json_array_append_new(row, json_integer(path[i]));
}
