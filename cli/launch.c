/* SPDX-License-Identifier: MIT */
#include "cli/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "cli/exit_code.h"

/* The child's part: wait for the word, then be the command. */
_Noreturn static void become(char **command, int go_fd, int failure_fd)
{
	char go;
	if (read(go_fd, &go, 1) != 1)
		_exit(EXIT_DONE);

	signals_restore_in_child();
	execvp(command[0], command);
	int os_errno = errno;
	if (write(failure_fd, &os_errno, sizeof(os_errno)) != (ssize_t)sizeof(os_errno))
		_exit(EXIT_INTERNAL_ERROR);
	_exit(os_errno == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}

bool child_init(struct child *ret, char **command, struct error *err)
{
	int go[2];
	int failure[2];
	if (pipe2(go, O_CLOEXEC))
		return error_set_errno(err, ERROR_INTERNAL, "cannot start %s", command[0]);
	OWNED_FD int go_read = go[0];
	OWNED_FD int go_write = go[1];
	if (pipe2(failure, O_CLOEXEC))
		return error_set_errno(err, ERROR_INTERNAL, "cannot start %s", command[0]);
	OWNED_FD int failure_read = failure[0];
	OWNED_FD int failure_write = failure[1];

	int pid = fork();
	if (pid < 0)
		return error_set_errno(err, ERROR_INTERNAL, "cannot start %s", command[0]);
	if (pid == 0) {
		close(go_write);
		become(command, go_read, failure_write);
	}
	*ret = (struct child){
		.pid = pid,
		.go_fd = MOVE_FD(go_write),
		.failure_fd = MOVE_FD(failure_read),
	};
	return true;
}

static bool reap(struct child *child, int flags, struct error *err)
{
	int pid;
	do {
		pid = waitpid(child->pid, &child->wait_status, flags);
	} while (pid < 0 && errno == EINTR);
	if (pid < 0)
		return error_set_errno(err, ERROR_INTERNAL, "the status of process %d is lost",
				       child->pid);
	child->has_ended = pid > 0;
	return true;
}

void child_deinit(struct child *child)
{
	struct error ignored;
	bool is_waiting = child->go_fd >= 0;
	cleanup_fd(&child->go_fd);
	cleanup_fd(&child->failure_fd);
	if (is_waiting && !child->has_ended)
		(void)!reap(child, 0, &ignored);
	*child = (struct child){ .go_fd = -1, .failure_fd = -1 };
}

bool child_run(struct child *child, const char *command, struct error *err)
{
	if (write(child->go_fd, "", 1) != 1)
		return error_set_errno(err, ERROR_INTERNAL, "cannot start %s", command);
	cleanup_fd(&child->go_fd);
	child->go_fd = -1;

	int os_errno;
	ssize_t got;
	do {
		got = read(child->failure_fd, &os_errno, sizeof(os_errno));
	} while (got < 0 && errno == EINTR);
	cleanup_fd(&child->failure_fd);
	child->failure_fd = -1;
	if (got != (ssize_t)sizeof(os_errno))
		return true;
	if (!reap(child, 0, err))
		return false;
	return error_set(err, ERROR_NO_PROCESS, "cannot run %s: %s", command, strerror(os_errno));
}

bool child_wait(struct child *child, struct signals *signals, struct error *err)
{
	while (!child->has_ended) {
		if (signals->to_forward)
			kill(child->pid, signals->to_forward);
		signals->to_forward = 0;
		if (!reap(child, WNOHANG, err))
			return false;
		if (!child->has_ended)
			signals_wait(signals, -1, -1);
	}
	return true;
}
