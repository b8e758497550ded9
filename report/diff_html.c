/* SPDX-License-Identifier: MIT */
#include "report/diff.h"

#include "report/html_page.h"
#include "report/json_value.h"
#include "report/name.h"
#include "report/rest.h"

/* Six digits are enough to draw, and what 100,000 stacks take matters. */
static json_t *json_short(double number)
{
	char text[32];
	snprintf(text, sizeof(text), "%.6g", number);
	return json_real(strtod(text, NULL));
}

/* A row of kind and thread; old value, new value and spread of live bytes and of growth; and the
 * path. report/html/diff.js reads it. */
static json_t *json_row(const struct diff *diff, const struct paths *paths, size_t place,
			int64_t thread)
{
	const struct diff_stack *stack = &diff->stacks[paths->order[place]];
	const struct diff_figure *live = &stack->difference.live;
	const struct diff_figure *growth = &stack->difference.growth;
	json_t *ret =
		json_pack("[i, I, o, o, o, o, o, o]", (int)stack->stack.kind, (json_int_t)thread,
			  json_short(live->sides[SIDE_OLD].value),
			  json_short(live->sides[SIDE_NEW].value), json_short(live->spread),
			  json_short(growth->sides[SIDE_OLD].value),
			  json_short(growth->sides[SIDE_NEW].value), json_short(growth->spread));
	html_page_add_path(paths, place, ret);
	return ret;
}

static bool write_stacks(const struct diff *diff, const struct paths *paths,
			 struct string_table *threads, FILE *out, struct error *err)
{
	fputs(",\n\"stacks\":[", out);
	for (size_t i = 0; i < diff->stack_count; i++) {
		char name[NAME_BYTES];
		int64_t thread;
		name_text(diff->stacks[paths->order[i]].stack.thread, name);
		if (!string_table_add(threads, name, &thread, err) ||
		    !json_write_markup(out, i ? ",\n" : "\n", json_row(diff, paths, i, thread),
				       err))
			return false;
	}
	fputs("]", out);
	return true;
}

static json_t *json_place(const struct frame *frame)
{
	char file[NAME_BYTES];
	if (!frame)
		return json_null();
	return json_pack("[o, s, i]", html_page_name(frame->function), name_path(frame->file, file),
			 frame->line);
}

/* A row of the old place, the new place, old values, new values, errors and what it comes to. */
static json_t *json_site(const struct diff_site *site)
{
	const struct diff_figure *live = &site->difference.live;
	const struct diff_figure *growth = &site->difference.growth;
	return json_pack("{s:o, s:o, s:s, s:f, s:f, s:f, s:f}", "old",
			 json_place(site->frames[SIDE_OLD]), "new",
			 json_place(site->frames[SIDE_NEW]), "change",
			 diff_change_name(site->change), "live", live->difference.value,
			 "live_error", live->difference.error, "growth", growth->difference.value,
			 "growth_error", growth->difference.error);
}

static bool write_sites(const struct diff *diff, FILE *out, struct error *err)
{
	fputs(",\n\"sites\":[", out);
	for (size_t i = 0; i < diff->site_count; i++) {
		if (!json_write_markup(out, i ? ",\n" : "\n", json_site(&diff->sites[i]), err))
			return false;
	}
	fputs("]", out);
	return true;
}

/* What each side may have of anything without a sample of it. */
static json_t *json_unseen(const struct diff *diff)
{
	const struct estimate *live = diff->nothing.live.sides;
	const struct estimate *growth = diff->nothing.growth.sides;
	return json_pack("{s:f, s:f, s:f, s:f}", "liveOld", live[SIDE_OLD].high, "liveNew",
			 live[SIDE_NEW].high, "growthOld", growth[SIDE_OLD].high, "growthNew",
			 growth[SIDE_NEW].high);
}

static json_t *json_side(const struct diff *diff, enum side side)
{
	const struct snapshot *snapshot = diff->snapshots[side];
	char rest[REST_BYTES];
	return json_pack("{s:o, s:o, s:s}", "target", html_page_target(&diff->targets[side]),
			 "capture", html_page_capture(&snapshot->capture), "rest",
			 rest_filtered(snapshot, rest));
}

/* Paths of the stacks, as those of a snapshot. */
static bool find_paths(const struct diff *diff, struct snapshot *ret, struct paths *paths,
		       struct error *err)
{
	ret->stacks = calloc(diff->stack_count + 1, sizeof(*ret->stacks));
	if (!ret->stacks)
		return error_set(err, ERROR_NO_MEMORY, "no memory for the report");
	ret->stack_count = diff->stack_count;
	for (size_t i = 0; i < diff->stack_count; i++)
		ret->stacks[i] = diff->stacks[i].stack;
	return paths_init(paths, ret, err);
}

static void stacks_free(struct snapshot *snapshot)
{
	free(snapshot->stacks);
}

static bool write_data(const struct diff *diff, FILE *out, struct error *err)
{
	OWNED(stacks_free) struct snapshot stacks = { 0 };
	OWNED(paths_deinit) struct paths paths = { 0 };
	OWNED(string_table_deinit) struct string_table threads = { 0 };
	char headline[DIFF_HEADLINE_BYTES];
	report_diff_headline(diff, headline);
	return find_paths(diff, &stacks, &paths, err) &&
	       json_write_markup(out, "{\"headline\":", json_string(headline), err) &&
	       json_write_markup(out, ",\n\"unit\":", json_string(report_diff_unit(diff)), err) &&
	       json_write_markup(out, ",\n\"factor\":", json_real(report_diff_factor(diff)), err) &&
	       json_write_markup(out, ",\n\"unseen\":", json_unseen(diff), err) &&
	       json_write_markup(out, ",\n\"old\":", json_side(diff, SIDE_OLD), err) &&
	       json_write_markup(out, ",\n\"new\":", json_side(diff, SIDE_NEW), err) &&
	       json_write_markup(out,
				 ",\n\"beyond_top\":", json_integer((json_int_t)diff->beyond_top),
				 err) &&
	       json_write_markup(out, ",\n\"kinds\":", html_page_kinds(), err) &&
	       html_page_frames(&paths, out, err) &&
	       write_stacks(diff, &paths, &threads, out, err) && write_sites(diff, out, err) &&
	       json_write_markup(out, ",\n\"threads\":", html_page_threads(&threads), err);
}

bool report_diff_html(const struct diff *diff, FILE *out, struct error *err)
{
	html_page_begin(out);
	return write_data(diff, out, err) && html_page_end(HTML_DIFF, out, err);
}
