/* SPDX-License-Identifier: MIT */
#include "report/report.h"

#include <zlib.h>

#include "report/gzip.h"
#include "report/pprof.pb-c.h"
#include "tests/unit/report/output.h"

/* Expand a whole member; the caller frees it. */
static uint8_t *expand(const struct output *output, size_t *len_ret)
{
	size_t size = 64 * output->len + 65536;
	uint8_t *ret = malloc(size);
	assert_non_null(ret);
	z_stream stream = {
		.next_in = (unsigned char *)output->text,
		.avail_in = (uInt)output->len,
		.next_out = ret,
		.avail_out = (uInt)size,
	};
	assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
	assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
	assert_int_equal(stream.avail_in, 0);
	*len_ret = stream.total_out;
	inflateEnd(&stream);
	return ret;
}

static void unpacked_free(Pprof__Profile **profile)
{
	pprof__profile__free_unpacked(*profile, NULL);
}

#define OWNED_PPROF OWNED(unpacked_free)

static Pprof__Profile *write_pprof(const struct snapshot *snapshot)
{
	OWNED_OUTPUT struct output output = { 0 };
	struct error err;
	size_t len;
	output_open(&output);
	assert_true(report_pprof(snapshot, output.file, &err));
	OWNED_FREE uint8_t *packed = expand(&output, &len);
	Pprof__Profile *ret = pprof__profile__unpack(NULL, len, packed);
	assert_non_null(ret);
	return ret;
}

static const char *text(const Pprof__Profile *profile, int64_t number)
{
	assert_in_range(number, 0, profile->n_string_table - 1);
	return profile->string_table[number];
}

static const Pprof__Function *function_of(const Pprof__Profile *profile, uint64_t location)
{
	assert_in_range(location, 1, profile->n_location);
	const Pprof__Location *found = profile->location[location - 1];
	assert_int_equal(found->id, location);
	assert_int_equal(found->mapping_id, profile->mapping[0]->id);
	assert_int_equal(found->n_line, 1);
	uint64_t function = found->line[0]->function_id;
	assert_in_range(function, 1, profile->n_function);
	assert_int_equal(profile->function[function - 1]->id, function);
	return profile->function[function - 1];
}

static void assert_frame(const Pprof__Profile *profile, uint64_t location, const char *name,
			 const char *file, int line)
{
	const Pprof__Function *function = function_of(profile, location);
	assert_string_equal(text(profile, function->name), name);
	assert_string_equal(text(profile, function->filename), file);
	assert_int_equal(profile->location[location - 1]->line[0]->line, line);
}

static void assert_label(const Pprof__Profile *profile, const Pprof__Label *label, const char *key,
			 const char *value)
{
	assert_string_equal(text(profile, label->key), key);
	assert_string_equal(text(profile, label->str), value);
}

static void test_the_header_says_what_is_measured(void **state)
{
	(void)state;
	static const char *const types[][2] = { { "inuse_objects", "count" },
						{ "inuse_space", "bytes" },
						{ "growth", "bytes/s" } };
	OWNED_SNAPSHOT struct snapshot *snapshot = leaky_snapshot();
	OWNED_PPROF Pprof__Profile *profile = write_pprof(snapshot);
	assert_string_equal(text(profile, 0), "");
	assert_int_equal(profile->n_sample_type, ARRAY_LEN(types));
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		assert_string_equal(text(profile, profile->sample_type[i]->type), types[i][0]);
		assert_string_equal(text(profile, profile->sample_type[i]->unit), types[i][1]);
	}
	assert_string_equal(text(profile, profile->default_sample_type), "inuse_space");
	assert_string_equal(text(profile, profile->period_type->type), "space");
	assert_int_equal(profile->period, 16384);
	assert_int_equal(profile->time_nanos, snapshot->capture.start_realtime_ns);
	assert_int_equal(profile->duration_nanos, 20 * NS_PER_SECOND);
	assert_int_equal(profile->n_mapping, 1);
	assert_string_equal(text(profile, profile->mapping[0]->filename), "python3");
}

static void test_each_stack_is_a_sample_with_its_figures_labels_and_lines(void **state)
{
	(void)state;
	OWNED_SNAPSHOT struct snapshot *snapshot = leaky_snapshot();
	OWNED_PPROF Pprof__Profile *profile = write_pprof(snapshot);
	assert_int_equal(profile->n_sample, snapshot->stack_count);
	for (size_t i = 0; i < snapshot->stack_count; i++) {
		const struct snapshot_stack *stack = &snapshot->stacks[i];
		const Pprof__Sample *sample = profile->sample[i];
		assert_int_equal(sample->n_value, 3);
		assert_int_equal(sample->value[0], llround(stack->figures.live_blocks));
		assert_int_equal(sample->value[1], llround(stack->figures.live_bytes.value));
		assert_int_equal(sample->value[2],
				 llround(stack->figures.growth_bytes_per_second.value));
		assert_int_equal(sample->n_label, 3);
		assert_label(profile, sample->label[0], "kind", memory_kind_name(stack->kind));
		assert_label(profile, sample->label[1], "thread", "MainThread");
		assert_label(profile, sample->label[2], "process", "4121");
	}
	assert_int_equal(profile->sample[0]->n_location_id, 2);
	assert_frame(profile, profile->sample[0]->location_id[0], "index", "/srv/app.py", 11);
	assert_frame(profile, profile->sample[0]->location_id[1], "<module>", "/srv/app.py", 40);
}

static void test_lines_of_one_function_share_it_and_growth_may_be_negative(void **state)
{
	(void)state;
	static const struct frame frames[] = {
		{ "f", "a.py", 1 }, { "f", "a.py", 2 }, { "f", "b.py", 1 }, { "g", "a.py", 0 }
	};
	static const struct frame *const path[] = { &frames[0], &frames[1], &frames[2],
						    &frames[3] };
	struct snapshot_stack stack = {
		.frames = path,
		.frame_count = ARRAY_LEN(path),
		.is_truncated = true,
		.thread = "",
		.figures = { .live_bytes.value = 10, .growth_bytes_per_second.value = -3 },
	};
	const struct snapshot snapshot = {
		.target.python = "",
		.stacks = &stack,
		.stack_count = 1,
	};
	OWNED_PPROF Pprof__Profile *profile = write_pprof(&snapshot);
	assert_int_equal(profile->n_location, 5);
	assert_int_equal(profile->n_function, 4);
	const uint64_t *locations = profile->sample[0]->location_id;
	assert_ptr_equal(function_of(profile, locations[0]), function_of(profile, locations[1]));
	assert_frame(profile, locations[1], "f", "a.py", 2);
	assert_frame(profile, locations[2], "f", "b.py", 1);
	assert_frame(profile, locations[3], "g", "a.py", 0);
	assert_frame(profile, locations[4], "[not read]", "", 0);
	assert_int_equal(profile->sample[0]->value[2], -3);
}

static void test_hostile_names_are_printable(void **state)
{
	(void)state;
	static const char expected[] = "x\ufffd]0;owned\ufffd\ufffd\ufffd\ufffd</script>\"'\\";
	OWNED_SNAPSHOT struct snapshot *snapshot = leaky_snapshot();
	snapshot->target.command[0] = (char[]){ HOSTILE_NAME };
	for (size_t i = 0; i < snapshot->stack_count; i++)
		snapshot->stacks[i].thread = HOSTILE_NAME;
	OWNED_PPROF Pprof__Profile *profile = write_pprof(snapshot);
	assert_label(profile, profile->sample[0]->label[1], "thread", expected);
	assert_string_equal(text(profile, profile->mapping[0]->filename), expected);
	size_t found = 0;
	for (size_t i = 0; i < profile->n_function; i++)
		found += strcmp(text(profile, profile->function[i]->name), expected) == 0;
	assert_int_equal(found, 1);
	for (size_t i = 0; i < profile->n_string_table; i++)
		assert_null(strpbrk(profile->string_table[i], "\x1b\n\xff"));
}

static void test_an_empty_snapshot_is_a_whole_file(void **state)
{
	(void)state;
	const struct snapshot snapshot = { .target.python = "" };
	OWNED_PPROF Pprof__Profile *profile = write_pprof(&snapshot);
	assert_int_equal(profile->n_sample_type, 3);
	assert_int_equal(profile->n_sample, 0);
}

static void test_what_cannot_be_compressed_comes_out_whole(void **state)
{
	(void)state;
	enum { LEN = 300000 };
	OWNED_FREE uint8_t *data = malloc(LEN);
	uint64_t seed = 7;
	for (size_t i = 0; i < LEN; i++)
		data[i] = (uint8_t)random_bits(&seed);
	OWNED_OUTPUT struct output output = { 0 };
	output_open(&output);
	OWNED(gzip_deinit) struct gzip gzip;
	struct error err;
	assert_true(gzip_init(&gzip, output.file, &err));
	for (size_t at = 0; at < LEN; at += 50000)
		gzip_write(&gzip, data + at, 50000);
	gzip_end(&gzip);
	fflush(output.file);
	size_t len;
	OWNED_FREE uint8_t *expanded = expand(&output, &len);
	assert_int_equal(len, LEN);
	assert_memory_equal(expanded, data, LEN);
}

static void test_a_file_that_is_not_written_is_an_error(void **state)
{
	(void)state;
	OWNED_SNAPSHOT struct snapshot *snapshot = leaky_snapshot();
	OWNED_FILE FILE *full = fopen("/dev/full", "w");
	assert_non_null(full);
	struct error err;
	assert_false(report_pprof(snapshot, full, &err));
	assert_int_equal(err.kind, ERROR_FILE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_header_says_what_is_measured),
		cmocka_unit_test(test_each_stack_is_a_sample_with_its_figures_labels_and_lines),
		cmocka_unit_test(test_lines_of_one_function_share_it_and_growth_may_be_negative),
		cmocka_unit_test(test_hostile_names_are_printable),
		cmocka_unit_test(test_an_empty_snapshot_is_a_whole_file),
		cmocka_unit_test(test_what_cannot_be_compressed_comes_out_whole),
		cmocka_unit_test(test_a_file_that_is_not_written_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
