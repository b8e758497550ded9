/* SPDX-License-Identifier: MIT */
#include "report/diff.h"

#include "report/json_parts.h"
#include "report/json_value.h"
#include "report/output.h"

static json_t *json_side(const struct diff *diff, enum side side)
{
	const struct snapshot *snapshot = diff->snapshots[side];
	return json_pack("{s:o, s:o, s:f, s:o, s:o}", "target", json_target(&diff->targets[side]),
			 "capture", json_capture(&snapshot->capture), "divisor",
			 diff->divisors[side], "total", json_figures(&snapshot->total), "filtered",
			 json_rest(&snapshot->filtered));
}

static json_t *json_figure(const struct diff_figure *figure)
{
	const struct estimate *old = &figure->sides[SIDE_OLD], *new = &figure->sides[SIDE_NEW];
	const struct estimate *difference = &figure->difference;
	return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:b}", "old", old->value,
			 "old_error", old->error, "new", new->value, "new_error", new->error,
			 "difference", difference->value, "difference_error", difference->error,
			 "low", difference->low, "high", difference->high, "significant",
			 difference->low > 0 || difference->high < 0);
}

static json_t *json_difference(const struct diff_figures *figures)
{
	return json_pack("{s:o, s:o}", "growth", json_figure(&figures->growth), "live",
			 json_figure(&figures->live));
}

/* The place of a site on one side, with its figures there. */
static json_t *json_place(const struct diff_site *site, enum side side)
{
	if (!site->frames[side])
		return json_null();
	json_t *ret = json_frame(site->frames[side]);
	json_object_update_new(ret, json_figures(site->figures[side]));
	return ret;
}

static json_t *json_site(const struct diff_site *site)
{
	json_t *ret = json_frame(site->frames[site->frames[SIDE_NEW] ? SIDE_NEW : SIDE_OLD]);
	json_object_set_new(ret, "change", json_string(diff_change_name(site->change)));
	json_object_update_new(ret, json_difference(&site->difference));
	json_object_set_new(ret, "old", json_place(site, SIDE_OLD));
	json_object_set_new(ret, "new", json_place(site, SIDE_NEW));
	return ret;
}

static json_t *json_stack(const struct diff_stack *stack)
{
	json_t *frames = json_array();
	for (size_t i = 0; i < stack->stack.frame_count; i++) {
		const struct frame *frame = stack->stack.frames[i];
		json_array_append_new(frames, json_pack("{s:o, s:o}", "function",
							json_foreign(frame->function), "file",
							json_foreign(frame->file)));
	}
	json_t *ret =
		json_pack("{s:o, s:b, s:o, s:s, s:b, s:b}", "frames", frames, "truncated",
			  stack->stack.is_truncated, "thread", json_foreign(stack->stack.thread),
			  "kind", memory_kind_name(stack->stack.kind), "in_old",
			  stack->is_in[SIDE_OLD], "in_new", stack->is_in[SIDE_NEW]);
	json_object_update_new(ret, json_difference(&stack->difference));
	return ret;
}

static json_t *json_counts(const struct diff *diff)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "worse",
			 (json_int_t)diff->counts[DIFF_WORSE], "better",
			 (json_int_t)diff->counts[DIFF_BETTER], "unclear",
			 (json_int_t)diff->counts[DIFF_UNCLEAR], "only_old",
			 (json_int_t)diff->only_counts[SIDE_OLD], "only_new",
			 (json_int_t)diff->only_counts[SIDE_NEW], "beyond_top",
			 (json_int_t)diff->beyond_top);
}

bool report_diff_json(const struct diff *diff, FILE *out, struct error *err)
{
	fprintf(out, "{\"schema\":\"filtrace.diff/1\",\"version\":\"%s\",\n\"per\":\"%s\"",
		FILTRACE_VERSION, diff->is_per_operation ? "operation" : "second");
	fprintf(out, ",\"change\":\"%s\"", diff_change_name(diff->change));
	if (!json_write_value(out, ",\n\"old\":", json_side(diff, SIDE_OLD), err) ||
	    !json_write_value(out, ",\n\"new\":", json_side(diff, SIDE_NEW), err) ||
	    !json_write_value(out, ",\n\"total\":", json_difference(&diff->total), err) ||
	    !json_write_value(out, ",\n\"counts\":", json_counts(diff), err))
		return false;
	fputs(",\n\"sites\":[", out);
	for (size_t i = 0; i < diff->site_count; i++) {
		if (!json_write_value(out, i ? ",\n" : "\n", json_site(&diff->sites[i]), err))
			return false;
	}
	fputs("],\n\"stacks\":[", out);
	for (size_t i = 0; i < diff->stack_count; i++) {
		if (!json_write_value(out, i ? ",\n" : "\n", json_stack(&diff->stacks[i]), err))
			return false;
	}
	fputs("]}\n", out);
	return output_finish(out, err);
}
