/* SPDX-License-Identifier: MIT */
#ifndef TRACER_PROCESS_H
#define TRACER_PROCESS_H

/**
 * @file
 * What /proc tells about a process and its threads, without touching them (proc(5)).
 */

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

struct process {
	int pid;
	char name[64];	/* of the program file, cut by the kernel; may hold anything */
	char state;	/* R S D T t Z X I */
	int leader_pid; /* of the process; another number than pid if that is one of its threads */
	int parent_pid;
	int tracer_pid;	   /* 0: nobody */
	int namespace_pid; /* in its own pid namespace */
	int thread_count;
	int seccomp_mode;      /* 2: a filter decides on system calls */
	int seccomp_filters;   /* how many do; before Linux 5.9: 1 for any number */
	uid_t uid;	       /* effective */
	gid_t gid;	       /* effective */
	uint64_t capabilities; /* permitted; a mask of bits (capabilities(7)) */
	uint64_t effective;    /* capabilities that are in effect */
	bool is_kernel_thread;
	bool has_memory;	    /* not a kernel thread, a zombie, or on its way out */
	uint64_t rss_bytes;	    /* 0 also if all of its memory is swapped out */
	uint64_t start_boottime_ns; /* CLOCK_BOOTTIME, to 10 ms: tells a pid that was used again */
};

/** Read what is known of a process. Errors: ERROR_NO_PROCESS. A zombie is no error. */
MUST_CHECK bool process_read(int pid, struct process *ret, struct error *err);

/** Read the argument vector, NULL-terminated and in one piece: free(*ret) gives it back. Empty for
 *  zombies and kernel threads. Errors: ERROR_NO_PROCESS, ERROR_NOT_PERMITTED, ERROR_NO_MEMORY. */
MUST_CHECK bool process_read_command(int pid, char ***ret, struct error *err);

/** List the processes that there are now and that we may see; free() gives the list back.
 *  Errors: ERROR_NO_PROCESS (no /proc), ERROR_NO_MEMORY. */
MUST_CHECK bool process_list(int **ret, size_t *len_ret, struct error *err);

/** List the ids of the threads that live now, in the /proc's pid namespace; free() gives the list
 *  back. Errors: ERROR_NO_PROCESS, ERROR_NO_MEMORY. */
MUST_CHECK bool process_threads(int pid, int **ret, size_t *len_ret, struct error *err);

/** Find the thread that has this id in the target's own pid namespace: its id in ours, 0 if there
 * is none. Looks at all threads. */
int process_find_thread(int pid, int namespace_tid);

/** Read a thread's name; returns `ret`, "" if the thread has ended. */
const char *process_thread_name(int pid, int tid, char *ret, size_t size);

/** Tell whether this very program started the process, and so has to wait for its end. */
bool process_is_our_child(int pid);

/** Tell whether the thread has ended: gone, or a zombie. */
bool process_thread_is_dead(int pid, int tid);

/** Tell whether the thread sleeps in the kernel in a way that no signal ends. */
bool process_thread_is_stuck(int pid, int tid);

/** Where a thread is in the kernel. */
struct thread_wait {
	bool is_running;  /* nothing else is known then */
	long system_call; /* number; -1: waits outside any system call */
	raddr stack_pointer;
	raddr instruction_pointer;
};

/** Read what a thread waits in. Needs the permission to ptrace it.
 *  Errors: ERROR_NO_PROCESS, ERROR_NOT_PERMITTED, ERROR_FORMAT. */
MUST_CHECK bool process_thread_wait(int pid, int tid, struct thread_wait *ret, struct error *err);

/** Tell whether the thread sleeps until the child of its vfork (or clone) has gone its own way:
 *  nothing can stop it until then. */
bool process_thread_waits_for_vfork(int pid, int tid);

/** Masks of signals; bit n - 1 stands for signal n. */
struct process_signals {
	uint64_t blocked; /* by the thread */
	uint64_t pending; /* for the thread, or for its process */
	uint64_t ignored; /* by the process: SIG_IGN */
	uint64_t caught;  /* by the process: it has a handler */
};

/** Read what a thread does about signals. Errors: ERROR_NO_PROCESS. */
MUST_CHECK bool process_read_signals(int pid, int tid, struct process_signals *ret,
				     struct error *err);

/** Tell whether a signal does nothing to a process, by its choice or by default. */
bool process_ignores_signal(int pid, int number);

/** Tell whether a signal waits for the thread or its process that the thread does not block, and
 *  that does something to it. (To a thread that is traced, others come, too.) */
bool process_thread_has_pending_signal(int pid, int tid);

#endif
