/* SPDX-License-Identifier: MIT */
#include "cli/session.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/event_queue.h"
#include "cli/attachment.h"
#include "cli/event.h"
#include "cli/listener.h"
#include "cli/memory_limit.h"
#include "cli/possible.h"
#include "cli/told_stack.h"
#include "cli/trend.h"
#include "profile/profile.h"
#include "tracer/process.h"

static const size_t QUEUE_MAX_BYTES = 32 << 20;

enum { PROMPT_NICE = -15, PROMPT_SLICE_NS = 100000 };

/* How long the thread that traces stays away from its other duties. */
static const uint64_t SLICE_NS = 50 * NS_PER_MS;

struct session {
	struct session_options options;
	struct event_queue *queue;
	pthread_t thread;
	int state_fd;		   /* eventfd */
	atomic_bool is_stop_asked; /* to the thread: lift */
	sem_t may_close;	   /* to the thread: nobody uses its frames any more */

	/* Written by the thread before it publishes the state; constant from then on. */
	_Atomic(enum session_state) state;
	uint64_t start_ns; /* TRACING; 0 if it never came to that */
	uint64_t start_realtime_ns;
	char python[32];
	const char *note; /* static storage, or NULL */
	uint64_t end_ns;  /* ENDED */
	bool has_exited;
	bool is_released;
	bool has_failed;
	struct error failure;

	/* The caller's. */
	struct profile *profile;
	struct told_stack told;
	char **command;
	uint64_t samples;
	uint64_t refused;
	bool is_crowded;
	struct tracer_stats stats;
	int most_threads; /* that were seen at a time */
	uint64_t rss_bytes;
	double uptime_seconds;
	uint64_t memory_limit_bytes;
	struct trend rss_trend;
};

/* The thread that traces. */

static void publish(struct session *session, enum session_state state)
{
	atomic_store(&session->state, state);
	eventfd_write(session->state_fd, 1);
}

static bool serve(struct session *session, struct tracer *tracer, struct listener *listener,
		  struct error *err)
{
	while (!atomic_load(&session->is_stop_asked)) {
		if (!tracer_serve(tracer, SLICE_NS, err)) {
			session->has_exited = err->kind == ERROR_NO_PROCESS;
			return session->has_exited;
		}
		if (!listener_trusts(listener, err))
			return false;
		listener_idle(listener, tracer);
	}
	return true;
}

static bool release(const struct session *session, const struct attachment *attachment,
		    struct error *err)
{
	struct error failure;
	if (!tracer_lift(attachment->tracer, err))
		return false;
	if (pyframes_is_finalizing(attachment->py) ||
	    attachment_clean_up(session->options.pid, &failure) ||
	    pyframes_is_finalizing(attachment->py))
		return true;
	*err = failure;
	return false;
}

/* sched_setattr(2), for which C libraries have a declaration or have not. */
struct scheduling {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns; /* for SCHED_OTHER the slice, since Linux 6.12 */
	uint64_t deadline_ns;
	uint64_t period_ns;
};

/* From now on threads of the target wait for this one: it should get a processor as soon as it asks
 * for one, which it does not do often. With a short slice it need not wait for the end of another's
 * (Linux 6.12). Being nice is for root alone to give up; nothing depends on either. */
static void be_prompt(void)
{
	struct scheduling scheduling = { .size = sizeof(scheduling),
					 .policy = SCHED_OTHER,
					 .nice = PROMPT_NICE,
					 .runtime_ns = PROMPT_SLICE_NS };
	if (syscall(SYS_sched_setattr, 0, &scheduling, 0) == 0)
		return;
	scheduling.nice = getpriority(PRIO_PROCESS, (id_t)gettid());
	(void)syscall(SYS_sched_setattr, 0, &scheduling, 0);
}

static bool plant_and_serve(struct session *session, const struct attachment *attachment,
			    struct listener *listener, struct error *err)
{
	const struct tracer_listener callbacks = listener_callbacks(listener);
	struct tracer *tracer = attachment->tracer;
	be_prompt();
	uint64_t start_ns = clock_monotonic_ns();
	uint64_t start_realtime_ns = clock_realtime_ns();
	if (!tracer_plant(tracer, attachment->specs, attachment->spec_count,
			  &session->options.sampling, &callbacks, err))
		return false;
	session->start_ns = start_ns;
	session->start_realtime_ns = start_realtime_ns;
	snprintf(session->python, sizeof(session->python), "%s", pyframes_version(attachment->py));
	session->note = pyframes_note(attachment->py);
	publish(session, SESSION_TRACING);

	bool is_served = serve(session, tracer, listener, err);
	session->end_ns = clock_monotonic_ns();
	struct error later;
	session->is_released = release(session, attachment, is_served ? err : &later);
	listener_idle(listener, tracer); /* the last figures */
	if (session->is_released)
		return is_served;

	const struct error *why = is_served ? err : &later;
	session->has_exited |= why->kind == ERROR_NO_PROCESS;
	return is_served ? false : error_context(err, "and detaching failed (%s)", why->context);
}

static void *trace(void *argument)
{
	struct session *session = argument;
	struct attachment attachment = { 0 };
	struct listener listener = { 0 };

	bool is_ok =
		attachment_init(&attachment, session->options.pid, session->options.is_launched,
				&session->is_stop_asked, &session->failure) &&
		listener_init(&listener, session->options.pid, session->queue, attachment.py,
			      &session->failure) &&
		plant_and_serve(session, &attachment, &listener, &session->failure);
	session->has_failed = !is_ok;
	publish(session, SESSION_ENDED);

	while (sem_wait(&session->may_close) && errno == EINTR)
		;
	listener_deinit(&listener);
	attachment_deinit(&attachment);
	return NULL;
}

/* Signals are the business of the caller's thread alone, but for those of a fault, which ends the
 * program at once where it is blocked. */
static int start_thread(struct session *session)
{
	static const int faults[] = { SIGBUS, SIGSEGV, SIGILL, SIGFPE, SIGTRAP };
	sigset_t all;
	sigset_t before;
	sigfillset(&all);
	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		sigdelset(&all, faults[i]);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int os_errno = pthread_create(&session->thread, NULL, trace, session);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return os_errno;
}

/* The caller's thread. */

static void session_free(struct session *session)
{
	event_queue_destroy(session->queue);
	free(session->command);
	cleanup_fd(&session->state_fd);
	sem_destroy(&session->may_close);
	free(session);
}

bool session_create(const struct session_options *options, struct session **ret, struct error *err)
{
	struct session *session = calloc(1, sizeof(*session));
	if (!session)
		return error_set(err, ERROR_NO_MEMORY, "session");
	session->options = *options;
	sem_init(&session->may_close, 0, 0);
	session->state_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	bool is_ok = session->state_fd >= 0 ||
		     error_set_errno(err, ERROR_INTERNAL, "cannot create an event descriptor");
	is_ok = is_ok && event_queue_create(QUEUE_MAX_BYTES, &session->queue, err);
	if (is_ok) {
		errno = start_thread(session);
		is_ok = errno == 0 || error_set_errno(err, ERROR_INTERNAL, "cannot start a thread");
	}
	if (!is_ok) {
		session_free(session);
		return false;
	}
	*ret = session;
	return true;
}

void session_destroy(struct session *session)
{
	if (!session)
		return;
	atomic_store(&session->is_stop_asked, true);
	profile_destroy(session->profile);
	sem_post(&session->may_close);
	pthread_join(session->thread, NULL);
	session_free(session);
}

enum session_state session_state(const struct session *session)
{
	return atomic_load(&session->state);
}

int session_fd(const struct session *session)
{
	return session->state_fd;
}

static bool take_sample(struct session *session, const struct sample_event *event,
			struct error *err)
{
	const struct frame *frames[FRAME_DEPTH_MAX];
	struct sample sample = event->sample;
	told_stack_hear(&session->told, event->frames, event->new_frame_count, sample.frame_count,
			frames);
	sample.frames = frames;
	session->samples++;
	return profile_add(session->profile, &sample, err);
}

static bool take_event(struct session *session, const void *record, struct error *err)
{
	const struct block_event *block = record;
	const struct stats_event *stats = record;

	switch (((const struct event *)record)->type) {
	case EVENT_SAMPLE:
		return take_sample(session, record, err);
	case EVENT_FREE:
		profile_free(session->profile, block->block, block->time_ns);
		return true;
	case EVENT_DROP:
		profile_drop(session->profile, block->block);
		return true;
	case EVENT_DOUBLE:
		profile_double(session->profile);
		return true;
	case EVENT_STATS:
		session->stats = stats->tracer;
		session->refused = stats->refused;
		session->is_crowded = stats->is_crowded;
		return true;
	}
	return true;
}

bool session_was_traced(const struct session *session)
{
	return session_state(session) != SESSION_ATTACHING && session->start_ns != 0;
}

static double uptime_seconds(const struct process *process)
{
	struct timespec now;
	clock_gettime(CLOCK_BOOTTIME, &now);
	uint64_t now_ns = (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
	return now_ns > process->start_boottime_ns
		       ? (double)(now_ns - process->start_boottime_ns) / (double)NS_PER_SECOND
		       : 0;
}

/* False if its memory cannot be seen: the last known figures stay when the target has ended. */
static bool look_at_process(struct session *session)
{
	struct process process;
	struct error ignored;
	if (!process_read(session->options.pid, &process, &ignored) || process.rss_bytes == 0)
		return false;
	if (process.thread_count > session->most_threads)
		session->most_threads = process.thread_count;
	session->rss_bytes = process.rss_bytes;
	session->uptime_seconds = uptime_seconds(&process);
	return true;
}

static bool begin_profile(struct session *session, struct error *err)
{
	session->most_threads = 1;
	(void)look_at_process(session);
	if (!process_read_command(session->options.pid, &session->command, err) &&
	    err->kind == ERROR_NO_MEMORY)
		return false;
	session->memory_limit_bytes = memory_limit_read(session->options.pid);
	return profile_create(session->start_ns, &session->profile, err);
}

bool session_pump(struct session *session, struct error *err)
{
	eventfd_t changes;
	(void)eventfd_read(session->state_fd, &changes);
	if (!session_was_traced(session))
		return true;
	if (!session->profile && !begin_profile(session, err))
		return false;

	const void *record;
	size_t len;
	while ((record = event_queue_peek(session->queue, &len))) {
		bool is_ok = take_event(session, record, err);
		event_queue_pop(session->queue);
		if (!is_ok)
			return false;
	}
	return true;
}

static double seconds_until(const struct session *session, uint64_t until_ns)
{
	return (double)(until_ns - session->start_ns) / (double)NS_PER_SECOND;
}

static void describe_capture(const struct session *session, double seconds,
			     struct snapshot_capture *ret)
{
	const struct tracer_options *sampling = &session->options.sampling;
	struct tracer_stats stats = session->stats;
	possible_stats(&stats, seconds, session->most_threads);
	*ret = (struct snapshot_capture){
		.start_realtime_ns = session->start_realtime_ns,
		.seconds = seconds,
		.samples = session->samples,
		.dropped = stats.lost + session->refused,
		.sample_bytes = stats.sample_bytes,
		.stops_per_second = stats.stops_per_second,
		.stopped_seconds = stats.stopped_seconds,
		.median_stop_seconds = stats.median_stop_seconds,
		.p99_stop_seconds = stats.p99_stop_seconds,
		.longest_stop_seconds = stats.longest_stop_seconds,
		.budget = sampling->sample_bytes ? 0 : sampling->budget,
		.uptime_seconds = session->uptime_seconds,
		.memory_limit_bytes = session->memory_limit_bytes,
		.rss_bytes = session->rss_bytes,
		.rss_growth_bytes_per_second = trend_slope(&session->rss_trend),
	};
	for (size_t i = 0; i < STOP_CLASSES; i++)
		ret->stop_counts[i] = (float)stats.stop_counts[i];
}

bool session_snapshot(struct session *session, struct snapshot **ret, struct error *err)
{
	if (!session_pump(session, err))
		return false;
	if (!session->profile)
		return error_set(err, ERROR_NO_DATA, "process %d was not traced",
				 session->options.pid);

	bool has_ended = session_state(session) == SESSION_ENDED;
	uint64_t now_ns = has_ended ? session->end_ns : clock_monotonic_ns();
	double seconds = seconds_until(session, now_ns);
	if (!has_ended && look_at_process(session))
		trend_add(&session->rss_trend, seconds, (double)session->rss_bytes);

	const struct snapshot_target target = {
		.pid = session->options.pid,
		.command = session->command,
		.python = session->python,
		.has_exited = session_has_exited(session),
	};
	struct snapshot_capture capture;
	describe_capture(session, seconds, &capture);
	return profile_snapshot(session->profile, now_ns, &target, &capture, ret, err);
}

bool session_restart_growth(struct session *session, struct error *err)
{
	if (!session_pump(session, err))
		return false;
	profile_restart_growth(session->profile, clock_monotonic_ns());
	return true;
}

bool session_stop(struct session *session, struct error *err)
{
	atomic_store(&session->is_stop_asked, true);
	while (session_state(session) != SESSION_ENDED) {
		struct pollfd change = { .fd = session->state_fd, .events = POLLIN };
		poll(&change, 1, -1);
		if (!session_pump(session, err))
			return false;
	}
	if (!session_pump(session, err))
		return false;
	if (!session->has_failed)
		return true;
	*err = session->failure;
	return false;
}

bool session_has_exited(const struct session *session)
{
	return session_state(session) == SESSION_ENDED && session->has_exited;
}

uint64_t session_start_ns(const struct session *session)
{
	return session->start_ns;
}

const char *session_python(const struct session *session)
{
	return session->python;
}

const char *session_note(const struct session *session)
{
	return session->note;
}

bool session_is_crowded(const struct session *session)
{
	return session->is_crowded;
}

bool session_is_released(const struct session *session)
{
	return session_state(session) == SESSION_ENDED && session->is_released;
}

void session_stats(const struct session *session, struct tracer_stats *ret)
{
	bool has_ended = session_state(session) == SESSION_ENDED;
	uint64_t now_ns = has_ended ? session->end_ns : clock_monotonic_ns();
	*ret = session->stats;
	possible_stats(ret, seconds_until(session, now_ns), session->most_threads);
}
