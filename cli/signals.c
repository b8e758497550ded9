/* SPDX-License-Identifier: MIT */
#include "cli/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

static const int taken[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGCHLD };
static const int ignored[] = { SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU };
static const int crashes[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };

static void fill_set(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < ARRAY_LEN(taken); i++)
		sigaddset(set, taken[i]);
}

/* tty(4): the process has a controlling terminal, which a hangup takes away. */
static bool has_terminal(void)
{
	OWNED_FD int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	return fd >= 0;
}

bool signals_init(struct signals *ret, struct error *err)
{
	sigset_t set;
	fill_set(&set);
	errno = pthread_sigmask(SIG_BLOCK, &set, NULL);
	int fd = errno ? -1 : signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return error_set_errno(err, ERROR_INTERNAL, "cannot take over the signals");

	for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
		signal(ignored[i], SIG_IGN);
	*ret = (struct signals){ .fd = fd, .has_terminal = has_terminal() };
	return true;
}

void signals_deinit(struct signals *signals)
{
	cleanup_fd(&signals->fd);
	signals->fd = -1;
}

static bool is_new_file_wanted(const struct signals *signals, const struct signalfd_siginfo *info)
{
	return signals->can_rotate && info->ssi_signo == SIGHUP && info->ssi_code != SI_KERNEL &&
	       (!signals->has_terminal || has_terminal());
}

static void take_one(struct signals *signals, const struct signalfd_siginfo *info)
{
	int number = (int)info->ssi_signo;
	if (number == SIGCHLD)
		return;
	if (number == SIGUSR1) {
		signals->wants_write = true;
		return;
	}
	if (is_new_file_wanted(signals, info)) {
		signals->wants_new_file = true;
		return;
	}
	signals->is_stopping = true;
	if (info->ssi_code != SI_KERNEL)
		signals->to_forward = number;
}

void signals_take(struct signals *signals)
{
	struct signalfd_siginfo info;
	while (read(signals->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		take_one(signals, &info);
}

void signals_wait(struct signals *signals, int other_fd, int timeout_ms)
{
	struct pollfd fds[] = {
		{ .fd = signals->fd, .events = POLLIN },
		{ .fd = other_fd, .events = POLLIN },
	};
	poll(fds, ARRAY_LEN(fds), timeout_ms);
	signals_take(signals);
}

void signals_restore_in_child(void)
{
	sigset_t set;
	fill_set(&set);
	for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
		signal(ignored[i], SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void (*crash_restore)(void);

/* SA_RESETHAND has put the default back: the signal raised again ends the process. */
static void on_crash(int number)
{
	crash_restore();
	raise(number);
}

void signals_on_crash(void (*restore)(void))
{
	crash_restore = restore;
	struct sigaction action = { .sa_handler = on_crash, .sa_flags = (int)SA_RESETHAND };
	for (size_t i = 0; i < ARRAY_LEN(crashes); i++)
		sigaction(crashes[i], &action, NULL);
}
