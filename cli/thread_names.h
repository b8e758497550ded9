/* SPDX-License-Identifier: MIT */
#ifndef CLI_THREAD_NAMES_H
#define CLI_THREAD_NAMES_H

/**
 * @file
 * Names of the target's threads, by thread id, without a system call for a thread that was seen
 * before.
 */

#include "base/error.h"
#include "base/frame.h"

/** A name, interned: equal names are one object, which lives as long as the names do. */
struct thread_name {
	const char *text;		  /* "MainThread" for the main thread */
	const struct frame *native_frame; /* for the user to keep; NULL at first */
};

struct thread_names;

/** Errors: ERROR_NO_PROCESS, ERROR_NO_MEMORY. thread_names_destroy() takes NULL. */
MUST_CHECK bool thread_names_create(int pid, struct thread_names **ret, struct error *err);
void thread_names_destroy(struct thread_names *names);

/** The name of a thread, whose id is of the target's own pid namespace; a name that says so if it
 *  cannot be told. Never NULL. A thread that was renamed since, or whose id was given to another,
 *  keeps its old name until it is refreshed. A thread that was never seen costs some 40 us: its
 * name is read at once, for it may have ended a moment later. */
struct thread_name *thread_names_find(struct thread_names *names, int tid);

/** Read the name of one thread again, each call of the next one, and forget it if it has ended. */
void thread_names_refresh(struct thread_names *names);

#endif
