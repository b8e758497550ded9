/* SPDX-License-Identifier: MIT */
#ifndef TRACER_OBSTACLE_H
#define TRACER_OBSTACLE_H

/**
 * @file
 * What can stand in the way of attaching: one table, from which the sentence of a refusal and the
 * lines of `filtrace doctor` both come. Pure text; who finds an obstacle is access.h's business.
 */

#include <sys/types.h>

#include "base/error.h"

enum obstacle {
	OBSTACLE_NONE,

	/* What it is. */
	OBSTACLE_FOREIGN_PROC,
	OBSTACLE_NO_PROCESS,
	OBSTACLE_THREAD,
	OBSTACLE_ENDED,
	OBSTACLE_ENDING,
	OBSTACLE_KERNEL_THREAD,
	OBSTACLE_STOPPED,
	OBSTACLE_TRACED,

	/* Who may trace it. */
	OBSTACLE_YAMA_NOBODY,
	OBSTACLE_ROOT_CAPABILITY,
	OBSTACLE_OTHER_USER,
	OBSTACLE_YAMA_CHILDREN,
	OBSTACLE_YAMA_ROOT,
	OBSTACLE_PRIVATE,
	OBSTACLE_OTHER_GROUP,
	OBSTACLE_MORE_CAPABILITIES,
	OBSTACLE_OWN_SECCOMP,
	OBSTACLE_USER_NAMESPACE,
	OBSTACLE_APPARMOR,
	OBSTACLE_SELINUX,
	OBSTACLE_POLICY,

	/* Whether it would be safe, and of use. */
	OBSTACLE_SECCOMP_STRICT,
	OBSTACLE_SECCOMP_HIDDEN,
	OBSTACLE_SECCOMP,
	OBSTACLE_KERNEL,
	OBSTACLE_MACHINE,
	OBSTACLE_FILES,
	OBSTACLE_C_LIBRARY,
	OBSTACLE_NOT_PYTHON,
	OBSTACLE_OTHER_FILTRACE,
	OBSTACLE_SIGTRAP_USED,
	OBSTACLE_SIGTRAP_BLOCKED,

	OBSTACLE_COUNT,
};

/** Where somebody may want to put a fix. */
enum place {
	PLACE_HOST,
	PLACE_DOCKER,
	PLACE_COMPOSE,
	PLACE_KUBERNETES,
	PLACE_COUNT,
};

/** What the sentences name; what they do not name may be 0. */
struct obstacle_words {
	int pid;	  /* 0: any, which the sentences call PID */
	const char *name; /* of the process */
	int leader_pid;	  /* the process that the thread `pid` belongs to */
	int parent_pid;
	int tracer_pid;
	const char *tracer_name;
	uid_t uid;
	gid_t gid;
	const char *label;   /* our own, of AppArmor or SELinux */
	const char *missing; /* features of the kernel, with the version that brought them */
	const char *detail;  /* a sentence of whoever looked closer: that is the cause then */
	int owner_pid;	     /* of the other filtrace; 0: it cannot be seen from here */
};

enum { OBSTACLE_LINE_BYTES = 256 };

/** A short name for programs: "yama", "seccomp". */
const char *obstacle_name(enum obstacle obstacle);

enum error_kind obstacle_kind(enum obstacle obstacle);

/** Say in one sentence what stands in the way, and what helps. Always returns false. */
bool obstacle_explain(enum obstacle obstacle, const struct obstacle_words *words,
		      struct error *err);

/** Write the line, or lines, that remove the obstacle at this place: a command, or a piece of YAML.
 *  "" if nothing does. Returns `ret`. */
char *obstacle_fix(enum obstacle obstacle, enum place place, const struct obstacle_words *words,
		   char ret[OBSTACLE_LINE_BYTES]);

#endif
