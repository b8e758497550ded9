/* SPDX-License-Identifier: MIT */
#include "tracer/tracee.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "tracer/process.h"

/* Kernel-internal results of an interrupted system call (linux/errno.h). */
enum { KERNEL_ERESTARTNOINTR = 513, KERNEL_ERESTART_RESTARTBLOCK = 516 };

static long register_offset(size_t offset_in_regs)
{
	return (long)(offsetof(struct user, regs) + offset_in_regs);
}

bool tracee_take_status(int tid, int *ret)
{
	siginfo_t info = { 0 };
	int events = WEXITED | WSTOPPED | __WALL | WNOHANG | WNOWAIT;
	*ret = 0;
	if (waitid(P_PID, (id_t)tid, &info, events))
		return true; /* gone */
	if (info.si_pid == 0)
		return false;

	bool has_ended = info.si_code == CLD_EXITED || info.si_code == CLD_KILLED ||
			 info.si_code == CLD_DUMPED;
	if (has_ended && process_is_our_child(tid))
		return true;
	return waitpid(tid, ret, __WALL | WNOHANG) != 0;
}

/* int3 on x86-64 (sigaction(2) "si_code"). */
static bool is_of_breakpoint(int tid)
{
	siginfo_t info;
	return ptrace(PTRACE_GETSIGINFO, tid, NULL, &info) == 0 && info.si_code == SI_KERNEL;
}

void tracee_note_status(struct tracee *thread, int status)
{
	if (!WIFSTOPPED(status)) {
		thread->tid = 0; /* it has ended */
		return;
	}
	int event = status >> 16;
	struct user_regs_struct regs;
	thread->is_stopped = true;
	thread->is_group_stopped = event == PTRACE_EVENT_STOP && WSTOPSIG(status) != SIGTRAP;
	thread->signal = event ? 0 : WSTOPSIG(status);
	thread->is_trap = thread->signal == SIGTRAP && is_of_breakpoint(thread->tid);
	if (ptrace(PTRACE_GETREGS, thread->tid, NULL, &regs)) {
		thread->tid = 0;
		return;
	}
	thread->rbx = regs.rbx;
	thread->rip = regs.rip;
	thread->rsp = regs.rsp;
	thread->fs_base = regs.fs_base;
	thread->rax = (int64_t)regs.rax;
	thread->orig_rax = (int64_t)regs.orig_rax;
}

/* System calls that fail with EINTR at every ptrace stop, and that may be started again: nothing
 * was done yet (signal(7) "Interruption of system calls by stop signals"; those of sockets do so
 * only with a time-out set, as do read and write if their file is a socket). */
static const int interrupted_calls[] = {
	SYS_epoll_wait,	     SYS_epoll_pwait, SYS_epoll_pwait2, SYS_recvfrom,	  SYS_recvmsg,
	SYS_recvmmsg,	     SYS_read,	      SYS_readv,	SYS_sendto,	  SYS_sendmsg,
	SYS_sendmmsg,	     SYS_write,	      SYS_writev,	SYS_connect,	  SYS_accept,
	SYS_accept4,	     SYS_semop,	      SYS_semtimedop,	SYS_io_getevents, SYS_io_pgetevents,
	SYS_rt_sigtimedwait,
};

static bool may_start_again(int64_t call)
{
	for (size_t i = 0; i < ARRAY_LEN(interrupted_calls); i++)
		if (interrupted_calls[i] == call)
			return true;
	return false;
}

static _Thread_local bool avoids_restarts, keeps_threads;

void tracee_allow_restarts(bool are_allowed)
{
	avoids_restarts = !are_allowed;
}

void tracee_keep(bool are_kept)
{
	keeps_threads = are_kept;
}

static void make_call_again(const struct tracee *thread)
{
	ptrace(PTRACE_POKEUSER, thread->tid,
	       register_offset(offsetof(struct user_regs_struct, rax)),
	       (long)-KERNEL_ERESTARTNOINTR);
}

/* Unless a signal is the cause, let the kernel start the call again. A signal that the target
 * ignores is none: it is only there because we trace the thread. */
static void repair_interrupted_call(int pid, struct tracee *thread)
{
	if (avoids_restarts && thread->rax == -KERNEL_ERESTART_RESTARTBLOCK &&
	    thread->orig_rax >= 0)
		make_call_again(thread);
	if (thread->rax != -EINTR || !may_start_again(thread->orig_rax))
		return;
	if (thread->signal && process_ignores_signal(pid, thread->signal))
		thread->signal = 0;
	if (!thread->signal && !process_thread_has_pending_signal(pid, thread->tid))
		make_call_again(thread);
}

bool tracee_run_on(int pid, struct tracee *thread)
{
	repair_interrupted_call(pid, thread);
	if (thread->is_group_stopped)
		return ptrace(PTRACE_LISTEN, thread->tid, NULL, NULL) == 0;
	return ptrace(PTRACE_CONT, thread->tid, NULL, (long)thread->signal) == 0;
}

/* PTRACE_O_TRACECLONE: whoever is born is ours from its first instruction on. When we die, the
 * kernel lets go of all of them. */
static bool keep(int pid, struct tracee *thread)
{
	return ptrace(PTRACE_SETOPTIONS, thread->tid, NULL, (long)PTRACE_O_TRACECLONE) == 0 &&
	       tracee_run_on(pid, thread);
}

bool tracee_let_go(int pid, struct tracee *thread)
{
	if (keeps_threads)
		return keep(pid, thread);
	repair_interrupted_call(pid, thread);
	return ptrace(PTRACE_DETACH, thread->tid, NULL, (long)thread->signal) == 0;
}

/* linux/ptrace.h and linux/rseq.h, which older headers lack. */
enum { REQUEST_GET_RSEQ_CONFIGURATION = 0x420f };

struct rseq_configuration {
	uint64_t area;
	uint32_t area_len;
	uint32_t signature;
	uint32_t flags;
	uint32_t reserved;
};

struct rseq_section {
	uint32_t version;
	uint32_t flags;
	uint64_t start;
	uint64_t len;
	uint64_t abort;
};

enum { RSEQ_AREA_SECTION_OFFSET = 8 };

bool tracee_is_in_rseq(const struct tracee *thread, struct memory *memory)
{
	struct rseq_configuration configuration = { 0 };
	struct rseq_section section;
	raddr section_addr = 0;
	struct error ignored;

	if (ptrace((enum __ptrace_request)REQUEST_GET_RSEQ_CONFIGURATION, thread->tid,
		   sizeof(configuration), &configuration) < 0 ||
	    !configuration.area ||
	    !memory_read(memory, configuration.area + RSEQ_AREA_SECTION_OFFSET, &section_addr,
			 sizeof(section_addr), &ignored) ||
	    !section_addr ||
	    !memory_read(memory, section_addr, &section, sizeof(section), &ignored))
		return false;
	return thread->rip - section.start < section.len;
}

bool tracee_move(struct tracee *thread, raddr rip, struct error *err)
{
	if (ptrace(PTRACE_POKEUSER, thread->tid,
		   register_offset(offsetof(struct user_regs_struct, rip)), (long)rip))
		return error_set_errno(err, ERROR_UNSAFE, "cannot move thread %d", thread->tid);
	thread->rip = rip;
	return true;
}
