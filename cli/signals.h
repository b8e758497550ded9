/* SPDX-License-Identifier: MIT */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

/**
 * @file
 * Signals sent to filtrace, as something to poll. SIGINT, SIGTERM, SIGHUP and SIGQUIT ask it to
 * end, SIGUSR1 to write now, SIGCHLD tells of the launched command. Signals that would stop
 * filtrace (SIGTSTP, ..) are ignored: threads of the target may be waiting for it.
 *
 * Where SIGHUP is to mean a new file, it still asks to end if it comes because the terminal went
 * away: from the kernel, or from a shell that passes it on when its terminal is gone.
 */

#include "base/error.h"

struct signals {
	int fd;		     /* readable (poll(2)) when there is something to take */
	bool is_stopping;    /* stays true once asked */
	bool wants_write;    /* the reader sets it back */
	bool can_rotate;     /* SIGHUP asks for a new file; the reader sets this */
	bool wants_new_file; /* the reader sets it back */
	bool has_terminal;   /* it controlled the process at the beginning */
	int to_forward;	     /* a signal that some process sent to filtrace alone; 0: none. A
			      * terminal's signals have reached the launched command as well */
};

/** Take over the process's signals: to be called before any thread starts. SIGPIPE is ignored too.
 *  Errors: ERROR_INTERNAL. signals_deinit() closes the descriptor and leaves them blocked. */
MUST_CHECK bool signals_init(struct signals *ret, struct error *err);
void signals_deinit(struct signals *signals);

/** Take note of every signal that has arrived. Does not block. */
void signals_take(struct signals *signals);

/** Wait until a signal arrives, `other_fd` (-1: none) is readable, or `timeout_ms` has passed
 *  (-1: for ever); then signals_take(). */
void signals_wait(struct signals *signals, int other_fd, int timeout_ms);

/** Undo signals_init() in a child between fork and exec. Async-signal-safe. */
void signals_restore_in_child(void);

/** Call `restore` (async-signal-safe) when filtrace itself crashes, before it dies of it. */
void signals_on_crash(void (*restore)(void));

#endif
