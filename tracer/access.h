/* SPDX-License-Identifier: MIT */
#ifndef TRACER_ACCESS_H
#define TRACER_ACCESS_H

/**
 * @file
 * Whether a process may be traced, and if not, why: the facts that the kernel goes by (ptrace(2)
 * "Ptrace access mode checking"), and one judgement on them.
 */

#include "tracer/obstacle.h"
#include "tracer/process.h"

/** Where our capabilities count. */
enum user_namespace {
	USER_NAMESPACE_UNKNOWN,
	USER_NAMESPACE_SAME,
	USER_NAMESPACE_BELOW, /* the target's was made inside ours: our rights reach there */
	USER_NAMESPACE_OTHER,
};

enum { LABEL_BYTES = 128, TRIAL_UNTRIED = -1 };

struct access {
	struct process process; /* the one in question; pid 0: none */
	char tracer_name[64];	/* of process.tracer_pid */
	bool is_refused;	/* the kernel did not let us open its memory */
	bool is_dumpable;	/* its files under /proc belong to its own user */
	enum user_namespace user_namespace;
	char label[LABEL_BYTES]; /* of AppArmor or SELinux; "" where there is neither */

	/* Our own side. */
	uid_t our_uid; /* effective */
	gid_t our_gid;
	bool can_ptrace_all; /* we have CAP_SYS_PTRACE */
	uint64_t our_capabilities;
	bool is_first_user_namespace; /* ours is the one that the machine started with */
	int yama_scope;		      /* kernel.yama.ptrace_scope; -1 where there is no Yama */
	int our_seccomp_mode;	      /* 2: a filter decides on system calls */
	int trial_errno; /* of tracing a child of our own; 0: it went well, or TRIAL_UNTRIED */
	char our_label[LABEL_BYTES];
};

/** Say what about the process itself stands in the way, whoever asks; pure. */
enum obstacle access_judge_process(const struct process *process);

/** Say which one cause the kernel has to refuse us, OBSTACLE_NONE if it does not; pure. */
enum obstacle access_judge(const struct access *access);

/** What an obstacle's sentence names. Valid as long as the facts. */
void access_words(const struct access *access, struct obstacle_words *ret);

/** Gather the facts of our own side, without a trial. */
void access_read_own(struct access *ret);

/** Trace a child of our own for an instant, from another child, which may be killed for it (by
 *  seccomp): 0, or the errno with which that was refused. */
int access_try_own_child(void);

/** Gather all facts, without a trial. Errors: ERROR_NO_PROCESS. */
MUST_CHECK bool access_read(int pid, struct access *ret, struct error *err);

/** Say in one sentence why the process may not be traced, with the fix. To be called when the
 *  kernel has said no. Always returns false. */
bool access_explain_denied(int pid, struct error *err);

#endif
