/* SPDX-License-Identifier: MIT */
#ifndef CLI_DOCTOR_FACTS_H
#define CLI_DOCTOR_FACTS_H

/**
 * @file
 * What decides on whether a process can be attached to, gathered without stopping it or changing
 * anything in it. What the facts mean is doctor_checks.h's business.
 */

#include "tracer/access.h"
#include "tracer/machine.h"
#include "tracer/tracer.h"

/** What came of looking at something closer. */
struct doctor_finding {
	bool is_known;
	enum obstacle obstacle; /* OBSTACLE_NONE: all is well */
	char text[256];
};

struct doctor_facts {
	int pid; /* 0: no process in particular */
	bool exists;
	bool is_foreign_proc; /* /proc is that of another pid namespace than ours */
	struct access access; /* without a process: our own side of it */
	char user[64];	      /* name of its user, "" without one */
	char our_user[64];
	bool has_seccomp; /* some thread of it */
	enum obstacle seccomp_obstacle;
	struct machine machine;

	/* Known only if we may read its memory. */
	struct doctor_finding files;
	struct doctor_finding c_library;
	struct doctor_finding python;
	bool has_leftovers; /* `leftovers` is known */
	struct tracer_leftovers leftovers;

	/* Without a process. */
	size_t pythons;
	size_t attachable;
};

/** Gather them. What cannot be found out is left unknown. Errors: ERROR_NO_MEMORY. */
MUST_CHECK bool doctor_facts_read(int pid, struct doctor_facts *ret, struct error *err);

#endif
