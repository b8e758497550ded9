/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_PROFILE_CAPTURE_PLACE_H
#define TESTS_UNIT_PROFILE_CAPTURE_PLACE_H

/**
 * @file
 * Captures in a directory of their own, and how snapshots are compared.
 */

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "profile/capture.h"
#include "tests/unit/profile/population.h"

/* A directory for each test, with room for one capture. */
struct place {
	char directory[64];
	char path[96];
};

static inline int place_make(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	assert_non_null(place);
	strcpy(place->directory, "/tmp/filtrace-test-XXXXXX");
	assert_non_null(mkdtemp(place->directory));
	snprintf(place->path, sizeof(place->path), "%s/a capture.db", place->directory);
	*state = place;
	return 0;
}

static inline int place_remove(void **state)
{
	struct place *place = *state;
	DIR *directory = opendir(place->directory);
	assert_non_null(directory);
	for (struct dirent *entry; (entry = readdir(directory));)
		(void)unlinkat(dirfd(directory), entry->d_name, 0);
	closedir(directory);
	assert_int_equal(rmdir(place->directory), 0);
	free(place);
	return 0;
}

static inline size_t files_in(const struct place *place)
{
	size_t count = 0;
	DIR *directory = opendir(place->directory);
	assert_non_null(directory);
	for (struct dirent *entry; (entry = readdir(directory));)
		count += entry->d_name[0] != '.';
	closedir(directory);
	return count;
}

/* What the sqlite3 command answers, without the last newline. */
static inline char *ask(const struct place *place, const char *sql)
{
	static char answer[4096];
	char command[4096];
	snprintf(command, sizeof(command), "sqlite3 -batch '%s' \"%s\" 2>&1", place->path, sql);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	size_t len = fread(answer, 1, sizeof(answer) - 1, pipe);
	answer[len] = '\0';
	pclose(pipe);
	if (len && answer[len - 1] == '\n')
		answer[len - 1] = '\0';
	return answer;
}

static inline void skip_without_sqlite3(void)
{
	if (system("sqlite3 --version >/dev/null 2>&1") != 0) {
		print_message("the sqlite3 command is not installed\n");
		skip();
	}
}

static inline struct capture *create(const char *path)
{
	struct capture *capture;
	struct error err;
	if (!capture_create(path, false, &capture, &err))
		fail_msg("%s", err.context);
	return capture;
}

static inline void write_snapshot(struct capture *capture, const struct profile *profile,
				  double seconds)
{
	OWNED_SNAPSHOT struct snapshot *snapshot = take_snapshot(profile, seconds, 512);
	struct error err;
	if (!capture_write(capture, snapshot, &err))
		fail_msg("%s", err.context);
}

static inline void finish(struct capture *capture)
{
	struct error err;
	if (!capture_close(capture, &err))
		fail_msg("%s", err.context);
}

static inline struct snapshot *load(const char *path)
{
	struct snapshot *snapshot;
	struct error err;
	if (!capture_load(path, &snapshot, &err))
		fail_msg("%s", err.context);
	return snapshot;
}

static const struct frame capture_frames[] = {
	{ "f", "app.py", 1 },
	{ "f", "app.py", 2 },
	{ "g\x1b[31m", "na\u00efve \u65e5\u672c.py", 3 },
	{ "</script>'\"", "", 0 },
	{ "outer", "/a/long/path/to/main.py", 70000 },
};

/* Some blocks come, some go, on all kinds of stacks. */
static inline void churn(struct profile *profile, double seconds, uint64_t *seed)
{
	for (int i = 0; i < 40; i++) {
		const struct frame *path[8];
		size_t depth = random_bits(seed) % (ARRAY_LEN(path) + 1);
		for (size_t j = 0; j < depth; j++)
			path[j] = &capture_frames[random_bits(seed) % ARRAY_LEN(capture_frames)];
		raddr block = random_bits(seed) % 300;
		if (i % 4 == 3)
			profile_free(profile, block, at_seconds(seconds));
		else
			add_block(profile, seconds, block, 1 + random_bits(seed) % 2000, 512, path,
				  depth, (enum memory_kind)(random_bits(seed) % 2));
	}
}

static inline void assert_same_estimate(const struct estimate *a, const struct estimate *b)
{
	assert_true(a->value == b->value && a->low == b->low && a->high == b->high);
	assert_true(a->error == b->error);
}

static inline void assert_same_figures(const struct figures *a, const struct figures *b)
{
	assert_same_estimate(&a->live_bytes, &b->live_bytes);
	assert_same_estimate(&a->growth_bytes_per_second, &b->growth_bytes_per_second);
	assert_true(a->live_blocks == b->live_blocks);
	assert_float_equal(a->oldest_seconds, b->oldest_seconds, 1e-6);
	assert_int_equal(a->live_samples, b->live_samples);
	for (int kind = 0; kind < MEMORY_KIND_COUNT; kind++)
		assert_true(a->kind_live_bytes[kind] == b->kind_live_bytes[kind]);
}

static inline void assert_same_frame(const struct frame *a, const struct frame *b)
{
	assert_string_equal(a->function, b->function);
	assert_string_equal(a->file, b->file);
	assert_int_equal(a->line, b->line);
}

static inline void assert_same_snapshot(const struct snapshot *a, const struct snapshot *b)
{
	assert_int_equal(a->target.pid, b->target.pid);
	assert_int_equal(a->target.has_exited, b->target.has_exited);
	assert_string_equal(a->target.python, b->target.python);
	for (size_t i = 0; a->target.command[i] || b->target.command[i]; i++)
		assert_string_equal(a->target.command[i], b->target.command[i]);
	assert_memory_equal(&a->capture, &b->capture,
			    offsetof(struct snapshot_capture, is_unfinished));
	assert_int_equal(a->capture.is_unfinished, b->capture.is_unfinished);
	assert_same_figures(&a->total, &b->total);

	assert_int_equal(a->site_count, b->site_count);
	for (size_t i = 0; i < a->site_count; i++) {
		assert_same_frame(a->sites[i].frame, b->sites[i].frame);
		assert_same_figures(&a->sites[i].figures, &b->sites[i].figures);
	}
	assert_int_equal(a->stack_count, b->stack_count);
	for (size_t i = 0; i < a->stack_count; i++) {
		const struct snapshot_stack *left = &a->stacks[i], *right = &b->stacks[i];
		assert_same_figures(&left->figures, &right->figures);
		assert_int_equal(left->kind, right->kind);
		assert_int_equal(left->is_truncated, right->is_truncated);
		assert_string_equal(left->thread, right->thread);
		assert_int_equal(left->frame_count, right->frame_count);
		for (size_t j = 0; j < left->frame_count; j++)
			assert_same_frame(left->frames[j], right->frames[j]);
	}
}

/* A test with a place of its own. */
#define PLACED(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

#endif
