/* SPDX-License-Identifier: MIT */
/* What a capture forgets of the past, and what it keeps all the same. */
#include "profile/capture.h"

#include <sys/stat.h>

#include "tests/unit/profile/capture_place.h"

enum { LINES = 64, DEPTH = 6, STACKS_PER_SECOND = 250 };

static struct frame lines[LINES];

static void make_lines(void)
{
	for (int i = 0; i < LINES; i++)
		lines[i] = (struct frame){ "f", "app.py", i + 1 };
}

/* Stacks that were never there before get a block each, which is freed a second later. Two lines
 * allocate: the one keeps every fifth block besides. */
static void passing(struct profile *profile, int second)
{
	static raddr kept = 0x1000000;
	for (int i = 0; i < STACKS_PER_SECOND; i++) {
		const struct frame *path[DEPTH];
		unsigned number = (unsigned)(second * STACKS_PER_SECOND + i);
		path[0] = &lines[number % 2];
		for (int depth = 1; depth < DEPTH; depth++, number /= 8)
			path[depth] = &lines[8 * depth + (int)(number % 8)];
		add_block(profile, second, (raddr)i, 100 + (uint64_t)i, 1, path, DEPTH,
			  MEMORY_MALLOC);
		if (i % 5 == 0 && second % 10 == 0)
			add_block(profile, second, kept++, 1000, 1, path, 1, MEMORY_MALLOC);
	}
}

static void record(const struct place *place, struct profile *profile, uint64_t max_bytes,
		   int seconds)
{
	struct capture *capture = create(place->path);
	if (max_bytes)
		capture_limit(capture, max_bytes);
	for (int second = 1; second <= seconds; second++) {
		passing(profile, second);
		write_snapshot(capture, profile, second);
	}
	finish(capture);
}

/* Each line's live bytes at the end, as the sum of all that came and went. */
static void assert_courses_end_at(const struct place *place, const struct snapshot *expected)
{
	for (size_t i = 0; i < expected->site_count; i++) {
		char sql[200], bytes[64];
		snprintf(sql, sizeof(sql),
			 "SELECT live_bytes FROM growth WHERE line = %d"
			 " ORDER BY start_seconds DESC LIMIT 1",
			 expected->sites[i].frame->line);
		snprintf(bytes, sizeof(bytes), "%.1f", expected->sites[i].figures.live_bytes.value);
		assert_string_equal(ask(place, sql), bytes);
	}
	assert_string_equal(
		ask(place, "WITH counted AS (SELECT live_bytes, sum(risen_bytes - fallen_bytes)"
			   " OVER (PARTITION BY stack_id ORDER BY start_seconds) AS bytes"
			   " FROM bucket) SELECT count(*) FROM counted"
			   " WHERE abs(live_bytes - bytes) > 0.001"),
		"0");
}

static void assert_nothing_dangles(const struct place *place)
{
	assert_string_equal(ask(place, "SELECT count(*) FROM bucket WHERE stack_id NOT IN"
				       " (SELECT stack_id FROM stack)"),
			    "0");
	assert_string_equal(ask(place, "SELECT count(*) FROM stack_frame WHERE stack_id NOT IN"
				       " (SELECT stack_id FROM stack)"),
			    "0");
	assert_string_equal(ask(place, "SELECT count(*) FROM stack WHERE stack_id NOT IN"
				       " (SELECT stack_id FROM stack_frame)"),
			    "0");
	assert_string_equal(ask(place, "PRAGMA integrity_check"), "ok");
}

static void test_stacks_that_are_past_are_cut_and_their_lines_keep_their_course(void **state)
{
	const struct place *place = *state;
	enum { SECONDS = 100, PAST_MAX = 16384 };
	skip_without_sqlite3();
	OWNED_PROFILE struct profile *profile = new_profile();
	record(place, profile, 0, SECONDS);
	OWNED_SNAPSHOT struct snapshot *expected = take_snapshot(profile, SECONDS, 512);
	OWNED_SNAPSHOT struct snapshot *loaded = load(place->path);
	assert_same_snapshot(expected, loaded);

	int stacks = atoi(ask(place, "SELECT count(*) FROM stack"));
	assert_in_range(stacks, PAST_MAX / 2, PAST_MAX + 2 * STACKS_PER_SECOND);
	assert_in_range(stacks, 0, SECONDS * STACKS_PER_SECOND / 4 * 3);
	assert_nothing_dangles(place);
	assert_courses_end_at(place, expected);
	/* What there was in between is still told: all that was passing in each second. */
	assert_string_equal(ask(place, "SELECT count(*), min(bytes) >= 250 * 100 FROM"
				       " (SELECT sum(live_bytes) AS bytes FROM growth"
				       " GROUP BY start_seconds)"),
			    "100|1");
}

static void test_a_capture_keeps_to_its_size_and_still_tells_the_present(void **state)
{
	const struct place *place = *state;
	enum { SECONDS = 100, MAX_BYTES = 512 * 1024 };
	skip_without_sqlite3();
	OWNED_PROFILE struct profile *profile = new_profile();
	record(place, profile, MAX_BYTES, SECONDS);
	OWNED_SNAPSHOT struct snapshot *expected = take_snapshot(profile, SECONDS, 512);
	OWNED_SNAPSHOT struct snapshot *loaded = load(place->path);
	assert_same_snapshot(expected, loaded);

	struct stat info;
	assert_int_equal(stat(place->path, &info), 0);
	assert_true(info.st_size <= MAX_BYTES);
	assert_nothing_dangles(place);
	assert_courses_end_at(place, expected);
}

/* A hundred stacks that all grow in each second. */
static void test_courses_become_coarser_where_they_fill_the_file(void **state)
{
	const struct place *place = *state;
	enum { SECONDS = 200, STACKS = 100, MAX_BYTES = 512 * 1024 };
	skip_without_sqlite3();
	OWNED_PROFILE struct profile *profile = new_profile();
	struct capture *capture = create(place->path);
	capture_limit(capture, MAX_BYTES);
	raddr block = 0;
	for (int second = 1; second <= SECONDS; second++) {
		for (int i = 0; i < STACKS; i++) {
			const struct frame *path[] = { &lines[i % 2], &lines[i % LINES] };
			add_block(profile, second, ++block, 100, 1, path, 1 + (size_t)(i > 1),
				  i < LINES ? MEMORY_MALLOC : MEMORY_PYMALLOC);
		}
		write_snapshot(capture, profile, second);
	}
	finish(capture);
	OWNED_SNAPSHOT struct snapshot *expected = take_snapshot(profile, SECONDS, 512);
	OWNED_SNAPSHOT struct snapshot *loaded = load(place->path);
	assert_same_snapshot(expected, loaded);

	struct stat info;
	assert_int_equal(stat(place->path, &info), 0);
	assert_true(info.st_size <= MAX_BYTES);
	assert_in_range(atoi(ask(place, "SELECT value FROM meta WHERE key = 'bucket_seconds'")), 2,
			32);
	assert_courses_end_at(place, expected);
}

int main(void)
{
	make_lines();
	const struct CMUnitTest tests[] = {
		PLACED(test_stacks_that_are_past_are_cut_and_their_lines_keep_their_course),
		PLACED(test_a_capture_keeps_to_its_size_and_still_tells_the_present),
		PLACED(test_courses_become_coarser_where_they_fill_the_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
