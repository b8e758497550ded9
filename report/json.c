/* SPDX-License-Identifier: MIT */
#include "report/report.h"

#include "report/figure.h"
#include "report/json_parts.h"
#include "report/json_value.h"
#include "report/output.h"

static json_t *json_kinds(const struct figures *figures)
{
	int64_t bytes[MEMORY_KIND_COUNT];
	figure_kinds(figures, bytes);
	json_t *kinds = json_object();
	for (int kind = 0; kind < MEMORY_KIND_COUNT; kind++)
		json_object_set_new(kinds, memory_kind_name((enum memory_kind)kind),
				    json_integer(bytes[kind]));
	return kinds;
}

static json_t *json_site(const struct snapshot_site *site)
{
	json_t *ret = json_frame(site->frame);
	json_object_set_new(ret, "kinds", json_kinds(&site->figures));
	json_object_update_new(ret, json_figures(&site->figures));
	json_object_set_new(ret, "oldest_seconds", json_real(site->figures.oldest_seconds));
	return ret;
}

static json_t *json_stack(const struct snapshot_stack *stack, int pid)
{
	json_t *frames = json_array();
	for (size_t i = 0; i < stack->frame_count; i++)
		json_array_append_new(frames, json_frame(stack->frames[i]));

	json_t *ret = json_pack("{s:o, s:b, s:o, s:i, s:s}", "frames", frames, "truncated",
				stack->is_truncated, "thread", json_foreign(stack->thread), "pid",
				pid, "kind", memory_kind_name(stack->kind));
	json_object_update_new(ret, json_figures(&stack->figures));
	json_object_set_new(ret, "oldest_seconds", json_real(stack->figures.oldest_seconds));
	return ret;
}

static bool write_report(const struct snapshot *snapshot, FILE *out, struct error *err)
{
	fprintf(out, "{\"schema\":\"filtrace.report/1\",\"version\":\"%s\"", FILTRACE_VERSION);
	if (!json_write_value(out, ",\n\"target\":", json_target(&snapshot->target), err) ||
	    !json_write_value(out, ",\n\"capture\":", json_capture(&snapshot->capture), err) ||
	    !json_write_value(out, ",\n\"total\":", json_figures(&snapshot->total), err) ||
	    !json_write_value(out, ",\n\"filtered\":", json_rest(&snapshot->filtered), err) ||
	    !json_write_value(out, ",\n\"beyond_top\":", json_rest(&snapshot->beyond_top), err))
		return false;

	fputs(",\n\"sites\":[", out);
	for (size_t i = 0; i < snapshot->site_count; i++) {
		if (!json_write_value(out, i ? ",\n" : "\n", json_site(&snapshot->sites[i]), err))
			return false;
	}
	fputs("],\n\"stacks\":[", out);
	for (size_t i = 0; i < snapshot->stack_count; i++) {
		if (!json_write_value(out, i ? ",\n" : "\n",
				      json_stack(&snapshot->stacks[i], snapshot->target.pid), err))
			return false;
	}
	fputs("]}", out);
	return true;
}

bool report_json(const struct snapshot *snapshot, FILE *out, struct error *err)
{
	if (!write_report(snapshot, out, err))
		return false;
	fputc('\n', out);
	return output_finish(out, err);
}

static json_t *json_limit(const struct limit_result *result)
{
	return json_pack("{s:s, s:f, s:f, s:f, s:f, s:b, s:s, s:o}", "limit",
			 limit_kind_name(result->limit.kind), "value", result->limit.value,
			 "measured", result->measured, "low", result->low, "high", result->high,
			 "exceeded", result->outcome == OUTCOME_LEAK, "outcome",
			 outcome_name(result->outcome), "site",
			 result->site ? json_site(result->site) : json_null());
}

static json_t *json_limits(const struct verdict *verdict)
{
	json_t *limits = json_array();
	for (size_t i = 0; verdict && i < verdict->limit_count; i++)
		json_array_append_new(limits, json_limit(&verdict->limits[i]));
	return limits;
}

bool report_check_json(const struct report_check *check, FILE *out, struct error *err)
{
	const struct verdict *verdict = check->verdict;
	json_t *child = check->child_exit ? json_integer(*check->child_exit) : json_null();
	fprintf(out, "{\"schema\":\"filtrace.check/1\",\"verdict\":\"%s\",\"code\":%d",
		verdict ? outcome_name(verdict->outcome) : "error", check->code);
	if (!json_write_value(out, ",\n\"child\":", json_pack("{s:o}", "exit", child), err) ||
	    !json_write_value(out, ",\n\"limits\":", json_limits(verdict), err))
		return false;
	fputs(",\n\"report\":", out);
	if (!check->snapshot)
		fputs("null", out);
	else if (!write_report(check->snapshot, out, err))
		return false;
	fputs("}\n", out);
	return output_finish(out, err);
}
