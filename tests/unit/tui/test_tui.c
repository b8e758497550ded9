/* SPDX-License-Identifier: MIT */
#include "tui/tui.h"

#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <utmp.h>

#include <cmocka.h>

#include "base/clock.h"
#include "profile/snapshot_build.h"

/* The view runs in a child on a pseudo terminal; the test is the person in front of it. */

#define DEADLINE_NS  (20 * NS_PER_SECOND)
#define ENTER_SCREEN "\033[?1049h"
#define LEAVE_SCREEN "\033[?1049l"
#define SHOW_CURSOR  "\033[?25h"
#define MOUSE_ON     "\033[?1006;1000h"
#define MOUSE_OFF    "\033[?1006;1000l"

enum { EXIT_HANDLER = 77, EXIT_KIND = 100 };

/* What goes wrong in the child, if anything. */
enum plan { PLAN_NOTHING, PLAN_PUMP_FAILS, PLAN_SNAPSHOT_FAILS, PLAN_STOP, PLAN_CRASH };

struct terminal {
	pid_t child;
	int master;
	int slave; /* kept open, so that what the child leaves can be looked at */
	struct termios before;
	size_t output_len;
	char output[1 << 18]; /* all that was written, zero-terminated */
};

static bool pump(void *context, struct error *err)
{
	if (*(enum plan *)context == PLAN_PUMP_FAILS)
		return error_set(err, ERROR_NO_PROCESS, "pump");
	return true;
}

/* Ending on a signal is the program's business, not the view's. */
static bool are_signals_untouched(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGTSTP };
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		struct sigaction now;
		if (sigaction(signals[i], NULL, &now) != 0 || now.sa_handler != SIG_DFL)
			return false;
	}
	return true;
}

static bool take_snapshot(void *context, struct snapshot **ret, struct error *err)
{
	if (!are_signals_untouched())
		return error_set(err, ERROR_UNSAFE, "a handler of the view's");
	if (*(enum plan *)context == PLAN_SNAPSHOT_FAILS)
		return error_set(err, ERROR_NO_DATA, "snapshot");
	if (*(enum plan *)context == PLAN_CRASH)
		raise(SIGSEGV);
	if (!snapshot_create(ret, err))
		return false;
	(*ret)->target.pid = 4121;
	return true;
}

static bool is_stopping(void *context)
{
	return *(enum plan *)context == PLAN_STOP;
}

static void restore_and_exit(int signal_number)
{
	(void)signal_number;
	tui_restore_terminal();
	_exit(EXIT_HANDLER);
}

static void run_child(enum plan plan, int slave, const char *type)
{
	struct error err;
	struct tui_source source = {
		.context = &plan,
		.pump = pump,
		.snapshot = take_snapshot,
		.is_stopping = is_stopping,
	};
	if (login_tty(slave) != 0)
		_exit(1);
	setenv("TERM", type, 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	signal(SIGHUP, SIG_IGN);
	signal(SIGSEGV, restore_and_exit);
	_exit(tui_run(&source, &err) ? 0 : EXIT_KIND + (int)err.kind);
}

static void start(struct terminal *terminal, enum plan plan, const char *type)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	*terminal = (struct terminal){ 0 };
	assert_int_equal(openpty(&terminal->master, &terminal->slave, NULL, NULL, &size), 0);
	assert_int_equal(tcgetattr(terminal->slave, &terminal->before), 0);
	terminal->child = fork();
	if (terminal->child == 0) {
		close(terminal->master);
		run_child(plan, terminal->slave, type);
	}
	assert_true(terminal->child > 0);
}

/* Take in what the child has written within 50 ms. */
static void read_output(struct terminal *terminal)
{
	struct pollfd output = { .fd = terminal->master, .events = POLLIN };
	if (poll(&output, 1, 50) <= 0)
		return;
	ssize_t len = read(terminal->master, terminal->output + terminal->output_len,
			   sizeof(terminal->output) - terminal->output_len - 1);
	if (len > 0)
		terminal->output_len += (size_t)len;
	assert_true(terminal->output_len + 1 < sizeof(terminal->output));
}

static void wait_for(struct terminal *terminal, const char *text)
{
	uint64_t deadline_ns = clock_monotonic_ns() + DEADLINE_NS;
	while (!memmem(terminal->output, terminal->output_len, text, strlen(text))) {
		if (clock_monotonic_ns() > deadline_ns)
			fail_msg("never written: %s", text);
		read_output(terminal);
	}
}

static void press(struct terminal *terminal, const char *keys)
{
	assert_int_equal(write(terminal->master, keys, strlen(keys)), strlen(keys));
}

/* Wait for the child's end. Returns its exit code. */
static int wait_for_exit(struct terminal *terminal)
{
	int status;
	uint64_t deadline_ns = clock_monotonic_ns() + DEADLINE_NS;
	while (waitpid(terminal->child, &status, WNOHANG) != terminal->child) {
		if (clock_monotonic_ns() > deadline_ns) {
			kill(terminal->child, SIGKILL);
			fail_msg("the view did not end");
		}
		if (terminal->master >= 0)
			read_output(terminal);
		else
			poll(NULL, 0, 10);
	}
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static const char *last_of(const struct terminal *terminal, const char *text)
{
	const char *last = NULL;
	for (const char *at = terminal->output; (at = strstr(at, text)); at++)
		last = at;
	return last;
}

/* The terminal has its modes back, its first screen and its cursor. */
static void assert_restored(struct terminal *terminal)
{
	struct termios after;
	read_output(terminal);
	assert_int_equal(tcgetattr(terminal->slave, &after), 0);
	assert_int_equal(after.c_lflag, terminal->before.c_lflag);
	assert_int_equal(after.c_iflag, terminal->before.c_iflag);
	assert_int_equal(after.c_oflag, terminal->before.c_oflag);
	assert_memory_equal(after.c_cc, terminal->before.c_cc, sizeof(after.c_cc));
	assert_non_null(last_of(terminal, LEAVE_SCREEN));
	assert_true(last_of(terminal, LEAVE_SCREEN) > last_of(terminal, ENTER_SCREEN));
	assert_non_null(last_of(terminal, SHOW_CURSOR));
	assert_non_null(last_of(terminal, MOUSE_OFF));
	assert_true(last_of(terminal, MOUSE_OFF) > last_of(terminal, MOUSE_ON));
	close(terminal->master);
	close(terminal->slave);
}

static void test_quit_keys_give_the_terminal_back(void **state)
{
	(void)state;
	static const char *const keys[] = { "q", "\033[21~", "?xjjq", "\032\023q" };
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct terminal terminal;
		start(&terminal, PLAN_NOTHING, "xterm");
		wait_for(&terminal, "Waiting for the first samples.");
		press(&terminal, keys[i]);
		assert_int_equal(wait_for_exit(&terminal), 0);
		assert_restored(&terminal);
	}
}

static void test_failures_of_the_source_give_the_terminal_back(void **state)
{
	(void)state;
	static const struct {
		enum plan plan;
		enum error_kind kind;
	} cases[] = {
		{ PLAN_PUMP_FAILS, ERROR_NO_PROCESS },
		{ PLAN_SNAPSHOT_FAILS, ERROR_NO_DATA },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct terminal terminal;
		start(&terminal, cases[i].plan, "xterm");
		assert_int_equal(wait_for_exit(&terminal), EXIT_KIND + (int)cases[i].kind);
		assert_restored(&terminal);
	}
}

static void test_stopping_source_ends_the_view(void **state)
{
	(void)state;
	struct terminal terminal;
	start(&terminal, PLAN_STOP, "xterm");
	assert_int_equal(wait_for_exit(&terminal), 0);
	assert_restored(&terminal);
}

static void test_crash_handler_gives_the_terminal_back(void **state)
{
	(void)state;
	struct terminal terminal;
	start(&terminal, PLAN_CRASH, "xterm");
	assert_int_equal(wait_for_exit(&terminal), EXIT_HANDLER);
	assert_restored(&terminal);
}

static void test_keys_cannot_suspend_the_view(void **state)
{
	(void)state;
	struct terminal terminal;
	struct termios modes;
	start(&terminal, PLAN_NOTHING, "xterm");
	wait_for(&terminal, "4121");
	assert_int_equal(tcgetattr(terminal.slave, &modes), 0);
	assert_int_equal(modes.c_cc[VSUSP], _POSIX_VDISABLE);
	assert_false(modes.c_iflag & IXON);
	press(&terminal, "q");
	assert_int_equal(wait_for_exit(&terminal), 0);
	assert_restored(&terminal);
}

static void test_hang_up_ends_the_view(void **state)
{
	(void)state;
	struct terminal terminal;
	start(&terminal, PLAN_NOTHING, "xterm");
	wait_for(&terminal, "4121");
	close(terminal.slave);
	close(terminal.master);
	terminal.master = -1;
	assert_int_equal(wait_for_exit(&terminal), 0);
}

static void test_view_survives_any_size_of_window(void **state)
{
	(void)state;
	static const struct winsize sizes[] = {
		{ .ws_row = 1, .ws_col = 1 },  { .ws_row = 300, .ws_col = 1000 },
		{ .ws_row = 2, .ws_col = 90 }, { .ws_row = 10, .ws_col = 40 },
		{ .ws_row = 40, .ws_col = 3 }, { .ws_row = 24, .ws_col = 80 },
	};
	struct terminal terminal;
	start(&terminal, PLAN_NOTHING, "xterm");
	wait_for(&terminal, "4121");
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		assert_int_equal(ioctl(terminal.master, TIOCSWINSZ, &sizes[i]), 0);
		press(&terminal, "?j*");
		for (int reads = 0; reads < 5; reads++)
			read_output(&terminal);
	}
	press(&terminal, " ");
	wait_for(&terminal, "PAUSED");
	press(&terminal, "q");
	assert_int_equal(wait_for_exit(&terminal), 0);
	assert_restored(&terminal);
}

static void test_small_first_window_is_drawn(void **state)
{
	(void)state;
	struct terminal terminal;
	struct winsize size = { .ws_row = 1, .ws_col = 1 };
	start(&terminal, PLAN_NOTHING, "xterm");
	assert_int_equal(ioctl(terminal.master, TIOCSWINSZ, &size), 0);
	wait_for(&terminal, ENTER_SCREEN);
	press(&terminal, "q");
	assert_int_equal(wait_for_exit(&terminal), 0);
	assert_restored(&terminal);
}

static void test_terminal_that_cannot_show_it_is_refused(void **state)
{
	(void)state;
	static const char *const types[] = { "dumb", "no-such-terminal" };
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct terminal terminal;
		struct termios after;
		start(&terminal, PLAN_NOTHING, types[i]);
		assert_int_equal(wait_for_exit(&terminal), EXIT_KIND + ERROR_INTERNAL);
		assert_int_equal(tcgetattr(terminal.slave, &after), 0);
		assert_int_equal(after.c_lflag, terminal.before.c_lflag);
		assert_null(strstr(terminal.output, "Waiting"));
		close(terminal.master);
		close(terminal.slave);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quit_keys_give_the_terminal_back),
		cmocka_unit_test(test_failures_of_the_source_give_the_terminal_back),
		cmocka_unit_test(test_stopping_source_ends_the_view),
		cmocka_unit_test(test_crash_handler_gives_the_terminal_back),
		cmocka_unit_test(test_keys_cannot_suspend_the_view),
		cmocka_unit_test(test_hang_up_ends_the_view),
		cmocka_unit_test(test_view_survives_any_size_of_window),
		cmocka_unit_test(test_small_first_window_is_drawn),
		cmocka_unit_test(test_terminal_that_cannot_show_it_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
