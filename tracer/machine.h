/* SPDX-License-Identifier: MIT */
#ifndef TRACER_MACHINE_H
#define TRACER_MACHINE_H

/**
 * @file
 * What this machine's kernel can do of what tracing needs: tried, not told by its version.
 */

#include <stdbool.h>

struct machine {
	char architecture[65]; /* uname(2): "x86_64" */
	char release[65];      /* of the kernel: "6.1.0-18-amd64" */
	bool is_known;	       /* there is a table for the architecture */
	char missing[160];     /* "pidfd_open (Linux 5.3), ..."; "" if nothing is */
};

/** Try each feature on ourselves. */
void machine_read(struct machine *ret);

#endif
