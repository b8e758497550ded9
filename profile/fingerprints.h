/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_FINGERPRINTS_H
#define PROFILE_FINGERPRINTS_H

/**
 * @file
 * Functions of two snapshots that are the same: module (profile/modules.h) and qualified name,
 * wherever the program is installed and in whatever line a function stands now. Pure.
 *
 * CPython knows qualified names from 3.11 on. If only one of the two has them, names are compared
 * by what follows their last dot.
 */

#include "profile/modules.h"
#include "profile/numbering.h"
#include "profile/snapshot.h"

/** All zero: empty. */
struct fingerprints {
	struct numbering frames[SIDE_COUNT]; /* keys: the addresses of frames */
	uint32_t *functions[SIDE_COUNT];     /* by number of the frame */
	const struct frame **examples;	     /* by function: a frame of it, NEW's if there is one */
	size_t function_count;
};

/** Number the functions of all frames of two snapshots, which have to live as long.
 *  Errors: ERROR_NO_MEMORY. */
MUST_CHECK bool fingerprints_init(struct fingerprints *fingerprints,
				  const struct snapshot *const sides[SIDE_COUNT],
				  struct error *err);
void fingerprints_deinit(struct fingerprints *fingerprints);

/** The function of a frame, which one of the snapshots has on this side. */
uint32_t fingerprints_of(const struct fingerprints *fingerprints, enum side side,
			 const struct frame *frame);

#endif
