/* SPDX-License-Identifier: MIT */
#include "profile/capture.h"

#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>

#include "profile/capture_schema.h"
#include "profile/capture_writer.h"

/* Far more than all but a week of a large server takes. */
static const int64_t FILE_BYTES_MAX = 256 << 20;

static const char *const statement_texts[STATEMENT_COUNT] = {
	[WRITE_META] = "INSERT OR REPLACE INTO meta VALUES (?, ?)",
	[WRITE_ARGUMENT] = "INSERT OR REPLACE INTO argument VALUES (?, ?)",
	[WRITE_FRAME] = "INSERT INTO frame VALUES (?, ?, ?, ?)",
	[WRITE_STACK] = "INSERT OR REPLACE INTO stack VALUES (?, ?, ?, ?)",
	[WRITE_STACK_FRAME] = "INSERT INTO stack_frame VALUES (?, ?, ?)",
	[WRITE_FIGURES] =
		"INSERT OR REPLACE INTO figures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[DELETE_FIGURES] = "DELETE FROM figures WHERE scope = ? AND id = ?",
	[WRITE_BUCKET] = "INSERT INTO bucket VALUES (?, ?, ?, ?, ?, ?, ?, ?)" UPDATE_BUCKET,
	[WRITE_TIMELINE] = "INSERT OR REPLACE INTO timeline VALUES (?, ?, ?, ?, ?)",
	[MOVE_BUCKETS] =
		"INSERT INTO bucket SELECT ?, start_seconds, risen_bytes, fallen_bytes,"
		" risen_blocks, fallen_blocks, 0, 0 FROM bucket WHERE stack_id = ?" ADD_BUCKET,
	[COUNT_BUCKETS] =
		"UPDATE bucket SET live_bytes = counted.bytes, live_blocks = counted.blocks"
		" FROM (SELECT start_seconds AS at,"
		" sum(risen_bytes - fallen_bytes) OVER past AS bytes,"
		" sum(risen_blocks - fallen_blocks) OVER past AS blocks FROM bucket"
		" WHERE stack_id = ?1 WINDOW past AS (ORDER BY start_seconds)) AS counted"
		" WHERE stack_id = ?1 AND start_seconds = counted.at",
	[DELETE_BUCKETS] = "DELETE FROM bucket WHERE stack_id = ?",
	[DELETE_PATH] = "DELETE FROM stack_frame WHERE stack_id = ?",
	[DELETE_STACK] = "DELETE FROM stack WHERE stack_id = ?",
	[USED_BYTES] = ("SELECT (page_count - freelist_count) * page_size"
			" FROM pragma_page_count, pragma_freelist_count, pragma_page_size"),
	[FILE_BYTES] = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
};

/* Give back a capture, and its file as `end` does. */
static void capture_end(struct capture *capture, void (*end)(struct database *database))
{
	if (!capture)
		return;
	for (size_t i = 0; i < STATEMENT_COUNT; i++)
		statement_destroy(capture->statements[i]);
	end(capture->database);
	cleanup_fd(&capture->file);
	numbering_deinit(&capture->frames);
	frame_set_deinit(&capture->frame_set);
	rows_deinit(&capture->stacks);
	rows_deinit(&capture->sites);
	free(capture);
}

void capture_abandon(struct capture *capture)
{
	capture_end(capture, database_close);
}

static void capture_cleanup(struct capture **capture)
{
	capture_abandon(*capture);
}

/* A file in which nothing stands would only be in the way of the next attempt. */
static void capture_discard(struct capture **capture)
{
	capture_end(*capture, database_discard);
}

static bool tables_create(struct database *database, struct error *err)
{
	char marks[96];
	snprintf(marks, sizeof(marks), "PRAGMA application_id = %d; PRAGMA user_version = %d",
		 CAPTURE_APPLICATION_ID, CAPTURE_VERSION);
	if (!database_run(database, "BEGIN", err) || !database_run(database, marks, err))
		return false;
	for (size_t i = 0; i < capture_table_count; i++) {
		if (!database_run(database, capture_tables[i].sql, err))
			return false;
	}
	return database_run(database, capture_views, err) && database_run(database, "COMMIT", err);
}

bool capture_create(const char *path, bool force, struct capture **ret, struct error *err)
{
	OWNED(capture_discard) struct capture *capture = calloc(1, sizeof(*capture));
	if (!capture)
		return error_set(err, ERROR_NO_MEMORY, "no memory for a capture");
	capture->bucket_seconds = 1;
	capture->max_bytes = FILE_BYTES_MAX;
	capture->first_seconds = NAN;
	capture->file = -1;
	if (!database_create(path, force, &capture->database, err) ||
	    !tables_create(capture->database, err))
		return false;
	capture->file = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (capture->file < 0) {
		error_set_errno(err, ERROR_FILE, "cannot look at %s", path);
		err->kind = ERROR_FILE;
		return false;
	}
	for (size_t i = 0; i < STATEMENT_COUNT; i++) {
		if (!statement_create(capture->database, statement_texts[i],
				      &capture->statements[i], err))
			return false;
	}
	*ret = MOVE_PTR(capture);
	return true;
}

void capture_limit(struct capture *capture, uint64_t max_bytes)
{
	capture->max_bytes = max_bytes < INT64_MAX ? (int64_t)max_bytes : INT64_MAX;
}

bool capture_number(struct capture *capture, enum statement_name name, int64_t *ret,
		    struct error *err)
{
	struct statement *statement = capture->statements[name];
	bool has_row;
	return statement_bind(statement, err, "") && statement_next(statement, &has_row, err) &&
	       statement_integer(statement, 0, 0, INT64_MAX, ret, err) &&
	       statement_bind(statement, err, "");
}

static bool field_write(struct capture *capture, const struct capture_field *field,
			const struct snapshot *snapshot, struct error *err)
{
	const void *value = (const char *)snapshot + field->offset;
	const char *key = field->key;
	switch (field->type) {
	case FIELD_INT:
		return WRITE(capture, WRITE_META, err, "si", key, (int64_t) * (const int *)value);
	case FIELD_BOOL:
		return WRITE(capture, WRITE_META, err, "si", key, (int64_t) * (const bool *)value);
	case FIELD_UINT64:
		return WRITE(capture, WRITE_META, err, "si", key, *(const int64_t *)value);
	case FIELD_DOUBLE:
		return WRITE(capture, WRITE_META, err, "sd", key, *(const double *)value);
	case FIELD_TEXT:
		return WRITE(capture, WRITE_META, err, "ss", key, *(const char *const *)value);
	}
	return error_set(err, ERROR_INTERNAL, "field %s of an unknown type", key);
}

static bool meta_write(struct capture *capture, const struct snapshot *latest, struct error *err)
{
	struct snapshot now = *latest;
	const struct snapshot *snapshot = &now;
	now.capture.is_unfinished = true;
	for (size_t i = 0; i < capture_field_count; i++) {
		if (!field_write(capture, &capture_fields[i], snapshot, err))
			return false;
	}
	char **command = capture->has_arguments ? NULL : snapshot->target.command;
	for (int64_t i = 0; command && command[i]; i++) {
		if (!WRITE(capture, WRITE_ARGUMENT, err, "is", i, command[i]))
			return false;
	}
	capture->has_arguments = true;
	return WRITE(capture, WRITE_META, err, "si", "bucket_seconds", capture->bucket_seconds);
}

/* The frames of one snapshot: pointers there to ids here. */
struct translation {
	struct numbering frames;
	uint32_t *ids;
	size_t capacity;
};

static void translation_deinit(struct translation *translation)
{
	numbering_deinit(&translation->frames);
	free(translation->ids);
}

/* The id of a frame, which is written if it is new. */
static bool frame_see(struct capture *capture, const struct frame *frame, uint32_t *ret,
		      struct error *err)
{
	const struct frame *known;
	uint32_t number;
	size_t len = capture->frames.len;
	if (!frame_set_intern(&capture->frame_set, frame, &known, err) ||
	    !numbering_add(&capture->frames, (uintptr_t)known, &number, err))
		return false;
	*ret = number + 1;
	return number < len || WRITE(capture, WRITE_FRAME, err, "issi", (int64_t)*ret,
				     frame->function, frame->file, (int64_t)frame->line);
}

static bool translate(struct capture *capture, struct translation *translation,
		      const struct frame *frame, uint32_t *ret, struct error *err)
{
	uint32_t number;
	size_t len = translation->frames.len;
	void *ids = translation->ids;
	if (!array_reserve(&ids, &translation->capacity, len + 1, sizeof(*translation->ids), err))
		return false;
	translation->ids = ids;
	if (!numbering_add(&translation->frames, (uintptr_t)frame, &number, err) ||
	    (number == len && !frame_see(capture, frame, &translation->ids[number], err)))
		return false;
	*ret = translation->ids[number];
	return true;
}

/* One step of a hash. */
static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

/* A hash of all that tells stacks apart: of 64 bits, so that among some ten thousand stacks no two
 * have the same. */
static uint64_t stack_key(const uint32_t *path, size_t depth, enum memory_kind kind,
			  bool is_truncated)
{
	const uint64_t beginning = UINT64_C(0x517cc1b727220a95); /* far from any value */
	uint64_t hash = mix(mix(beginning, (uint64_t)kind << 1 | is_truncated), depth);
	for (size_t i = 0; i < depth; i++)
		hash = mix(hash, path[i]);
	return hash;
}

static uint32_t text_hash(const char *text)
{
	uint64_t hash = 0;
	for (; *text; text++)
		hash = mix(hash, (unsigned char)*text);
	return (uint32_t)hash;
}

/* Write what never changes of a stack. */
static bool path_write(struct capture *capture, const struct row *row, const uint32_t *path,
		       size_t depth, struct error *err)
{
	for (size_t i = 0; i < depth; i++) {
		if (!WRITE(capture, WRITE_STACK_FRAME, err, "iii", row->id, (int64_t)i,
			   (int64_t)path[i]))
			return false;
	}
	return true;
}

bool capture_stack_row(struct capture *capture, const uint32_t *path, size_t depth,
		       enum memory_kind kind, bool is_truncated, struct row **ret,
		       struct error *err)
{
	struct row *row;
	if (!rows_add(&capture->stacks, stack_key(path, depth, kind, is_truncated), &row, err))
		return false;
	*ret = row;
	if (row->id)
		return true;
	row->id = ++capture->stack_ids;
	row->kind = kind;
	row->site = depth ? path[0] : 0;
	row->is_cut = is_truncated && depth <= 1;
	return path_write(capture, row, path, depth, err);
}

bool capture_thread_write(struct capture *capture, struct row *row, const char *thread,
			  bool is_truncated, struct error *err)
{
	row->thread_hash = text_hash(thread);
	return WRITE(capture, WRITE_STACK, err, "issi", row->id, memory_kind_name(row->kind),
		     thread, (int64_t)is_truncated);
}

static bool stack_see(struct capture *capture, struct translation *translation,
		      const struct snapshot_stack *stack, struct error *err)
{
	uint32_t path[FRAME_DEPTH_MAX];
	size_t depth = stack->frame_count < FRAME_DEPTH_MAX ? stack->frame_count : FRAME_DEPTH_MAX;
	for (size_t i = 0; i < depth; i++) {
		if (!translate(capture, translation, stack->frames[i], &path[i], err))
			return false;
	}

	struct row *row;
	if (!capture_stack_row(capture, path, depth, stack->kind, stack->is_truncated, &row, err))
		return false;
	row_see(row, &stack->figures, capture->seconds);
	/* A new sample may come from another thread. */
	return row->thread_hash == text_hash(stack->thread) ||
	       capture_thread_write(capture, row, stack->thread, stack->is_truncated, err);
}

static bool site_see(struct capture *capture, struct translation *translation,
		     const struct snapshot_site *site, struct error *err)
{
	uint32_t id;
	struct row *row;
	if (!translate(capture, translation, site->frame, &id, err) ||
	    !rows_add(&capture->sites, id, &row, err))
		return false;
	row->id = id;
	row_see(row, &site->figures, capture->seconds);
	return true;
}

/* Take in a snapshot's figures, and write what stacks and frames are new. */
static bool snapshot_see(struct capture *capture, const struct snapshot *snapshot,
			 struct error *err)
{
	OWNED(translation_deinit) struct translation translation = { 0 };
	rows_unsee(&capture->stacks);
	rows_unsee(&capture->sites);
	row_see(&capture->total, &snapshot->total, capture->seconds);
	for (size_t i = 0; i < snapshot->stack_count; i++) {
		if (!stack_see(capture, &translation, &snapshot->stacks[i], err))
			return false;
	}
	for (size_t i = 0; i < snapshot->site_count; i++) {
		if (!site_see(capture, &translation, &snapshot->sites[i], err))
			return false;
	}
	return true;
}

static bool figures_write(struct capture *capture, const char *scope, const struct row *row,
			  struct error *err)
{
	if (!row->is_seen)
		return WRITE(capture, DELETE_FIGURES, err, "si", scope, row->id);

	const struct row_figures *now = &row->now;
	const struct estimate *live = &now->live_bytes, *growth = &now->growth;
	return WRITE(capture, WRITE_FIGURES, err, "siddddddddidd", scope, row->id, live->value,
		     live->low, live->high, growth->value, growth->low, growth->high,
		     now->live_blocks, now->oldest_start_seconds, (int64_t)now->live_samples,
		     now->kind_live_bytes[MEMORY_PYMALLOC], now->kind_live_bytes[MEMORY_MALLOC]);
}

/* The bucket that holds the latest snapshot. */
static int64_t bucket_start(const struct capture *capture)
{
	int64_t seconds = (int64_t)capture->seconds;
	return seconds - seconds % capture->bucket_seconds;
}

static bool bucket_write(struct capture *capture, const struct row *row, struct error *err)
{
	double bytes = row->now.live_bytes.value - row->live_bytes;
	double blocks = row->now.live_blocks - row->live_blocks;
	if (bytes == 0 && blocks == 0)
		return true;
	return WRITE(capture, WRITE_BUCKET, err, "iidddddd", row->id, bucket_start(capture),
		     fmax(bytes, 0), fmax(-bytes, 0), fmax(blocks, 0), fmax(-blocks, 0),
		     row->now.live_bytes.value, row->now.live_blocks);
}

/* Write the rows that have moved, or all. */
static bool rows_write(struct capture *capture, const char *scope, struct rows *rows,
		       bool has_buckets, bool is_all, struct error *err)
{
	for (size_t i = 0; i < rows->keys.len; i++) {
		struct row *row = &rows->items[i];
		if (!row_has_moved(row) && !(is_all && row->is_seen))
			continue;
		if (!figures_write(capture, scope, row, err) ||
		    (has_buckets && !bucket_write(capture, row, err)))
			return false;
		row_note_written(row);
	}
	return true;
}

static bool all_write(struct capture *capture, bool is_all, struct error *err)
{
	return rows_write(capture, "stack", &capture->stacks, true, is_all, err) &&
	       rows_write(capture, "site", &capture->sites, false, is_all, err);
}

static bool changes_write(struct capture *capture, const struct snapshot *snapshot,
			  struct error *err)
{
	capture->seconds = snapshot->capture.seconds;
	if (isnan(capture->first_seconds))
		capture->first_seconds = capture->seconds;
	return capture_past_bound(capture, err) && meta_write(capture, snapshot, err) &&
	       snapshot_see(capture, snapshot, err) && all_write(capture, false, err) &&
	       figures_write(capture, "total", &capture->total, err) &&
	       WRITE(capture, WRITE_TIMELINE, err, "iddii", bucket_start(capture),
		     snapshot->total.live_bytes.value, snapshot->total.live_blocks,
		     (int64_t)snapshot->capture.rss_bytes, (int64_t)snapshot->capture.samples) &&
	       capture_number(capture, FILE_BYTES, &capture->bytes, err);
}

/* What is written to a file without a name is lost. */
static bool file_check(const struct capture *capture, struct error *err)
{
	struct stat info;
	return fstat(capture->file, &info) < 0 || info.st_nlink > 0 ||
	       database_foreign(capture->database, "was deleted while it was being written", err);
}

static bool fail_again(struct error *err)
{
	return error_set(err, ERROR_FILE, "an earlier write to the capture failed");
}

bool capture_write(struct capture *capture, const struct snapshot *snapshot, struct error *err)
{
	if (capture->is_broken)
		return fail_again(err);
	capture->is_broken = !file_check(capture, err) ||
			     !database_run(capture->database, "BEGIN IMMEDIATE", err) ||
			     !changes_write(capture, snapshot, err) ||
			     !database_run(capture->database, "COMMIT", err);
	return !capture->is_broken;
}

/* Write every row as it was in the latest snapshot, the last one if `is_end`. */
static bool capture_flush(struct capture *capture, bool is_end, struct error *err)
{
	return database_run(capture->database, "BEGIN IMMEDIATE", err) &&
	       all_write(capture, true, err) &&
	       (!is_end || WRITE(capture, WRITE_META, err, "si", "is_unfinished", (int64_t)0)) &&
	       database_run(capture->database, "COMMIT", err);
}

bool capture_sync(struct capture *capture, bool *ret, struct error *err)
{
	if (capture->is_broken)
		return fail_again(err);
	capture->is_broken =
		!capture_flush(capture, false, err) || !database_fold(capture->database, ret, err);
	return !capture->is_broken;
}

uint64_t capture_bytes(const struct capture *capture)
{
	return (uint64_t)capture->bytes;
}

bool capture_is_at(const struct capture *capture, const char *path)
{
	struct stat ours, found;
	return fstat(capture->file, &ours) == 0 && lstat(path, &found) == 0 &&
	       ours.st_dev == found.st_dev && ours.st_ino == found.st_ino;
}

bool capture_close(struct capture *capture, struct error *err)
{
	if (!capture)
		return true;
	OWNED(capture_cleanup) struct capture *closing = capture;
	if (closing->is_broken)
		return fail_again(err);
	return capture_flush(closing, true, err) && database_settle(closing->database, err);
}
