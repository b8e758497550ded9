/* SPDX-License-Identifier: MIT */
#include "profile/capture.h"

#include <sys/stat.h>

#include "tests/unit/profile/capture_place.h"

/* A closed capture of some size. */
static void make_capture(const char *path)
{
	OWNED_PROFILE struct profile *profile = new_profile();
	struct capture *capture = create(path);
	uint64_t seed = 6;
	for (int second = 1; second <= 10; second++) {
		churn(profile, second, &seed);
		write_snapshot(capture, profile, second);
	}
	finish(capture);
}

static void assert_not_loaded(const char *path, const char *because)
{
	struct snapshot *snapshot = NULL;
	struct error err;
	assert_false(capture_load(path, &snapshot, &err));
	assert_null(snapshot);
	assert_int_equal(err.kind, ERROR_FILE);
	if (!strstr(err.context, because))
		fail_msg("\"%s\" does not say \"%s\"", err.context, because);
}

static void write_file(const char *path, const void *bytes, size_t len)
{
	OWNED_FILE FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
}

static void test_what_is_no_capture_is_refused_by_name(void **state)
{
	const struct place *place = *state;
	static const char text[] =
		"this is not a database, but it is longer than the header of one "
		"and therefore looked at: 0123456789012345678901234567890123456789";
	assert_not_loaded(place->path, "No such file or directory");
	assert_not_loaded(place->directory, "not a regular file");
	assert_not_loaded("/dev/zero", "not a regular file");
	write_file(place->path, text, sizeof(text));
	assert_not_loaded(place->path, "not a capture of filtrace");
	write_file(place->path, "", 0);
	assert_not_loaded(place->path, "not a capture of filtrace");
	assert_int_equal(unlink(place->path), 0);
	finish(create(place->path));
	assert_not_loaded(place->path, "nothing was recorded");
}

static void test_altered_captures_are_refused(void **state)
{
	const struct place *place = *state;
	skip_without_sqlite3();
	static const struct {
		const char *sql;
		const char *because;
	} cases[] = {
		{ "PRAGMA application_id = 1", "not a capture" },
		{ "PRAGMA user_version = 2", "newer filtrace" },
		{ "DROP TABLE frame", "missing or altered" },
		{ "DROP TABLE frame; CREATE VIEW frame AS WITH RECURSIVE r(i) AS (SELECT 1 UNION "
		  "ALL"
		  " SELECT i + 1 FROM r) SELECT i AS frame_id, 'f' AS function, 'f' AS file,"
		  " 1 AS line FROM r",
		  "missing or altered" },
		{ "ALTER TABLE frame ADD COLUMN more", "missing or altered" },
		{ "DELETE FROM meta WHERE key = 'pid'", "nothing was recorded" },
		{ "UPDATE meta SET value = -1 WHERE key = 'pid'", "bad value" },
		{ "UPDATE meta SET value = 'x' WHERE key = 'seconds'", "bad value" },
		{ "UPDATE meta SET value = 9e999 WHERE key = 'seconds'", "bad value" },
		{ "UPDATE meta SET value = 7 WHERE key = 'python'", "bad value" },
		{ "UPDATE meta SET value = 'a' || char(0) || 'b' WHERE key = 'python'",
		  "bad value" },
		{ "UPDATE frame SET frame_id = 1000000 WHERE frame_id = 2", "bad value" },
		{ "UPDATE frame SET line = -5 WHERE frame_id = 1", "bad value" },
		{ "UPDATE frame SET function = zeroblob(10) WHERE frame_id = 1", "bad value" },
		{ "UPDATE frame SET file = printf('%.*c', 2000000, 'x') WHERE frame_id = 1", "" },
		{ "UPDATE stack SET kind = 'plutonium'", "unknown kind" },
		{ "UPDATE stack SET is_truncated = 2", "bad value" },
		{ "DELETE FROM stack", "bad value" },
		{ "UPDATE stack_frame SET frame_id = 99", "bad value" },
		{ "UPDATE stack_frame SET frame_id = 0", "bad value" },
		{ "UPDATE stack_frame SET depth = depth + 5000", "bad value" },
		{ "INSERT OR REPLACE INTO stack_frame WITH RECURSIVE d(i) AS (SELECT 0 UNION ALL"
		  " SELECT i + 1 FROM d LIMIT 100000) SELECT (SELECT id FROM figures WHERE"
		  " scope = 'stack' LIMIT 1), i, 1 FROM d",
		  "too deep" },
		{ "INSERT INTO argument (text) WITH RECURSIVE d(i) AS (SELECT 0 UNION ALL"
		  " SELECT i + 1 FROM d LIMIT 100000) SELECT 'a' FROM d",
		  "too many arguments" },
		{ "UPDATE figures SET live_bytes = 9e999", "bad value" },
		{ "UPDATE figures SET growth_bytes_per_second = 'fast'", "bad value" },
		{ "UPDATE figures SET live_samples = -1", "bad value" },
		{ "UPDATE figures SET id = 77 WHERE scope = 'site' AND id = 1", "bad value" },
		{ "DELETE FROM figures WHERE scope = 'total'", "no total" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		make_capture(place->path);
		assert_string_equal(ask(place, cases[i].sql), "");
		assert_not_loaded(place->path, cases[i].because);
		assert_int_equal(unlink(place->path), 0);
	}
}

static size_t read_file(const char *path, unsigned char **ret)
{
	OWNED_FILE FILE *file = fopen(path, "r");
	assert_non_null(file);
	struct stat info;
	assert_int_equal(fstat(fileno(file), &info), 0);
	*ret = malloc((size_t)info.st_size);
	assert_non_null(*ret);
	assert_int_equal(fread(*ret, 1, (size_t)info.st_size, file), info.st_size);
	return (size_t)info.st_size;
}

/* Read every text of a snapshot, for the sanitizers to watch. */
static size_t count_characters(const struct snapshot *snapshot)
{
	size_t characters = strlen(snapshot->target.python);
	for (size_t i = 0; i < snapshot->stack_count; i++) {
		for (size_t j = 0; j < snapshot->stacks[i].frame_count; j++)
			characters += strlen(snapshot->stacks[i].frames[j]->function) +
				      strlen(snapshot->stacks[i].frames[j]->file);
	}
	for (size_t i = 0; i < snapshot->site_count; i++)
		characters += strlen(snapshot->sites[i].frame->function);
	return characters;
}

/* Load what may be damaged: it must either be refused as a file, or give a snapshot that holds
 * together. NULL if refused. */
static struct snapshot *load_damaged(const char *path)
{
	struct error err;
	struct snapshot *snapshot = NULL;
	if (!capture_load(path, &snapshot, &err)) {
		assert_int_equal(err.kind, ERROR_FILE);
		assert_true(err.context[0] != '\0');
		return NULL;
	}
	assert_true(count_characters(snapshot) < 100000000);
	return snapshot;
}

static void test_truncated_captures_are_refused_or_read_right(void **state)
{
	const struct place *place = *state;
	make_capture(place->path);
	OWNED_FREE unsigned char *bytes = NULL;
	size_t len = read_file(place->path, &bytes);
	OWNED_SNAPSHOT struct snapshot *whole = load(place->path);
	int refused = 0, tried = 0;
	for (size_t cut = 0; cut < len; cut += cut < 200 ? 1 : 509) {
		write_file(place->path, bytes, cut);
		OWNED_SNAPSHOT struct snapshot *loaded = load_damaged(place->path);
		/* What is cut off may be the part that only people read. */
		if (loaded)
			assert_same_snapshot(whole, loaded);
		refused += !loaded;
		tried++;
	}
	assert_true(refused > tried / 2);
}

static void test_random_damage_never_does_more_than_fail(void **state)
{
	const struct place *place = *state;
	make_capture(place->path);
	OWNED_FREE unsigned char *bytes = NULL;
	size_t len = read_file(place->path, &bytes);
	uint64_t seed = 8;
	int refused = 0;
	enum { ROUNDS = 3000 };
	for (int round = 0; round < ROUNDS; round++) {
		OWNED_FREE unsigned char *damaged = malloc(len);
		assert_non_null(damaged);
		memcpy(damaged, bytes, len);
		/* Now and then in the header or the root pages, where it hurts. */
		size_t range = round % 3 ? len : round % 2 ? 4096 : 256;
		for (uint64_t left = 1 + random_bits(&seed) % 32; left; left--)
			damaged[random_bits(&seed) % range] = (unsigned char)random_bits(&seed);
		write_file(place->path, damaged, len);
		OWNED_SNAPSHOT struct snapshot *loaded = load_damaged(place->path);
		refused += !loaded;
	}
	assert_true(refused > ROUNDS / 10);
}

static void assert_no_harm_of_flips(const struct place *place, const unsigned char *bytes,
				    size_t len, size_t first, size_t step, int *refused)
{
	OWNED_FREE unsigned char *damaged = malloc(len);
	assert_non_null(damaged);
	memcpy(damaged, bytes, len);
	for (size_t i = first; i < len; i += step)
		damaged[i] ^= 0xff;
	write_file(place->path, damaged, len);
	OWNED_SNAPSHOT struct snapshot *loaded = load_damaged(place->path);
	*refused += !loaded;
}

static void test_every_hundredth_byte_may_be_wrong_in_turn_or_together(void **state)
{
	const struct place *place = *state;
	make_capture(place->path);
	OWNED_FREE unsigned char *bytes = NULL;
	size_t len = read_file(place->path, &bytes);
	int refused = 0;
	for (size_t i = 0; i < len; i += 100)
		assert_no_harm_of_flips(place, bytes, len, i, len, &refused);
	assert_in_range(refused, 1, len / 100);
	refused = 0;
	for (size_t phase = 0; phase < 100; phase++)
		assert_no_harm_of_flips(place, bytes, len, phase, 100, &refused);
	assert_int_equal(refused, 100);
}

static void put_number(unsigned char *at, size_t bytes, size_t number)
{
	for (; bytes; bytes--, number >>= 8)
		at[bytes - 1] = (unsigned char)number;
}

/* A page with many children which are all the same page (SQLite file format 1.6). */
static void fill_with_children(unsigned char *page, size_t child)
{
	enum { CHILDREN = 200, CELLS = 2048 };
	memset(page, 0, 4096);
	page[0] = 5;
	put_number(page + 3, 2, CHILDREN);
	put_number(page + 5, 2, CELLS);
	put_number(page + 8, 4, child);
	for (size_t i = 0; i < CHILDREN; i++) {
		put_number(page + 12 + 2 * i, 2, CELLS + 8 * i);
		put_number(page + CELLS + 8 * i, 4, child);
		page[CELLS + 8 * i + 4] = (unsigned char)(i / 2);
	}
}

/* One long argument, to which two hundred rows lead. */
static void test_a_small_file_that_says_very_much_is_refused(void **state)
{
	const struct place *place = *state;
	const size_t page_size = 4096;
	skip_without_sqlite3();
	make_capture(place->path);
	assert_string_equal(ask(place, "UPDATE argument SET text = printf('%.*c', 1000000, 'x')"
				       " WHERE position = 0"),
			    "");
	size_t root = (size_t)atoi(ask(place, "SELECT rootpage FROM sqlite_schema"
					      " WHERE name = 'argument'"));
	OWNED_FREE unsigned char *bytes = NULL;
	size_t len = read_file(place->path, &bytes);
	assert_true(root > 1 && root <= len / page_size && len % page_size == 0);
	OWNED_FREE unsigned char *more = malloc(len + page_size);
	assert_non_null(more);
	memcpy(more, bytes, len);
	memcpy(more + len, bytes + (root - 1) * page_size, page_size);
	fill_with_children(more + (root - 1) * page_size, len / page_size + 1);
	put_number(more + 28, 4, len / page_size + 1); /* pages in all */
	write_file(place->path, more, len + page_size);
	assert_not_loaded(place->path, "more than one of its size can hold");
}

/* Pages that are their own children. */
static void test_cycles_between_pages_end(void **state)
{
	const struct place *place = *state;
	make_capture(place->path);
	OWNED_FREE unsigned char *bytes = NULL;
	size_t len = read_file(place->path, &bytes);
	const size_t page_size = 4096;
	for (size_t victim = 1; victim < len / page_size; victim++) {
		OWNED_FREE unsigned char *damaged = malloc(len);
		assert_non_null(damaged);
		memcpy(damaged, bytes, len);
		/* An interior page (SQLite file format 1.6) with one hundred children: itself. */
		unsigned char *page = damaged + victim * page_size;
		memset(page, 0, page_size);
		page[0] = 5;
		page[4] = 100;
		page[5] = (unsigned char)(2048 >> 8);
		page[11] = (unsigned char)(victim + 1);
		for (size_t i = 0; i < 100; i++) {
			size_t cell = 2048 + 8 * i;
			page[12 + 2 * i] = (unsigned char)(cell >> 8);
			page[13 + 2 * i] = (unsigned char)cell;
			page[cell + 3] = (unsigned char)(victim + 1);
			page[cell + 4] = (unsigned char)i;
		}
		write_file(place->path, damaged, len);
		snapshot_destroy(load_damaged(place->path));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLACED(test_what_is_no_capture_is_refused_by_name),
		PLACED(test_altered_captures_are_refused),
		PLACED(test_truncated_captures_are_refused_or_read_right),
		PLACED(test_random_damage_never_does_more_than_fail),
		PLACED(test_every_hundredth_byte_may_be_wrong_in_turn_or_together),
		PLACED(test_a_small_file_that_says_very_much_is_refused),
		PLACED(test_cycles_between_pages_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
