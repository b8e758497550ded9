/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_CAPTURE_LOADER_H
#define PROFILE_CAPTURE_LOADER_H

/**
 * @file
 * What the parts of a capture's reader share; for them alone. Errors of everything here: those of
 * capture_load().
 */

#include "profile/database.h"
#include "profile/numbering.h"
#include "profile/snapshot.h"
#include "profile/timeline.h"

struct loader {
	struct database *database;
	struct snapshot *snapshot;
	const struct frame **frames; /* by id - 1 */
	size_t frame_count;
	size_t frame_capacity;
	struct timeline *timeline;  /* NULL: only the last state is wanted */
	struct numbering stack_ids; /* of the stacks of the timeline, by number */
};

void loader_deinit(struct loader *loader);

/** Open a capture, see that it is one, and load all but figures. */
MUST_CHECK bool loader_open(struct loader *loader, const char *path, struct error *err);

/** Load the figures of the last state. */
MUST_CHECK bool loader_figures(struct loader *loader, struct error *err);

/** Read the one number that a statement gives. */
MUST_CHECK bool loader_number(struct loader *loader, const char *sql, int64_t *ret,
			      struct error *err);

/** The same for how many rows of something there are, which is bounded. */
MUST_CHECK bool loader_count(struct loader *loader, const char *sql, size_t *ret,
			     struct error *err);

MUST_CHECK bool loader_kind(struct loader *loader, struct statement *statement, int column,
			    enum memory_kind *ret, struct error *err);

/** What gives the path of a stack. */
extern const char loader_paths[];

/** Load the path of a stack, which is of the snapshot; its depths count up from 0. */
MUST_CHECK bool loader_path(struct loader *loader, struct statement *statement, int64_t id,
			    const struct frame *const **ret, size_t *len_ret, struct error *err);

#endif
