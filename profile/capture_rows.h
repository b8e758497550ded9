/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_CAPTURE_ROWS_H
#define PROFILE_CAPTURE_ROWS_H

/**
 * @file
 * What the writer of a capture remembers of each row that stands in the file, so as to write only
 * what has changed. Knows no SQL.
 */

#include "profile/numbering.h"
#include "profile/snapshot.h"

/** Those figures of a snapshot that a capture holds. */
struct row_figures {
	struct estimate live_bytes;
	struct estimate growth;
	double live_blocks;
	double oldest_start_seconds;
	size_t live_samples;
	double kind_live_bytes[MEMORY_KIND_COUNT];
};

/** What is known of one stack or site, or of the whole process. */
struct row {
	int64_t id;	      /* in the file; 0: the row is new */
	uint32_t site;	      /* of a stack: id of its innermost frame; 0: it has no frame */
	uint32_t thread_hash; /* of a stack: its thread's name, as it stands in the file */
	enum memory_kind kind;
	bool is_cut;		/* of a stack: nothing but its site is known */
	bool is_seen;		/* in the latest snapshot */
	bool is_stale;		/* its buckets are to be counted anew */
	double last_seconds;	/* when it was seen last */
	struct row_figures now; /* of the latest snapshot; all zero if not seen there */
	/* What stands in the file. */
	double live_bytes;
	double live_blocks;
	double growth;
};

/** Rows by key. All zero: empty. */
struct rows {
	struct numbering keys;
	struct row *items; /* by number of the key */
	size_t capacity;
};

void rows_deinit(struct rows *rows);

/** Give the row with this key, if need be a new one, all zero. Valid until the next call.
 *  Errors: ERROR_NO_MEMORY. */
MUST_CHECK bool rows_add(struct rows *rows, uint64_t key, struct row **ret, struct error *err);

/** Forget the row with this key, which is there. */
void rows_remove(struct rows *rows, uint64_t key);

/** Begin a new snapshot, of which nothing is seen yet. */
void rows_unsee(struct rows *rows);

/** Take in the figures of the snapshot of an instant. */
void row_see(struct row *row, const struct figures *figures, double seconds);

/** Tell whether the figures have moved enough to be written. */
bool row_has_moved(const struct row *row);

/** The figures of now stand in the file. */
void row_note_written(struct row *row);

#endif
