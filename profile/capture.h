/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_CAPTURE_H
#define PROFILE_CAPTURE_H

/**
 * @file
 * A profile over time in one SQLite file. The only part that knows SQLite.
 *
 * The file can be read with the sqlite3 command while it is written and after its writer was
 * killed; its tables, their columns and units are described by the statements in
 * profile/capture_schema.c. Views answer the obvious questions: `sites`, `stacks`, `growth`.
 */

#include "base/error.h"
#include "profile/snapshot.h"
#include "profile/timeline.h"

struct capture;

/** Make a new capture file, mode 0600, never through a symlink. An existing regular file is
 *  replaced if `force`, else refused. Errors: ERROR_FILE, ERROR_NO_MEMORY. */
MUST_CHECK bool capture_create(const char *path, bool force, struct capture **ret,
			       struct error *err);

/** What the file of a small process takes in any case. */
enum { CAPTURE_BYTES_MIN = 1 << 20 };

/** Keep the file within a size: what it says of the past becomes coarser (stacks without live bytes
 *  are counted with what is left of their sites, buckets of time are merged). The present always
 *  stands there whole, whatever it takes. Without it, 256 MiB. */
void capture_limit(struct capture *capture, uint64_t max_bytes);

/** Write a snapshot, in one transaction; meant to be called about once a second with snapshots of
 *  one profile. Rows whose figures moved by less than one percent may keep their old figures until
 *  capture_close(). After a failure every later write fails too.
 *  Errors: ERROR_FILE (disk full, no longer writable, deleted), ERROR_NO_MEMORY. */
MUST_CHECK bool capture_write(struct capture *capture, const struct snapshot *snapshot,
			      struct error *err);

/** Write what capture_write() held back of the latest snapshot, and put all into the file itself;
 *  `ret` tells whether that could be done, or somebody reads an older state all the time. Errors:
 *  those of capture_write(). */
MUST_CHECK bool capture_sync(struct capture *capture, bool *ret, struct error *err);

/** How large the file is with what was written last. */
uint64_t capture_bytes(const struct capture *capture);

/** Tell whether this is still the capture's name. */
bool capture_is_at(const struct capture *capture, const char *path);

/** Write what was held back, fold everything into one single file, and give back the capture, also
 *  on failure. Takes NULL. Errors: ERROR_FILE. */
MUST_CHECK bool capture_close(struct capture *capture, struct error *err);

/** Give back a capture whose file no longer matters; what was written stays readable. Takes NULL.
 */
void capture_abandon(struct capture *capture);

/** Read the last state of a capture, which may come from anybody. snapshot_destroy() gives it back.
 *  Errors: ERROR_FILE (no such file, not a capture, a newer filtrace's, damaged), ERROR_NO_MEMORY.
 */
MUST_CHECK bool capture_load(const char *path, struct snapshot **ret, struct error *err);

/** Read a capture with all that it tells of the past. timeline_destroy() gives it back. Errors:
 *  those of capture_load(); ERROR_FILE too if there is more of the past than can be held. */
MUST_CHECK bool capture_load_timeline(const char *path, struct timeline **ret, struct error *err);

#endif
