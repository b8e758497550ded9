/* SPDX-License-Identifier: MIT */
#include "cli/job.h"

#include "base/clock.h"
#include "tracer/process.h"

/* How often the session is pumped at least. */
static const uint64_t PUMP_NS = 100 * NS_PER_MS;
static const uint64_t TICK_NS = NS_PER_SECOND;

bool job_init(struct job *ret, const struct options *options, struct error *err)
{
	struct job job = {
		.options = options,
		.pid = options->pid,
		.child = { .go_fd = -1, .failure_fd = -1 },
		.duration_ns = options->duration_ns,
	};
	struct process process;
	messages_init(&job.messages, options);
	if (!options->command && !process_read(options->pid, &process, err))
		return error_set(err, ERROR_NO_PROCESS, "there is no process %d", options->pid);
	if (!signals_init(&job.signals, err))
		return false;
	job.signals.can_rotate = options->is_rotated;
	if (options->command) {
		if (!child_init(&job.child, options->command, err)) {
			signals_deinit(&job.signals);
			return false;
		}
		job.pid = job.child.pid;
	}
	*ret = job;
	return true;
}

void job_deinit(struct job *job)
{
	session_destroy(job->session);
	job->session = NULL;
	child_deinit(&job->child);
	signals_deinit(&job->signals);
}

/* Wait until `until_ns`, a signal, or, with a session, news of it. */
static void wait_until(struct job *job, uint64_t until_ns)
{
	uint64_t now_ns = clock_monotonic_ns();
	uint64_t wait_ns = until_ns > now_ns ? until_ns - now_ns : 0;
	if (wait_ns > PUMP_NS)
		wait_ns = PUMP_NS;
	signals_wait(&job->signals, job->session ? session_fd(job->session) : -1,
		     (int)((wait_ns + NS_PER_MS - 1) / NS_PER_MS));
}

static bool wait_attached(struct job *job, struct error *err)
{
	while (session_state(job->session) == SESSION_ATTACHING && !job->signals.is_stopping) {
		wait_until(job, UINT64_MAX);
		if (!session_pump(job->session, err))
			return false;
	}
	if (session_was_traced(job->session))
		return true;
	if (job->signals.is_stopping)
		return error_set(err, ERROR_NO_DATA, "told to end before %d was attached to",
				 job->pid);
	return session_stop(job->session, err);
}

static bool is_ended(const struct job *job)
{
	return job->signals.is_stopping || session_state(job->session) == SESSION_ENDED;
}

/* Memory that is filled once and then used again must not pass for growth: it is seen being filled
 * first. */
static bool warm_up(struct job *job, struct error *err)
{
	uint64_t until_ns = job->start_ns + job->options->warmup_ns;
	if (!job->options->warmup_ns)
		return true;
	while (!is_ended(job) && clock_monotonic_ns() < until_ns) {
		wait_until(job, until_ns);
		if (!session_pump(job->session, err))
			return false;
	}
	job->start_ns = clock_monotonic_ns();
	return session_restart_growth(job->session, err);
}

bool job_attach(struct job *job, struct error *err)
{
	const struct options *options = job->options;
	bool is_launched = options->command != NULL;
	if (is_launched && !child_run(&job->child, options->command[0], err))
		return false;

	const struct session_options session_options = {
		.pid = job->pid,
		.is_launched = is_launched,
		.sampling = {
			.sample_bytes = options->sample_bytes,
			.budget = options->budget,
			.max_stops_per_second = options->max_stops_per_second,
			.stop_kind = options->stops_at_traps ? TRACER_STOP_TRAP : TRACER_STOP_PARK,
		},
	};
	if (!session_create(&session_options, &job->session, err) || !wait_attached(job, err))
		return false;
	message_note(&job->messages, "attached to %d, CPython %s", job->pid,
		     session_python(job->session));
	if (session_note(job->session))
		message_note(&job->messages, "%s", session_note(job->session));
	job->start_ns = session_start_ns(job->session);
	return warm_up(job, err);
}

bool job_is_over(struct job *job)
{
	uint64_t measured_ns = clock_monotonic_ns() - job->start_ns;
	return is_ended(job) || (job->duration_ns && measured_ns >= job->duration_ns);
}

static bool call_tick(struct job *job, const struct job_tick *tick, struct error *err)
{
	OWNED_SNAPSHOT struct snapshot *snapshot = NULL;
	if (!session_snapshot(job->session, &snapshot, err))
		return false;
	if (tick && !tick->take(tick->context, snapshot, err))
		return false;
	message_progress(&job->messages, snapshot,
			 tick && tick->bytes ? tick->bytes(tick->context) : 0);
	return true;
}

bool job_trace(struct job *job, const struct job_tick *tick, struct error *err)
{
	uint64_t end_ns = job->duration_ns ? job->start_ns + job->duration_ns : UINT64_MAX;
	uint64_t tick_ns = clock_monotonic_ns() + TICK_NS;

	while (!job_is_over(job)) {
		wait_until(job, end_ns < tick_ns ? end_ns : tick_ns);
		if (!session_pump(job->session, err))
			return false;
		if (clock_monotonic_ns() < tick_ns && !job->signals.wants_write)
			continue;
		tick_ns = clock_monotonic_ns() + TICK_NS;
		if (!call_tick(job, tick, err))
			return false;
		job->signals.wants_write = false;
	}
	return true;
}

bool job_detach(struct job *job, struct snapshot **ret, struct error *err)
{
	struct error later;
	bool is_ok = session_stop(job->session, err);
	struct tracer_stats stats;
	session_stats(job->session, &stats);
	message_end_progress(&job->messages);
	message_detail(&job->messages,
		       "%" PRIu64 " stops, %" PRIu64
		       " lost; all threads stood still for %.2f ms at attach, %.2f ms at detach",
		       stats.stops, stats.lost, stats.attach_stopped_seconds * 1000,
		       stats.lift_stopped_seconds * 1000);
	message_detail(&job->messages,
		       "a stop took %.3f ms in the median, %.3f ms at 99%%, %.3f ms at most",
		       stats.median_stop_seconds * 1000, stats.p99_stop_seconds * 1000,
		       stats.longest_stop_seconds * 1000);
	message_detail(&job->messages,
		       "of that, %.3f ms (%.3f ms at 99%%) until filtrace saw the thread, "
		       "%.3f ms (%.3f ms) to look at it",
		       stats.median_seen_seconds * 1000, stats.p99_seen_seconds * 1000,
		       stats.median_look_seconds * 1000, stats.p99_look_seconds * 1000);

	if (session_is_crowded(job->session))
		message_note(&job->messages, "there is more code than is told apart: some lines"
					     " are missing, and some functions are [other code]");

	*ret = NULL;
	return session_snapshot(job->session, ret, is_ok ? err : &later) && is_ok;
}

const char *job_farewell(const struct job *job, char *ret, size_t size)
{
	if (session_has_exited(job->session))
		snprintf(ret, size, "%d has ended", job->pid);
	else
		snprintf(ret, size, "%s %d runs on",
			 session_is_released(job->session) ? "detached," : "not wholly detached:",
			 job->pid);
	return ret;
}

bool job_wait_child(struct job *job, struct error *err)
{
	bool is_running = job->child.pid && job->child.go_fd < 0 && !job->child.has_ended;
	if (!is_running)
		return true;
	session_destroy(job->session);
	job->session = NULL;
	return child_wait(&job->child, &job->signals, err);
}
