/* SPDX-License-Identifier: MIT */
#ifndef CLI_RECORDING_H
#define CLI_RECORDING_H

/**
 * @file
 * The file that a recording goes to, and the one that takes its place when the recording is to go
 * on in another. Knows no process.
 */

#include <limits.h>

#include "cli/options.h"
#include "profile/capture.h"

struct recording {
	const struct options *options;
	int pid;
	char path[PATH_MAX];
	struct capture *capture; /* NULL: closed */
	double seconds;		 /* what was written last is of this moment */
};

/** Create the file that -o names. `options` must outlive the recording. recording_deinit() gives up
 *  a file that was not closed; what was written stays readable. Errors: those of
 *  output_name_make() and capture_create(). */
MUST_CHECK bool recording_init(struct recording *ret, const struct options *options, int pid,
			       struct error *err);
void recording_deinit(struct recording *recording);

/** Write a snapshot. Errors: those of capture_write(), with what the file still holds. */
MUST_CHECK bool recording_write(struct recording *recording, const struct snapshot *snapshot,
				struct error *err);

/** Give the name that -o gives now, for recording_rotate(); `ret` has PATH_MAX bytes. Errors: there
 *  stands what is not to be overwritten, or no file can be made there. An empty file, as
 *  logrotate(8) makes it, may be overwritten; another one only with --force. */
MUST_CHECK bool recording_next_name(const struct recording *recording, char *ret,
				    struct error *err);

/** Close the file, whole, and go on in a new one of this name, to which the next snapshot is to be
 *  written. If that is still the name of the present file, this becomes NAME.1, or the first such
 *  name that is free. `closed_ret` (PATH_MAX bytes) is what the closed file is called now, or was
 * if it was moved away. `ret` tells whether all this was done: not while somebody reads an older
 * state all the time. Errors, after which the recording cannot go on: those of capture_sync(),
 *  capture_close() and capture_create(); ERROR_FILE. */
MUST_CHECK bool recording_rotate(struct recording *recording, const char *path, bool *ret,
				 char *closed_ret, struct error *err);

/** Close the file, whole. Errors: those of capture_close(). */
MUST_CHECK bool recording_close(struct recording *recording, struct error *err);

#endif
