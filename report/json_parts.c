/* SPDX-License-Identifier: MIT */
#include "report/json_parts.h"

#include <time.h>

#include "base/clock.h"
#include "report/json_value.h"

json_t *json_frame(const struct frame *frame)
{
	return json_pack("{s:o, s:o, s:i}", "function", json_foreign(frame->function), "file",
			 json_foreign(frame->file), "line", frame->line);
}

json_t *json_figures(const struct figures *figures)
{
	return json_pack("{s:o, s:o, s:o, s:f, s:f}", "live_bytes",
			 json_whole(figures->live_bytes.value), "live_bytes_error",
			 json_whole(figures->live_bytes.error), "live_blocks",
			 json_whole(figures->live_blocks), "growth_bytes_per_second",
			 figures->growth_bytes_per_second.value, "growth_error",
			 figures->growth_bytes_per_second.error);
}

json_t *json_rest(const struct snapshot_rest *rest)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:f}", "sites", json_whole((double)rest->sites),
			 "stacks", json_whole((double)rest->stacks), "live_bytes",
			 json_whole(rest->live_bytes), "live_blocks", json_whole(rest->live_blocks),
			 "growth_bytes_per_second", rest->growth_bytes_per_second);
}

json_t *json_target(const struct snapshot_target *target)
{
	json_t *command = json_array();
	for (char **argument = target->command; argument && *argument; argument++)
		json_array_append_new(command, json_foreign(*argument));
	return json_pack("{s:i, s:o, s:o, s:b}", "pid", target->pid, "command", command, "python",
			 json_foreign(target->python), "exited", target->has_exited);
}

json_t *json_capture(const struct snapshot_capture *capture)
{
	char start[32] = "1970-01-01T00:00:00Z";
	time_t seconds = (time_t)(capture->start_realtime_ns / NS_PER_SECOND);
	struct tm utc;
	if (gmtime_r(&seconds, &utc))
		strftime(start, sizeof(start), "%FT%TZ", &utc);
	return json_pack("{s:s, s:f, s:o, s:o, s:o, s:f, s:f, s:f, s:o, s:f, s:b}", "start", start,
			 "seconds", capture->seconds, "samples",
			 json_whole((double)capture->samples), "dropped",
			 json_whole((double)capture->dropped), "sample_bytes",
			 json_whole((double)capture->sample_bytes), "stops_per_second",
			 capture->stops_per_second, "stopped_seconds", capture->stopped_seconds,
			 "longest_stop_seconds", capture->longest_stop_seconds, "rss_bytes",
			 json_whole((double)capture->rss_bytes), "rss_growth_bytes_per_second",
			 capture->rss_growth_bytes_per_second, "unfinished",
			 capture->is_unfinished);
}
