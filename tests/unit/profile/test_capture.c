/* SPDX-License-Identifier: MIT */
#include "profile/capture.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/unit/profile/capture_place.h"

static void test_a_closed_capture_holds_the_last_snapshot_exactly(void **state)
{
	const struct place *place = *state;
	OWNED_PROFILE struct profile *profile = new_profile();
	struct capture *capture = create(place->path);
	uint64_t seed = 1;
	for (int second = 1; second <= 100; second++) {
		churn(profile, second, &seed);
		write_snapshot(capture, profile, second + 0.5);
	}
	/* Nothing moves by a percent any more, but closing tells all. */
	write_snapshot(capture, profile, 100.6);
	finish(capture);

	OWNED_SNAPSHOT struct snapshot *expected = take_snapshot(profile, 100.6, 512);
	OWNED_SNAPSHOT struct snapshot *loaded = load(place->path);
	assert_true(expected->stack_count > 50);
	assert_same_snapshot(expected, loaded);
}

static void test_a_thread_that_joins_a_known_stack_is_noted(void **state)
{
	const struct place *place = *state;
	OWNED_PROFILE struct profile *profile = new_profile();
	const struct frame *path[] = { &capture_frames[0] };
	struct capture *capture = create(place->path);
	add_block(profile, 1, 0x1000, 10, 1, path, 1, MEMORY_MALLOC);
	write_snapshot(capture, profile, 1);
	const struct sample sample = {
		.time_ns = at_seconds(2),
		.block = 0x2000,
		.size_bytes = 10,
		.interval_bytes = 1,
		.kind = MEMORY_MALLOC,
		.thread = "worker",
		.frames = path,
		.frame_count = 1,
	};
	struct error err;
	assert_true(profile_add(profile, &sample, &err));
	write_snapshot(capture, profile, 2);
	finish(capture);
	OWNED_SNAPSHOT struct snapshot *loaded = load(place->path);
	assert_int_equal(loaded->stack_count, 1);
	assert_string_equal(loaded->stacks[0].thread, "[several threads]");
}

static void test_a_closed_capture_is_one_private_file(void **state)
{
	const struct place *place = *state;
	OWNED_PROFILE struct profile *profile = new_profile();
	mode_t mask = umask(0);
	struct capture *capture = create(place->path);
	umask(mask);
	write_snapshot(capture, profile, 1);
	struct stat info;
	assert_int_equal(stat(place->path, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0600);
	finish(capture);
	assert_int_equal(files_in(place), 1);
	assert_int_equal(stat(place->path, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0600);
}

static void test_the_sqlite3_command_answers_the_obvious_questions(void **state)
{
	const struct place *place = *state;
	skip_without_sqlite3();
	OWNED_PROFILE struct profile *profile = new_profile();
	struct capture *capture = create(place->path);
	const struct frame *path[] = { &capture_frames[0], &capture_frames[4] };
	const struct frame *passing[] = { &capture_frames[1] };
	for (int second = 1; second <= 20; second++) {
		add_block(profile, second, (raddr)second, 1000, 1, path, 2, MEMORY_MALLOC);
		add_block(profile, second, 0x100, 500, 1, passing, 1, MEMORY_PYMALLOC);
		write_snapshot(capture, profile, second);
	}
	profile_free(profile, 0x100, at_seconds(20.5));
	write_snapshot(capture, profile, 21);
	/* Still being written. */
	assert_string_equal(ask(place, "SELECT file, line, function, live_bytes, live_bytes_error,"
				       " pymalloc_bytes, malloc_bytes FROM sites"),
			    "app.py|1|f|20000.0|0.0|0.0|20000.0");
	finish(capture);

	assert_string_equal(ask(place, "SELECT kind, thread, live_bytes, frames FROM stacks"),
			    "malloc|MainThread|20000.0|app.py:1 f\n"
			    "/a/long/path/to/main.py:70000 outer");
	assert_string_equal(ask(place, "SELECT line, start_seconds, risen_bytes, fallen_bytes,"
				       " live_bytes FROM growth WHERE start_seconds >= 20"),
			    "1|20|1000.0|0.0|20000.0\n"
			    "2|21|0.0|500.0|0.0");
	assert_string_equal(ask(place, "SELECT count(*), max(live_bytes), max(rss_bytes)"
				       " FROM timeline"),
			    "21|20500.0|1073741824");
	assert_string_equal(ask(place, "SELECT text FROM argument ORDER BY position"),
			    "python3\napp.py");
	assert_string_equal(ask(place, "PRAGMA integrity_check"), "ok");
}

static void test_a_week_fits_into_a_thousand_buckets_and_loses_no_bytes(void **state)
{
	const struct place *place = *state;
	skip_without_sqlite3();
	OWNED_PROFILE struct profile *profile = new_profile();
	struct capture *capture = create(place->path);
	const struct frame *path[] = { &capture_frames[0] };
	const double week = 7 * 86400;
	raddr block = 0;
	for (double now = 1; now < week; now = now * 1.003 + 1) {
		add_block(profile, now, ++block, 1000, 1, path, 1, MEMORY_MALLOC);
		if (block % 3 == 0)
			profile_free(profile, block / 2, at_seconds(now));
		write_snapshot(capture, profile, now);
	}
	write_snapshot(capture, profile, week);
	finish(capture);

	OWNED_SNAPSHOT struct snapshot *loaded = load(place->path);
	char expected[64];
	snprintf(expected, sizeof(expected), "%.1f", loaded->total.live_bytes.value);
	assert_string_equal(ask(place, "SELECT sum(risen_bytes - fallen_bytes) FROM bucket"),
			    expected);
	assert_string_equal(ask(place, "SELECT live_bytes FROM bucket ORDER BY start_seconds DESC"
				       " LIMIT 1"),
			    expected);
	assert_string_equal(
		ask(place, "SELECT value, (SELECT count(*) FROM timeline) BETWEEN 100 AND 1025,"
			   " (SELECT count(*) FROM bucket WHERE start_seconds % value != 0)"
			   " FROM meta WHERE key = 'bucket_seconds'"),
		"1024|1|0");
}

static void test_rows_are_never_more_than_a_percent_behind_while_writing(void **state)
{
	const struct place *place = *state;
	OWNED_PROFILE struct profile *profile = new_profile();
	struct capture *capture = create(place->path);
	uint64_t seed = 4;
	churn(profile, 1, &seed);
	for (double now = 2; now < 300; now += 1) {
		write_snapshot(capture, profile, now);
		OWNED_SNAPSHOT struct snapshot *loaded = load(place->path);
		OWNED_SNAPSHOT struct snapshot *expected = take_snapshot(profile, now, 512);
		assert_same_figures(&loaded->total, &expected->total);
		for (size_t i = 0; i < loaded->site_count; i++) {
			const struct figures *found = &loaded->sites[i].figures;
			const struct figures *exact = &expected->sites[i].figures;
			assert_same_estimate(&found->live_bytes, &exact->live_bytes);
			assert_float_equal(found->growth_bytes_per_second.value,
					   exact->growth_bytes_per_second.value,
					   0.01 * fmax(exact->growth_bytes_per_second.error,
						       fabs(exact->growth_bytes_per_second.value)));
		}
	}
	capture_abandon(capture);
}

/* As after a rotation. */
static void test_a_capture_that_begins_late_begins_with_short_buckets(void **state)
{
	const struct place *place = *state;
	skip_without_sqlite3();
	OWNED_PROFILE struct profile *profile = new_profile();
	struct capture *capture = create(place->path);
	const struct frame *path[] = { &capture_frames[0] };
	const int week = 7 * 86400;
	for (int second = week; second < week + 1000; second++) {
		add_block(profile, second, (raddr)second, 1000, 1, path, 1, MEMORY_MALLOC);
		write_snapshot(capture, profile, second);
	}
	finish(capture);
	assert_string_equal(ask(place, "SELECT value, (SELECT count(*) FROM timeline) FROM meta"
				       " WHERE key = 'bucket_seconds'"),
			    "1|1000");
}

static void test_only_what_was_closed_is_finished(void **state)
{
	const struct place *place = *state;
	OWNED_PROFILE struct profile *profile = new_profile();
	struct capture *capture = create(place->path);
	bool is_folded = false;
	struct error err;
	write_snapshot(capture, profile, 1);
	assert_true(capture_sync(capture, &is_folded, &err) && is_folded);
	OWNED_SNAPSHOT struct snapshot *running = load(place->path);
	assert_true(running->capture.is_unfinished);
	write_snapshot(capture, profile, 2);
	finish(capture);
	OWNED_SNAPSHOT struct snapshot *closed = load(place->path);
	assert_false(closed->capture.is_unfinished);
}

/* What was read stays so until the reader is done: the log cannot be emptied. */
static void test_a_reader_delays_the_folding_of_the_log_and_loses_nothing(void **state)
{
	const struct place *place = *state;
	skip_without_sqlite3();
	OWNED_PROFILE struct profile *profile = new_profile();
	struct capture *capture = create(place->path);
	bool is_folded = true;
	struct error err;
	uint64_t seed = 9;
	churn(profile, 1, &seed);
	write_snapshot(capture, profile, 1);

	char command[256];
	snprintf(command, sizeof(command),
		 "sqlite3 -batch '%s' 'begin; select count(*) from meta' '.shell cat'"
		 " >/dev/null",
		 place->path);
	FILE *reader = popen(command, "w"); /* which ends when nothing more comes */
	assert_non_null(reader);
	churn(profile, 2, &seed);
	for (int tries = 0; is_folded; tries++) {
		assert_true(tries < 1000);
		usleep(10000);
		write_snapshot(capture, profile, 2);
		assert_true(capture_sync(capture, &is_folded, &err));
	}
	assert_int_equal(pclose(reader), 0);
	assert_true(capture_sync(capture, &is_folded, &err));
	assert_true(is_folded);
	write_snapshot(capture, profile, 3);
	finish(capture);
	assert_int_equal(files_in(place), 1);
	OWNED_SNAPSHOT struct snapshot *expected = take_snapshot(profile, 3, 512);
	OWNED_SNAPSHOT struct snapshot *loaded = load(place->path);
	assert_same_snapshot(expected, loaded);
}

static void test_a_deleted_file_is_an_error_and_a_moved_one_is_not(void **state)
{
	const struct place *place = *state;
	OWNED_PROFILE struct profile *profile = new_profile();
	struct capture *capture = create(place->path);
	char moved[160];
	snprintf(moved, sizeof(moved), "%s/moved", place->directory);
	write_snapshot(capture, profile, 1);
	assert_true(capture_is_at(capture, place->path));
	assert_int_equal(rename(place->path, moved), 0);
	assert_false(capture_is_at(capture, place->path));
	assert_true(capture_is_at(capture, moved));
	write_snapshot(capture, profile, 2);

	assert_int_equal(unlink(moved), 0);
	OWNED_SNAPSHOT struct snapshot *snapshot = take_snapshot(profile, 3, 512);
	struct error err;
	assert_false(capture_write(capture, snapshot, &err));
	assert_int_equal(err.kind, ERROR_FILE);
	assert_non_null(strstr(err.context, "was deleted"));
	capture_abandon(capture);
}

/* The system gives back all of a process's locks on a file when it closes any descriptor of it. */
static void test_a_capture_stays_locked_against_those_who_would_tidy_up(void **state)
{
	const struct place *place = *state;
	skip_without_sqlite3();
	OWNED_PROFILE struct profile *profile = new_profile();
	struct capture *capture = create(place->path);
	for (int second = 1; second <= 5; second++) {
		write_snapshot(capture, profile, second);
		/* Whoever closes a database last deletes its log. */
		assert_int_equal(atoi(ask(place, "SELECT count(*) FROM timeline")), second);
		assert_int_equal(files_in(place), 3);
	}
	finish(capture);
}

/* Write until killed. */
static void write_for_ever(const char *path)
{
	struct profile *profile = new_profile();
	struct capture *capture = create(path);
	uint64_t seed = 2;
	for (int second = 1;; second++) {
		churn(profile, second, &seed);
		write_snapshot(capture, profile, second);
	}
}

static void test_a_capture_can_be_read_after_its_writer_was_killed_at_any_moment(void **state)
{
	const struct place *place = *state;
	skip_without_sqlite3();
	for (unsigned round = 0; round < 20; round++) {
		pid_t writer = fork();
		assert_true(writer >= 0);
		if (writer == 0) {
			write_for_ever(place->path);
			_exit(1);
		}
		/* Wait for data by reading while it writes, then kill at some later moment. */
		struct snapshot *snapshot = NULL;
		struct error err;
		for (int tries = 0; !snapshot; tries++) {
			assert_true(tries < 10000);
			if (!capture_load(place->path, &snapshot, &err))
				usleep(1000);
		}
		snapshot_destroy(snapshot);
		usleep(1000 * round);
		assert_int_equal(kill(writer, SIGKILL), 0);
		int status;
		assert_int_equal(waitpid(writer, &status, 0), writer);
		assert_true(WIFSIGNALED(status));

		OWNED_SNAPSHOT struct snapshot *loaded = load(place->path);
		assert_true(loaded->stack_count > 0 && loaded->total.live_bytes.value > 0);
		assert_string_equal(ask(place, "PRAGMA integrity_check"), "ok");
		assert_true(atoi(ask(place, "SELECT count(*) FROM sites")) > 0);
		OWNED_SNAPSHOT struct snapshot *again = load(place->path);
		assert_same_snapshot(loaded, again);
		assert_int_equal(unlink(place->path), 0);
	}
}

static void assert_not_created(const char *path, bool force, const char *because)
{
	struct capture *capture = NULL;
	struct error err;
	assert_false(capture_create(path, force, &capture, &err));
	assert_null(capture);
	assert_int_equal(err.kind, ERROR_FILE);
	if (!strstr(err.context, because))
		fail_msg("\"%s\" does not say \"%s\"", err.context, because);
}

static void test_no_file_is_overwritten_unless_forced_and_no_link_followed(void **state)
{
	const struct place *place = *state;
	char link[160], victim[160];
	snprintf(link, sizeof(link), "%s/link", place->directory);
	snprintf(victim, sizeof(victim), "%s/victim", place->directory);
	assert_int_equal(symlink(victim, link), 0);

	finish(create(place->path));
	assert_not_created(place->path, false, "exists already");
	assert_not_created(link, false, "exists already");
	assert_not_created(link, true, "not a regular file");
	assert_not_created(place->directory, true, "not a regular file");
	assert_not_created("/dev/null", true, "not a regular file");
	assert_not_created("/nowhere/at/all", false, "No such file or directory");
	assert_int_equal(access(victim, F_OK), -1);

	struct capture *capture;
	struct error err;
	assert_true(capture_create(place->path, true, &capture, &err));
	finish(capture);
}

static void test_names_that_sqlite_would_interpret_are_plain_files(void **state)
{
	const struct place *place = *state;
	static const char *const names[] = { ":memory:", "file:x?mode=memory" };
	OWNED_FREE char *here = getcwd(NULL, 0);
	assert_int_equal(chdir(place->directory), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		finish(create(names[i]));
		assert_int_equal(access(names[i], F_OK), 0);
	}
	assert_int_equal(chdir(here), 0);
	assert_int_equal(files_in(place), ARRAY_LEN(names));
}

static void test_a_full_disk_is_an_error_and_what_was_written_stays(void **state)
{
	const struct place *place = *state;
	OWNED_PROFILE struct profile *profile = new_profile();
	struct capture *capture = create(place->path);
	uint64_t seed = 3;
	churn(profile, 1, &seed);
	write_snapshot(capture, profile, 1);

	struct rlimit before;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	struct rlimit small = { .rlim_cur = 256 * 1024, .rlim_max = before.rlim_max };
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	struct error err;
	bool is_written = true;
	for (int second = 2; is_written && second < 200; second++) {
		churn(profile, second, &seed);
		OWNED_SNAPSHOT struct snapshot *snapshot = take_snapshot(profile, second, 512);
		is_written = capture_write(capture, snapshot, &err);
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_false(is_written);
	assert_int_equal(err.kind, ERROR_FILE);

	OWNED_SNAPSHOT struct snapshot *snapshot = take_snapshot(profile, 300, 512);
	assert_false(capture_write(capture, snapshot, &err));
	assert_false(capture_close(capture, &err));
	assert_int_equal(err.kind, ERROR_FILE);
	OWNED_SNAPSHOT struct snapshot *loaded = load(place->path);
	assert_true(loaded->total.live_bytes.value > 0);
}

static void test_a_file_that_cannot_be_begun_leaves_nothing_behind(void **state)
{
	const struct place *place = *state;
	static const rlim_t sizes[] = { 0, 1024, 4096, 16384 };
	struct rlimit before;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct rlimit small = { .rlim_cur = sizes[i], .rlim_max = before.rlim_max };
		struct capture *capture = NULL;
		struct error err;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		bool is_created = capture_create(place->path, false, &capture, &err);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
		assert_false(is_created);
		assert_null(capture);
		assert_int_equal(err.kind, ERROR_FILE);
		assert_int_equal(files_in(place), 0);
	}
	finish(create(place->path));
}

/* Command lines and names of threads are bytes; the text of a database is not. */
static void test_what_is_not_utf8_is_replaced(void **state)
{
	const struct place *place = *state;
	static const struct frame frame = { "f\xff", "\xed\xa0\x80.py", 1 };
	const struct frame *path[] = { &frame };
	OWNED_PROFILE struct profile *profile = new_profile();
	struct capture *capture = create(place->path);
	add_block(profile, 1, 0x10, 1000, 1, path, 1, MEMORY_MALLOC);
	write_snapshot(capture, profile, 1);
	finish(capture);

	OWNED_SNAPSHOT struct snapshot *loaded = load(place->path);
	assert_string_equal(loaded->sites[0].frame->function, "f\ufffd");
	assert_string_equal(loaded->sites[0].frame->file, "\ufffd\ufffd\ufffd.py");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLACED(test_a_closed_capture_holds_the_last_snapshot_exactly),
		PLACED(test_a_thread_that_joins_a_known_stack_is_noted),
		PLACED(test_a_closed_capture_is_one_private_file),
		PLACED(test_the_sqlite3_command_answers_the_obvious_questions),
		PLACED(test_a_week_fits_into_a_thousand_buckets_and_loses_no_bytes),
		PLACED(test_rows_are_never_more_than_a_percent_behind_while_writing),
		PLACED(test_a_capture_that_begins_late_begins_with_short_buckets),
		PLACED(test_only_what_was_closed_is_finished),
		PLACED(test_a_reader_delays_the_folding_of_the_log_and_loses_nothing),
		PLACED(test_a_deleted_file_is_an_error_and_a_moved_one_is_not),
		PLACED(test_a_capture_stays_locked_against_those_who_would_tidy_up),
		PLACED(test_a_capture_can_be_read_after_its_writer_was_killed_at_any_moment),
		PLACED(test_no_file_is_overwritten_unless_forced_and_no_link_followed),
		PLACED(test_names_that_sqlite_would_interpret_are_plain_files),
		PLACED(test_what_is_not_utf8_is_replaced),
		PLACED(test_a_file_that_cannot_be_begun_leaves_nothing_behind),
		PLACED(test_a_full_disk_is_an_error_and_what_was_written_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
