/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_CAPTURE_WRITER_H
#define PROFILE_CAPTURE_WRITER_H

/**
 * @file
 * What the parts of a capture's writer share; for them alone. Errors of everything here: those of
 * capture_write().
 */

#include "profile/capture.h"
#include "profile/capture_rows.h"
#include "profile/database.h"
#include "profile/frame_set.h"

enum statement_name {
	WRITE_META,
	WRITE_ARGUMENT,
	WRITE_FRAME,
	WRITE_STACK,
	WRITE_STACK_FRAME,
	WRITE_FIGURES,
	DELETE_FIGURES,
	WRITE_BUCKET,
	WRITE_TIMELINE,
	MOVE_BUCKETS,
	COUNT_BUCKETS,
	DELETE_BUCKETS,
	DELETE_PATH,
	DELETE_STACK,
	USED_BYTES, /* of the file, that are not free for what comes */
	FILE_BYTES,
	STATEMENT_COUNT,
};

struct capture {
	struct database *database;
	struct statement *statements[STATEMENT_COUNT];
	int64_t max_bytes;
	bool is_broken; /* a write has failed */
	bool has_arguments;
	struct frame_set frame_set;
	struct numbering frames; /* those of frame_set; a frame's id is its number + 1 */
	struct rows stacks;	 /* keys: hashes of kind and path */
	struct rows sites;	 /* keys: the frame's id */
	struct row total;
	int64_t stack_ids;    /* that were given away */
	double seconds;	      /* of the latest snapshot */
	double first_seconds; /* of the first one; NAN before it */
	int file;	      /* O_PATH: closing it gives back none of SQLite's locks */
	int64_t bytes;	      /* of the file as of the last write, with what is in its log */
	int64_t bucket_seconds;
};

/** What becomes of a bucket to which another one is added: what came and went adds up, and what
 *  there is at the end is known only if that one is the later of the two. */
#define ADD_BUCKET                                                                     \
	" ON CONFLICT DO UPDATE SET risen_bytes = risen_bytes + excluded.risen_bytes," \
	" fallen_bytes = fallen_bytes + excluded.fallen_bytes,"                        \
	" risen_blocks = risen_blocks + excluded.risen_blocks,"                        \
	" fallen_blocks = fallen_blocks + excluded.fallen_blocks"
#define UPDATE_BUCKET \
	ADD_BUCKET ", live_bytes = excluded.live_bytes, live_blocks = excluded.live_blocks"

/** Bind the parameters of a statement and run it. */
#define WRITE(capture, name, err, ...)                                    \
	(statement_bind((capture)->statements[name], err, __VA_ARGS__) && \
	 statement_run((capture)->statements[name], err))

/** Give the one number of a statement without parameters. */
MUST_CHECK bool capture_number(struct capture *capture, enum statement_name name, int64_t *ret,
			       struct error *err);

/** Give the row of a stack whose frames have these ids, innermost first; if it is new, its path is
 *  written. Valid until the next call. */
MUST_CHECK bool capture_stack_row(struct capture *capture, const uint32_t *path, size_t depth,
				  enum memory_kind kind, bool is_truncated, struct row **ret,
				  struct error *err);

/** Write what may change of a stack besides its figures. */
MUST_CHECK bool capture_thread_write(struct capture *capture, struct row *row, const char *thread,
				     bool is_truncated, struct error *err);

/** Keep what is written of the past within bounds: in the number of stacks without live bytes and
 *  of buckets, and in bytes. To be called between snapshots. */
MUST_CHECK bool capture_past_bound(struct capture *capture, struct error *err);

#endif
