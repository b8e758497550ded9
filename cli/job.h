/* SPDX-License-Identifier: MIT */
#ifndef CLI_JOB_H
#define CLI_JOB_H

/**
 * @file
 * What the verbs that watch a process have in common: the target, attached or launched, the signals
 * that end the watch, and its release on every way out.
 */

#include "cli/exit_code.h"
#include "cli/launch.h"
#include "cli/messages.h"
#include "cli/options.h"
#include "cli/session.h"
#include "cli/signals.h"

struct job {
	const struct options *options;
	struct messages messages;
	struct signals signals;
	int pid;
	struct child child;	 /* of `-- CMD` */
	struct session *session; /* NULL until job_attach() */
	uint64_t start_ns;	 /* of the measurement: tracing has begun and the warm-up is over */
	uint64_t duration_ns;	 /* from then on; 0: without an end */
};

/** Take over the signals, and fork the command if there is one, which does not run yet. `options`
 *  must outlive the job. Errors: ERROR_INTERNAL, ERROR_NO_PROCESS. */
MUST_CHECK bool job_init(struct job *ret, const struct options *options, struct error *err);

/** Release the target, if it is still attached. */
void job_deinit(struct job *job);

/** Run the command, attach, say so, and trace through the warm-up, after which growth is measured
 *  anew. Errors: those of child_run() and of the session; ERROR_NO_DATA if told to end meanwhile.
 */
MUST_CHECK bool job_attach(struct job *job, struct error *err);

/** The time is over, a signal came, or there is nothing to trace any more. */
bool job_is_over(struct job *job);

/** What to do with a snapshot. */
struct job_tick {
	void *context;
	bool (*take)(void *context, const struct snapshot *snapshot, struct error *err);
	uint64_t (*bytes)(void *context); /* of the file it goes to, to be shown; NULL: none */
};

/** Trace until the job is over, and show how far it is. `tick` (NULL: nothing) gets a snapshot
 *  about every second, and at once after SIGUSR1, of which signals.wants_write tells it.
 *  Errors: those of `tick` and of the session's snapshots. */
MUST_CHECK bool job_trace(struct job *job, const struct job_tick *tick, struct error *err);

/** Release the target; `ret` gets the last picture, whatever else failed, or NULL if there is none.
 *  Errors: what ended the session before its time. */
MUST_CHECK bool job_detach(struct job *job, struct snapshot **ret, struct error *err);

/** "detached, 1234 runs on", "1234 has ended", or that gates were left. To be asked after
 *  job_detach(). */
const char *job_farewell(const struct job *job, char *ret, size_t size);

/** Let the command end and take its status; release the target first. Does nothing if there is no
 *  command that runs. Errors: ERROR_INTERNAL. */
MUST_CHECK bool job_wait_child(struct job *job, struct error *err);

#endif
