/* SPDX-License-Identifier: MIT */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

/**
 * @file
 * One attach, from planting to lifting. A thread of the session's own traces and does nothing slow;
 * the caller's thread, which all these functions belong to, sees profile and snapshots.
 *
 * However a session ends, its target is released: by session_stop(), by session_destroy(), by the
 * target's own end or by a failure of the thread that traces.
 */

#include "profile/snapshot.h"
#include "tracer/tracer.h"

struct session;

struct session_options {
	int pid;
	bool is_launched; /* just now: it may not be an interpreter yet */
	struct tracer_options sampling;
};

enum session_state {
	SESSION_ATTACHING,
	SESSION_TRACING,
	SESSION_ENDED, /* nothing is done to the target any more */
};

/** Begin to attach. All signals that filtrace takes must be blocked. session_destroy() gives the
 *  session back and takes NULL. Errors: ERROR_NO_MEMORY, ERROR_INTERNAL. */
MUST_CHECK bool session_create(const struct session_options *options, struct session **ret,
			       struct error *err);
void session_destroy(struct session *session);

enum session_state session_state(const struct session *session);

/** A descriptor that is readable when the state has changed, until session_pump(). */
int session_fd(const struct session *session);

/** Take in what has happened since. To be called ten times a second or more often.
 *  Errors: ERROR_NO_MEMORY. */
MUST_CHECK bool session_pump(struct session *session, struct error *err);

/** Pump, and describe this instant, or the last one that was traced. snapshot_destroy() gives it
 *  back. Errors: ERROR_NO_DATA (never got as far as tracing), ERROR_NO_MEMORY. */
MUST_CHECK bool session_snapshot(struct session *session, struct snapshot **ret, struct error *err);

/** Measure growth anew from now on: the warm-up is over. Errors: those of session_pump(). */
MUST_CHECK bool session_restart_growth(struct session *session, struct error *err);

/** Release the target and wait until that is done. May be called again. The target having ended is
 *  no error once it was traced. Errors: what ended the session before it was asked to, with the
 *  kind of the failed part, and those of session_pump(). */
MUST_CHECK bool session_stop(struct session *session, struct error *err);

/** Tracing has begun, even if it has ended since: there is something to describe. */
bool session_was_traced(const struct session *session);

/** The target has ended. */
bool session_has_exited(const struct session *session);

/** Nothing is planted in the target any more. Whether it was traced is another question. */
bool session_is_released(const struct session *session);

/** When tracing began (CLOCK_MONOTONIC). To be asked once it has. */
uint64_t session_start_ns(const struct session *session);

/** "3.11.7". To be asked once tracing has begun. */
const char *session_python(const struct session *session);

/** What is to be known about the target before its figures are read; NULL: nothing. */
const char *session_note(const struct session *session);

/** The target has had more code than is told apart, as of the last pump: some frames have no line,
 * or no name. */
bool session_is_crowded(const struct session *session);

/** The tracer's figures as of the last pump, as far as they are possible. */
void session_stats(const struct session *session, struct tracer_stats *ret);

#endif
