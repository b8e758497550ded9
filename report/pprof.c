/* SPDX-License-Identifier: MIT */
#include "report/report.h"

#include "base/clock.h"
#include "report/figure.h"
#include "report/gzip.h"
#include "report/name.h"
#include "report/output.h"
#include "report/paths.h"
#include "report/pprof.pb-c.h"
#include "report/rest.h"
#include "report/string_table.h"

/* Messages in a row are one message: each part is packed and compressed on its own, so that memory
 * stays bounded. */
struct pprof {
	struct gzip gzip;
	struct string_table strings;
	struct paths paths;
	struct numbering functions; /* keys: the numbers of name and file */
	int64_t command, process;
};

static void pprof_deinit(struct pprof *pprof)
{
	gzip_deinit(&pprof->gzip);
	string_table_deinit(&pprof->strings);
	paths_deinit(&pprof->paths);
	numbering_deinit(&pprof->functions);
}

enum { VALUE_COUNT = 3, DEFAULT_VALUE = 1 };

static const struct {
	const char *type, *unit;
} value_types[VALUE_COUNT] = {
	{ "inuse_objects", "count" },
	{ "inuse_space", "bytes" },
	{ "growth", "bytes/s" },
};

enum { LABEL_KIND, LABEL_THREAD, LABEL_PROCESS, LABEL_COUNT };

static const char *const label_keys[LABEL_COUNT] = { "kind", "thread", "process" };

static bool write_part(struct pprof *pprof, const Pprof__Profile *part, struct error *err)
{
	size_t size = pprof__profile__get_packed_size(part);
	OWNED_FREE uint8_t *packed = malloc(size + 1);
	if (!packed)
		return error_set(err, ERROR_NO_MEMORY, "no memory for the report");
	pprof__profile__pack(part, packed);
	gzip_write(&pprof->gzip, packed, size);
	return true;
}

static bool add_text(struct pprof *pprof, const char *text, int64_t *ret, struct error *err)
{
	return string_table_add(&pprof->strings, text, ret, err);
}

static bool write_value_types(struct pprof *pprof, struct error *err)
{
	Pprof__ValueType types[VALUE_COUNT];
	Pprof__ValueType *list[VALUE_COUNT];
	for (size_t i = 0; i < VALUE_COUNT; i++) {
		pprof__value_type__init(&types[i]);
		list[i] = &types[i];
		if (!add_text(pprof, value_types[i].type, &types[i].type, err) ||
		    !add_text(pprof, value_types[i].unit, &types[i].unit, err))
			return false;
	}
	Pprof__Profile part = PPROF__PROFILE__INIT;
	part.sample_type = list;
	part.n_sample_type = VALUE_COUNT;
	part.default_sample_type = types[DEFAULT_VALUE].type;
	return write_part(pprof, &part, err);
}

/* When, for how long, how finely, and of what program. */
static bool write_capture(struct pprof *pprof, const struct snapshot *snapshot, struct error *err)
{
	const struct snapshot_capture *capture = &snapshot->capture;
	Pprof__Mapping mapping = PPROF__MAPPING__INIT;
	Pprof__Mapping *mappings[] = { &mapping };
	Pprof__ValueType period = PPROF__VALUE_TYPE__INIT;
	Pprof__Profile part = PPROF__PROFILE__INIT;
	int64_t comments[2];
	char rest[REST_BYTES], without[REST_BYTES + 16];
	snprintf(without, sizeof(without), "without %s", rest_text(snapshot, rest));
	mapping.id = 1;
	mapping.has_functions = mapping.has_filenames = mapping.has_line_numbers = true;
	mapping.filename = pprof->command;
	if (!add_text(pprof, "space", &period.type, err) ||
	    !add_text(pprof, "bytes", &period.unit, err) ||
	    !add_text(pprof, "filtrace " FILTRACE_VERSION, &comments[0], err) ||
	    (*rest && !add_text(pprof, without, &comments[1], err)))
		return false;

	part.mapping = mappings;
	part.n_mapping = 1;
	part.period_type = &period;
	part.period = figure_whole((double)capture->sample_bytes);
	part.time_nanos = (int64_t)(capture->start_realtime_ns & INT64_MAX);
	part.duration_nanos = figure_whole(capture->seconds * (double)NS_PER_SECOND);
	part.comment = comments;
	part.n_comment = *rest ? 2 : 1;
	return write_part(pprof, &part, err);
}

static bool make_labels(struct pprof *pprof, const struct snapshot_stack *stack,
			Pprof__Label labels[LABEL_COUNT], struct error *err)
{
	char thread[NAME_BYTES];
	for (size_t i = 0; i < LABEL_COUNT; i++) {
		pprof__label__init(&labels[i]);
		if (!add_text(pprof, label_keys[i], &labels[i].key, err))
			return false;
	}
	labels[LABEL_PROCESS].str = pprof->process;
	return add_text(pprof, memory_kind_name(stack->kind), &labels[LABEL_KIND].str, err) &&
	       add_text(pprof, name_text(stack->thread, thread), &labels[LABEL_THREAD].str, err);
}

/* Frames are locations; their numbers plus 1 are the ids. */
static bool write_sample(struct pprof *pprof, const struct snapshot *snapshot, size_t number,
			 struct error *err)
{
	const struct snapshot_stack *stack = &snapshot->stacks[number];
	const struct figures *figures = &stack->figures;
	Pprof__Label labels[LABEL_COUNT];
	if (!make_labels(pprof, stack, labels, err))
		return false;

	Pprof__Label *label_list[LABEL_COUNT];
	for (size_t i = 0; i < LABEL_COUNT; i++)
		label_list[i] = &labels[i];
	int64_t values[VALUE_COUNT] = {
		figure_whole(figures->live_blocks),
		figure_whole(figures->live_bytes.value),
		figure_whole(figures->growth_bytes_per_second.value),
	};
	uint64_t locations[FRAME_DEPTH_MAX + 2];
	size_t len;
	const uint32_t *path = paths_of(&pprof->paths, number, &len);
	for (size_t i = 0; i < len; i++)
		locations[i] = path[len - 1 - i] + UINT64_C(1);

	Pprof__Sample sample = PPROF__SAMPLE__INIT;
	Pprof__Sample *samples[] = { &sample };
	Pprof__Profile part = PPROF__PROFILE__INIT;
	sample.location_id = locations;
	sample.n_location_id = len;
	sample.value = values;
	sample.n_value = VALUE_COUNT;
	sample.label = label_list;
	sample.n_label = LABEL_COUNT;
	part.sample = samples;
	part.n_sample = 1;
	return write_part(pprof, &part, err);
}

/* Write a frame as a location, and its function the first time that it comes. */
static bool write_location(struct pprof *pprof, size_t number, struct error *err)
{
	const struct frame *frame = paths_frame(&pprof->paths, number);
	char name[NAME_BYTES], file[NAME_BYTES];
	Pprof__Function function = PPROF__FUNCTION__INIT;
	if (!add_text(pprof, name_text(frame->function, name), &function.name, err) ||
	    !add_text(pprof, name_path(frame->file, file), &function.filename, err))
		return false;
	function.system_name = function.name;

	uint32_t id;
	size_t known = pprof->functions.len;
	uint64_t key = (uint64_t)function.name << 32 | (uint64_t)function.filename;
	if (!numbering_add(&pprof->functions, key, &id, err))
		return false;
	function.id = id + UINT64_C(1);

	Pprof__Line line = PPROF__LINE__INIT;
	Pprof__Line *lines[] = { &line };
	Pprof__Location location = PPROF__LOCATION__INIT;
	Pprof__Location *locations[] = { &location };
	Pprof__Function *functions[] = { &function };
	Pprof__Profile part = PPROF__PROFILE__INIT;
	line.function_id = function.id;
	line.line = frame->line;
	location.id = number + UINT64_C(1);
	location.mapping_id = 1;
	location.line = lines;
	location.n_line = 1;
	part.location = locations;
	part.n_location = 1;
	part.function = functions;
	part.n_function = pprof->functions.len > known;
	return write_part(pprof, &part, err);
}

static bool write_strings(struct pprof *pprof, struct error *err)
{
	const struct known_string *known = NULL;
	while ((known = string_table_next(&pprof->strings, known))) {
		char *text = (char *)string_table_text(known);
		Pprof__Profile part = PPROF__PROFILE__INIT;
		part.string_table = &text;
		part.n_string_table = 1;
		if (!write_part(pprof, &part, err))
			return false;
	}
	return true;
}

/* The empty text comes first; then what is needed again and again. */
static bool prepare(struct pprof *pprof, const struct snapshot *snapshot, struct error *err)
{
	const struct snapshot_target *target = &snapshot->target;
	bool has_command = target->command && target->command[0];
	char command[NAME_BYTES], process[16];
	int64_t empty;
	snprintf(process, sizeof(process), "%d", target->pid);
	return paths_init(&pprof->paths, snapshot, err) && add_text(pprof, "", &empty, err) &&
	       add_text(pprof, name_path(has_command ? target->command[0] : "", command),
			&pprof->command, err) &&
	       add_text(pprof, process, &pprof->process, err);
}

bool report_pprof(const struct snapshot *snapshot, FILE *out, struct error *err)
{
	OWNED(pprof_deinit) struct pprof pprof = { 0 };
	if (!gzip_init(&pprof.gzip, out, err) || !prepare(&pprof, snapshot, err) ||
	    !write_value_types(&pprof, err) || !write_capture(&pprof, snapshot, err))
		return false;
	for (size_t i = 0; i < snapshot->stack_count; i++) {
		if (!write_sample(&pprof, snapshot, i, err))
			return false;
	}
	for (size_t i = 0; i < pprof.paths.frames.len; i++) {
		if (!write_location(&pprof, i, err))
			return false;
	}
	if (!write_strings(&pprof, err))
		return false;
	gzip_end(&pprof.gzip);
	return output_finish(out, err);
}
