/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/messages.h"

/* What stands on stderr while it is something else. */
struct capture_of_stderr {
	int before;
	int reading;
};

static void redirect(struct capture_of_stderr *ret, int reading, int writing)
{
	ret->before = dup(STDERR_FILENO);
	ret->reading = reading;
	assert_true(ret->before >= 0);
	assert_int_equal(dup2(writing, STDERR_FILENO), STDERR_FILENO);
	close(writing);
}

/* Take back stderr; what was written meanwhile. */
static const char *restore(struct capture_of_stderr *captured)
{
	static char text[8192];
	assert_int_equal(dup2(captured->before, STDERR_FILENO), STDERR_FILENO);
	close(captured->before);
	assert_int_equal(fcntl(captured->reading, F_SETFL, O_NONBLOCK), 0);
	size_t len = 0;
	ssize_t got;
	while ((got = read(captured->reading, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)got;
	close(captured->reading);
	text[len] = '\0';
	return text;
}

static struct snapshot *snapshot_at(double seconds)
{
	static struct snapshot snapshot;
	snapshot = (struct snapshot){
		.capture = { .seconds = seconds, .samples = 5120 },
		.total = { .live_bytes.value = 3 << 20, .growth_bytes_per_second.value = 1024 },
	};
	return &snapshot;
}

static size_t count(const char *text, const char *part)
{
	size_t found = 0;
	for (; (text = strstr(text, part)); text++)
		found++;
	return found;
}

static void test_without_a_terminal_progress_is_a_line_a_minute(void **state)
{
	(void)state;
	struct capture_of_stderr captured;
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	redirect(&captured, ends[0], ends[1]);
	const struct options options = { 0 };
	struct messages messages;
	messages_init(&messages, &options);
	for (int second = 1; second <= 200; second++)
		message_progress(&messages, snapshot_at(second), second < 100 ? 0 : 1 << 19);
	const char *text = restore(&captured);
	assert_string_equal(text,
			    "filtrace: 60 s, 5,120 samples, live 3.0 MiB, growth 60.0 KiB/min\n"
			    "filtrace: 120 s, 5,120 samples, live 3.0 MiB, growth 60.0 KiB/min, "
			    "file 512 KiB\n"
			    "filtrace: 180 s, 5,120 samples, live 3.0 MiB, growth 60.0 KiB/min, "
			    "file 512 KiB\n");
}

static void test_nothing_is_said_if_quiet(void **state)
{
	(void)state;
	struct capture_of_stderr captured;
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	redirect(&captured, ends[0], ends[1]);
	const struct options options = { .is_quiet = true };
	struct messages messages;
	messages_init(&messages, &options);
	message_progress(&messages, snapshot_at(100), 1 << 20);
	assert_string_equal(restore(&captured), "");
}

/* A line that is longer than the terminal could not be taken back. */
static void test_on_a_terminal_progress_is_one_line_that_fits(void **state)
{
	(void)state;
	enum { COLUMNS = 40 };
	struct capture_of_stderr captured;
	int terminal = posix_openpt(O_RDWR | O_NOCTTY);
	assert_true(terminal >= 0);
	assert_int_equal(grantpt(terminal) | unlockpt(terminal), 0);
	int far_end = open(ptsname(terminal), O_RDWR | O_NOCTTY);
	assert_true(far_end >= 0);
	const struct winsize size = { .ws_row = 24, .ws_col = COLUMNS };
	assert_int_equal(ioctl(far_end, TIOCSWINSZ, &size), 0);
	redirect(&captured, terminal, far_end);
	const struct options options = { .color = COLOR_NEVER };
	struct messages messages;
	messages_init(&messages, &options);
	message_progress(&messages, snapshot_at(1), 1 << 20);
	message_progress(&messages, snapshot_at(2), 1 << 20);
	message_note(&messages, "done");
	const char *text = restore(&captured);

	assert_int_equal(count(text, "\r\033[K"), 3); /* once more before the note */
	assert_int_equal(count(text, "\n"), 1);
	assert_non_null(strstr(text, "filtrace: 2 s, 5,120 samples"));
	const char *progress = strstr(text, "filtrace: 1 s");
	assert_non_null(progress);
	assert_true(strcspn(progress, "\r") < COLUMNS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_a_terminal_progress_is_a_line_a_minute),
		cmocka_unit_test(test_nothing_is_said_if_quiet),
		cmocka_unit_test(test_on_a_terminal_progress_is_one_line_that_fits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
