/* SPDX-License-Identifier: MIT */
#include "report/report.h"

#include "report/figure.h"
#include "report/json_value.h"
#include "report/name.h"
#include "report/output.h"
#include "report/paths.h"
#include "report/rest.h"

/* What a profile measures, in speedscope's words. */
struct measure {
	const char *name;
	const char *unit;
	double (*of)(const struct figures *figures);
};

static double live_bytes(const struct figures *figures)
{
	return (double)figure_whole(figures->live_bytes.value);
}

static double live_blocks(const struct figures *figures)
{
	return (double)figure_whole(figures->live_blocks);
}

static double growth(const struct figures *figures)
{
	return (double)figure_whole(figures->growth_bytes_per_second.value);
}

enum { MEASURE_COUNT = 3 };

static const struct measure measures[MEASURE_COUNT] = {
	{ "live bytes", "bytes", live_bytes },
	{ "live blocks", "none", live_blocks },
	{ "growth per second", "bytes", growth },
};

/* What speedscope can show of a measure: it knows no negative weights. */
struct share {
	double sum;
	size_t shrinking; /* stacks that are left out */
};

static struct share share_of(const struct snapshot *snapshot, const struct measure *measure)
{
	struct share ret = { 0 };
	for (size_t i = 0; i < snapshot->stack_count; i++) {
		double weight = measure->of(&snapshot->stacks[i].figures);
		ret.sum += fmax(weight, 0);
		ret.shrinking += weight < 0;
	}
	return ret;
}

static bool write_frames(const struct paths *paths, FILE *out, struct error *err)
{
	char label[NAME_LABEL_BYTES], file[NAME_BYTES];
	for (size_t i = 0; i < paths->frames.len; i++) {
		const struct frame *frame = paths_frame(paths, i);
		json_t *json = json_pack("{s:s, s:s}", "name", name_frame(frame, true, label),
					 "file", name_path(frame->file, file));
		if (frame->line > 0)
			json_object_set_new(json, "line", json_integer(frame->line));
		if (!json_write_value(out, i ? ",\n" : "\n", json, err))
			return false;
	}
	return true;
}

static json_t *json_path(const struct paths *paths, size_t stack)
{
	size_t len;
	const uint32_t *numbers = paths_of(paths, stack, &len);
	json_t *ret = json_array();
	for (size_t i = 0; i < len; i++)
		json_array_append_new(ret, json_integer(numbers[i]));
	return ret;
}

/* Write paths, or their weights, of all stacks that have any. */
static bool write_samples(const struct snapshot *snapshot, const struct paths *paths,
			  const struct measure *measure, bool is_weights, FILE *out,
			  struct error *err)
{
	const char *separator = "\n";
	for (size_t i = 0; i < snapshot->stack_count; i++) {
		size_t stack = paths->order[i];
		double weight = measure->of(&snapshot->stacks[stack].figures);
		if (weight <= 0)
			continue;
		json_t *json = is_weights ? json_whole(weight) : json_path(paths, stack);
		if (!json_write_value(out, separator, json, err))
			return false;
		separator = ",\n";
	}
	return true;
}

static bool write_profile(const struct snapshot *snapshot, const struct paths *paths,
			  const struct measure *measure, const char *separator, FILE *out,
			  struct error *err)
{
	struct share share = share_of(snapshot, measure);
	char name[128];
	snprintf(name, sizeof(name), "%s", measure->name);
	if (share.shrinking)
		snprintf(name, sizeof(name), "%s, without stacks that shrink (%zu)", measure->name,
			 share.shrinking);
	fprintf(out,
		"%s{\"type\":\"sampled\",\"name\":\"%s\",\"unit\":\"%s\",\"startValue\":0,"
		"\"endValue\":%.0f,\n\"samples\":[",
		separator, name, measure->unit, share.sum);
	if (!write_samples(snapshot, paths, measure, false, out, err))
		return false;
	fputs("],\n\"weights\":[", out);
	if (!write_samples(snapshot, paths, measure, true, out, err))
		return false;
	fputs("]}", out);
	return true;
}

/* What the window's title says. */
static json_t *json_title(const struct snapshot *snapshot)
{
	const struct snapshot_target *target = &snapshot->target;
	char command[NAME_BYTES], rest[REST_BYTES], ret[NAME_LABEL_BYTES];
	bool has_command = target->command && target->command[0];
	rest_text(snapshot, rest);
	snprintf(ret, sizeof(ret), "%s, pid %d%s%s",
		 name_path(has_command ? target->command[0] : "?", command), target->pid,
		 *rest ? ", without " : "", rest);
	return json_string(ret);
}

bool report_speedscope(const struct snapshot *snapshot, FILE *out, struct error *err)
{
	OWNED(paths_deinit) struct paths paths;
	if (!paths_init(&paths, snapshot, err))
		return false;
	fputs("{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\","
	      "\"exporter\":\"filtrace " FILTRACE_VERSION "\"",
	      out);
	if (!json_write_value(out, ",\n\"name\":", json_title(snapshot), err))
		return false;
	fputs(",\n\"shared\":{\"frames\":[", out);
	if (!write_frames(&paths, out, err))
		return false;
	fputs("]},\n\"profiles\":[", out);
	for (size_t i = 0; i < MEASURE_COUNT; i++) {
		if (i > 0 && share_of(snapshot, &measures[i]).sum <= 0)
			continue;
		if (!write_profile(snapshot, &paths, &measures[i], i ? ",\n" : "\n", out, err))
			return false;
	}
	fputs("]}\n", out);
	return output_finish(out, err);
}
