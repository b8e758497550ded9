/* SPDX-License-Identifier: MIT */
#include "report/report.h"

#include <time.h>

#include "base/clock.h"
#include "report/figure.h"
#include "report/json_value.h"
#include "report/output.h"

static json_t *json_frame(const struct frame *frame)
{
	return json_pack("{s:o, s:o, s:i}", "function", json_foreign(frame->function), "file",
			 json_foreign(frame->file), "line", frame->line);
}

/* The figures that totals, sites and stacks have in common. */
static json_t *json_figures(const struct figures *figures)
{
	return json_pack("{s:o, s:o, s:o, s:f, s:f}", "live_bytes",
			 json_whole(figures->live_bytes.value), "live_bytes_error",
			 json_whole(figures->live_bytes.error), "live_blocks",
			 json_whole(figures->live_blocks), "growth_bytes_per_second",
			 figures->growth_bytes_per_second.value, "growth_error",
			 figures->growth_bytes_per_second.error);
}

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

/* What is not in the lists. */
static json_t *json_rest(const struct snapshot_rest *rest)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:f}", "sites", json_whole((double)rest->sites),
			 "stacks", json_whole((double)rest->stacks), "live_bytes",
			 json_whole(rest->live_bytes), "live_blocks", json_whole(rest->live_blocks),
			 "growth_bytes_per_second", rest->growth_bytes_per_second);
}

static json_t *json_target(const struct snapshot_target *target)
{
	json_t *command = json_array();
	for (char **argument = target->command; argument && *argument; argument++)
		json_array_append_new(command, json_foreign(*argument));
	return json_pack("{s:i, s:o, s:o, s:b}", "pid", target->pid, "command", command, "python",
			 json_foreign(target->python), "exited", target->has_exited);
}

static json_t *json_capture(const struct snapshot_capture *capture)
{
	char start[32] = "1970-01-01T00:00:00Z";
	time_t seconds = (time_t)(capture->start_realtime_ns / NS_PER_SECOND);
	struct tm utc;
	if (gmtime_r(&seconds, &utc))
		strftime(start, sizeof(start), "%FT%TZ", &utc);
	return json_pack("{s:s, s:f, s:o, s:o, s:o, s:f, s:f, s:f, s:o, s:f}", "start", start,
			 "seconds", capture->seconds, "samples",
			 json_whole((double)capture->samples), "dropped",
			 json_whole((double)capture->dropped), "sample_bytes",
			 json_whole((double)capture->sample_bytes), "stops_per_second",
			 capture->stops_per_second, "stopped_seconds", capture->stopped_seconds,
			 "longest_stop_seconds", capture->longest_stop_seconds, "rss_bytes",
			 json_whole((double)capture->rss_bytes), "rss_growth_bytes_per_second",
			 capture->rss_growth_bytes_per_second);
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
