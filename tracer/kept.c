/* SPDX-License-Identifier: MIT */
#include "tracer/kept.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "tracer/process.h"

/* A wait is cut short by a timer of the calling thread's own. One that goes off before the wait has
 * begun is lost: so it goes off again. */
static const uint64_t AGAIN_NS = 5 * NS_PER_MS;

static void do_nothing(int number)
{
	(void)number;
}

static int timer_signal(void)
{
	return SIGRTMAX - 1;
}

/* The program may have blocked all signals in this thread. */
static bool catch_timer_signal(void)
{
	const struct sigaction action = { .sa_handler = do_nothing };
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, timer_signal());
	return sigaction(timer_signal(), &action, NULL) == 0 &&
	       pthread_sigmask(SIG_UNBLOCK, &signals, NULL) == 0;
}

static bool start_timer(uint64_t wait_ns, timer_t *ret)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = timer_signal() };
	const struct itimerspec times = { .it_interval = clock_timespec(AGAIN_NS),
					  .it_value = clock_timespec(wait_ns) };
	event._sigev_un._tid = gettid();
	if (!catch_timer_signal() || timer_create(CLOCK_MONOTONIC, &event, ret))
		return false;
	if (timer_settime(*ret, 0, &times, NULL) == 0)
		return true;
	timer_delete(*ret);
	return false;
}

/* Wait for something to happen to a tracee of this thread, but do not take it yet: its tid, 0 if
 * nothing has. */
static int await_any(int options, bool *is_stop_ret)
{
	siginfo_t info = { 0 };
	if (waitid(P_ALL, 0, &info, options | WNOWAIT | __WALL | __WNOTHREAD))
		return 0;
	*is_stop_ret = info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED;
	return info.si_pid;
}

/* The end of a child of ours is its parent's business, and would hide all else. */
static int find_next(uint64_t wait_ns)
{
	timer_t timer;
	bool is_stop;
	int events = WEXITED | WSTOPPED;
	int tid = await_any(events | WNOHANG, &is_stop);
	if (tid && !is_stop && process_is_our_child(tid)) {
		events = WSTOPPED;
		tid = await_any(events | WNOHANG, &is_stop);
	}
	if (tid || wait_ns == 0 || !start_timer(wait_ns, &timer))
		return tid;
	tid = await_any(events, &is_stop);
	timer_delete(timer);
	return tid && !is_stop && process_is_our_child(tid) ? 0 : tid;
}

/* clone(2) makes threads, and processes that are none of ours. */
static bool is_of(int pid, int tid)
{
	struct process thread;
	struct error ignored;
	return process_read(tid, &thread, &ignored) && thread.leader_pid == pid;
}

bool kept_next(int pid, uint64_t wait_ns, struct tracee *ret)
{
	struct tracee thread = { .tid = find_next(wait_ns) };
	int status;
	*ret = (struct tracee){ 0 };
	if (!thread.tid || waitpid(thread.tid, &status, __WALL | WNOHANG) <= 0)
		return false;

	bool is_birth = status >> 16 == PTRACE_EVENT_STOP;
	tracee_note_status(&thread, status);
	if (!thread.tid)
		return true;
	if (thread.signal == SIGTRAP)
		*ret = thread;
	else if (is_birth && !is_of(pid, thread.tid))
		ptrace(PTRACE_DETACH, thread.tid, NULL, 0);
	else
		tracee_run_on(pid, &thread);
	return true;
}
