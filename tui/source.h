/* SPDX-License-Identifier: MIT */
#ifndef TUI_SOURCE_H
#define TUI_SOURCE_H

/**
 * @file
 * What the view asks of the program around it.
 */

#include "base/error.h"
#include "profile/snapshot.h"
#include "profile/timeline.h"

struct tui_source {
	void *context;
	/** The capture to walk through, which must stay; NULL: there is a target. */
	const struct timeline *timeline;
	/** Do the work that must not wait for a redraw. Called every 100 ms at the latest. */
	bool (*pump)(void *context, struct error *err);
	/** Make a new snapshot, which the view then owns. Called about twice a second; not with a
	 *  timeline. */
	bool (*snapshot)(void *context, struct snapshot **ret, struct error *err);
	/** True once the program was asked to end (a signal): the view then returns. */
	bool (*is_stopping)(void *context);
	/** Read one line of a source file as the target sees it. False if it cannot be read. NULL:
	 *  none can. */
	bool (*read_line)(void *context, const char *file, int line, char *ret, size_t size);
	/** Write a snapshot to a new file, whose name goes into `name_ret`. NULL: not possible. */
	bool (*write)(void *context, const struct snapshot *snapshot, char *name_ret, size_t size,
		      struct error *err);
	/** Write a report of a snapshot in the format that the file's name ends in; the name in
	 * full goes into `name_ret`. Errors: os_errno is EEXIST if the file is there and
	 * `is_forced` would replace it. NULL: not possible. */
	bool (*export)(void *context, const struct snapshot *snapshot, const char *file,
		       bool is_forced, char *name_ret, size_t size, struct error *err);
};

#endif
