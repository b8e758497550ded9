/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_SNAPSHOT_BUILD_H
#define PROFILE_SNAPSHOT_BUILD_H

/**
 * @file
 * How a snapshot is made; for those who make one. All parts are allocated in the snapshot and go
 * with it. Errors of everything here: ERROR_NO_MEMORY.
 */

#include "profile/snapshot.h"

/** What a site without any frame is called. */
extern const struct frame snapshot_unknown_frame;

/** What a stack says when threads of different names allocate on it. */
extern const char several_threads[];

/** Make an empty snapshot. */
MUST_CHECK bool snapshot_create(struct snapshot **ret, struct error *err);

/** Let it become this large at most, for it is made of a file that may come from anybody. What does
 *  not fit is then ERROR_FILE. */
void snapshot_limit(struct snapshot *snapshot, size_t bytes_max);

/** Allocate zeroed memory, aligned for anything. NULL on failure. */
void *snapshot_alloc(struct snapshot *snapshot, size_t count, size_t element_bytes,
		     struct error *err);

/** Copy a string. NULL stays NULL. */
MUST_CHECK bool snapshot_copy_text(struct snapshot *snapshot, const char *text, const char **ret,
				   struct error *err);

MUST_CHECK bool snapshot_copy_frame(struct snapshot *snapshot, const struct frame *frame,
				    const struct frame **ret, struct error *err);

MUST_CHECK bool snapshot_copy_target(struct snapshot *snapshot,
				     const struct snapshot_target *target, struct error *err);

/** Put stacks and sites in order: live bytes, then what they are called. */
void snapshot_sort(struct snapshot *snapshot);

#endif
