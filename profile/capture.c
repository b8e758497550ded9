/* SPDX-License-Identifier: MIT */
#include "profile/capture.h"

#include <math.h>

#include "profile/call_tree.h"
#include "profile/capture_schema.h"
#include "profile/database.h"
#include "profile/frame_set.h"

/* Time is cut into as many buckets at most; then two and two are merged. */
enum { BUCKETS_MAX = 1024 };

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
	STATEMENT_COUNT,
};

#define UPDATE_BUCKET                                                                  \
	" ON CONFLICT DO UPDATE SET risen_bytes = risen_bytes + excluded.risen_bytes," \
	" fallen_bytes = fallen_bytes + excluded.fallen_bytes,"                        \
	" risen_blocks = risen_blocks + excluded.risen_blocks,"                        \
	" fallen_blocks = fallen_blocks + excluded.fallen_blocks,"                     \
	" live_bytes = excluded.live_bytes, live_blocks = excluded.live_blocks"

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
};

/* What is known of one stack or site, or of the whole process. */
struct row {
	const char *scope;
	int64_t id;
	bool is_seen;		/* in the latest snapshot */
	struct figures figures; /* of the latest snapshot; all zero if not seen there */
	/* What stands in the file. */
	double live_bytes;
	double live_blocks;
	double growth;
};

struct rows {
	struct numbering keys;
	struct row *items; /* by number of the key */
	size_t capacity;
};

struct capture {
	struct database *database;
	struct statement *statements[STATEMENT_COUNT];
	bool is_broken; /* a write has failed */
	bool has_arguments;
	struct frame_set frame_set;
	struct call_tree tree; /* of frames in frame_set; a frame's id is its number + 1 */
	size_t frames_written;
	struct rows stacks; /* keys: node, kind, whether truncated */
	struct rows sites;  /* keys: the frame's id */
	struct row total;
	double seconds; /* of the latest snapshot */
	int64_t bucket_seconds;
};

static bool rows_add(struct rows *rows, uint64_t key, struct row **ret, struct error *err)
{
	void *items = rows->items;
	if (!array_reserve(&items, &rows->capacity, rows->keys.len + 1, sizeof(struct row), err))
		return false;
	rows->items = items;

	uint32_t number;
	size_t len = rows->keys.len;
	if (!numbering_add(&rows->keys, key, &number, err))
		return false;
	*ret = &rows->items[number];
	if (number == len)
		**ret = (struct row){ 0 };
	return true;
}

static void rows_deinit(struct rows *rows)
{
	numbering_deinit(&rows->keys);
	free(rows->items);
}

static void rows_forget_figures(struct rows *rows)
{
	for (size_t i = 0; i < rows->keys.len; i++) {
		rows->items[i].is_seen = false;
		rows->items[i].figures = (struct figures){ 0 };
	}
}

static void row_see(struct row *row, const char *scope, int64_t id, const struct figures *figures)
{
	row->scope = scope;
	row->id = id;
	row->is_seen = true;
	row->figures = *figures;
}

void capture_abandon(struct capture *capture)
{
	if (!capture)
		return;
	for (size_t i = 0; i < STATEMENT_COUNT; i++)
		statement_destroy(capture->statements[i]);
	database_close(capture->database);
	call_tree_deinit(&capture->tree);
	frame_set_deinit(&capture->frame_set);
	rows_deinit(&capture->stacks);
	rows_deinit(&capture->sites);
	free(capture);
}

static void capture_cleanup(struct capture **capture)
{
	capture_abandon(*capture);
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
	OWNED(capture_cleanup) struct capture *capture = calloc(1, sizeof(*capture));
	if (!capture)
		return error_set(err, ERROR_NO_MEMORY, "no memory for a capture");
	capture->bucket_seconds = 1;
	if (!database_create(path, force, &capture->database, err) ||
	    !tables_create(capture->database, err))
		return false;
	for (size_t i = 0; i < STATEMENT_COUNT; i++) {
		if (!statement_create(capture->database, statement_texts[i],
				      &capture->statements[i], err))
			return false;
	}
	*ret = MOVE_PTR(capture);
	return true;
}

/* Bind the parameters of a statement and run it. */
#define WRITE(capture, name, err, ...)                                    \
	(statement_bind((capture)->statements[name], err, __VA_ARGS__) && \
	 statement_run((capture)->statements[name], err))

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

static bool meta_write(struct capture *capture, const struct snapshot *snapshot, struct error *err)
{
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

/* The frames of one snapshot: pointers there to pointers here. */
struct translation {
	struct numbering theirs;
	const struct frame **ours;
	size_t capacity;
};

static void translation_deinit(struct translation *translation)
{
	numbering_deinit(&translation->theirs);
	free(translation->ours);
}

static bool translate(struct capture *capture, struct translation *translation,
		      const struct frame *frame, const struct frame **ret, struct error *err)
{
	uint32_t number;
	if (numbering_find(&translation->theirs, (uintptr_t)frame, &number)) {
		*ret = translation->ours[number];
		return true;
	}
	void *ours = translation->ours;
	if (!array_reserve(&ours, &translation->capacity, translation->theirs.len + 1,
			   sizeof(*translation->ours), err))
		return false;
	translation->ours = ours;
	if (!frame_set_intern(&capture->frame_set, frame, ret, err) ||
	    !numbering_add(&translation->theirs, (uintptr_t)frame, &number, err))
		return false;
	translation->ours[number] = *ret;
	return true;
}

/* Write the frames that the tree has got since the last time. */
static bool frames_write(struct capture *capture, struct error *err)
{
	for (; capture->frames_written < capture->tree.frames.len; capture->frames_written++) {
		const struct frame *frame =
			call_tree_frame(&capture->tree, (uint32_t)capture->frames_written);
		if (!WRITE(capture, WRITE_FRAME, err, "issi", (int64_t)capture->frames_written + 1,
			   frame->function, frame->file, (int64_t)frame->line))
			return false;
	}
	return true;
}

static bool path_write(struct capture *capture, int64_t id, uint32_t node, struct error *err)
{
	uint32_t path[FRAME_DEPTH_MAX];
	size_t depth = call_tree_path(&capture->tree, node, path);
	for (size_t i = 0; i < depth; i++) {
		if (!WRITE(capture, WRITE_STACK_FRAME, err, "iii", id, (int64_t)i,
			   (int64_t)path[i] + 1))
			return false;
	}
	return true;
}

static bool stack_see(struct capture *capture, struct translation *translation,
		      const struct snapshot_stack *stack, struct error *err)
{
	const struct frame *frames[FRAME_DEPTH_MAX];
	size_t depth = stack->frame_count < FRAME_DEPTH_MAX ? stack->frame_count : FRAME_DEPTH_MAX;
	for (size_t i = 0; i < depth; i++) {
		if (!translate(capture, translation, stack->frames[i], &frames[i], err))
			return false;
	}

	uint32_t node;
	struct row *row;
	if (!call_tree_intern(&capture->tree, frames, depth, &node, err))
		return false;
	uint64_t key =
		((uint64_t)node * MEMORY_KIND_COUNT + stack->kind) << 1 | stack->is_truncated;
	if (!rows_add(&capture->stacks, key, &row, err))
		return false;
	bool is_new = row->id == 0;
	row_see(row, "stack", row - capture->stacks.items + 1, &stack->figures);
	if (is_new && !path_write(capture, row->id, node, err))
		return false;

	/* A new sample may come from another thread. */
	return stack->figures.live_bytes.value == row->live_bytes ||
	       WRITE(capture, WRITE_STACK, err, "issi", row->id, memory_kind_name(stack->kind),
		     stack->thread, (int64_t)stack->is_truncated);
}

static bool site_see(struct capture *capture, struct translation *translation,
		     const struct snapshot_site *site, struct error *err)
{
	const struct frame *frame;
	uint32_t number;
	struct row *row;
	if (!translate(capture, translation, site->frame, &frame, err) ||
	    !numbering_add(&capture->tree.frames, (uintptr_t)frame, &number, err) ||
	    !rows_add(&capture->sites, number, &row, err))
		return false;
	row_see(row, "site", (int64_t)number + 1, &site->figures);
	return true;
}

/* Take in a snapshot's figures, and write what stacks and frames are new. */
static bool snapshot_see(struct capture *capture, const struct snapshot *snapshot,
			 struct error *err)
{
	OWNED(translation_deinit) struct translation translation = { 0 };
	rows_forget_figures(&capture->stacks);
	rows_forget_figures(&capture->sites);
	row_see(&capture->total, "total", 0, &snapshot->total);
	for (size_t i = 0; i < snapshot->stack_count; i++) {
		if (!stack_see(capture, &translation, &snapshot->stacks[i], err))
			return false;
	}
	for (size_t i = 0; i < snapshot->site_count; i++) {
		if (!site_see(capture, &translation, &snapshot->sites[i], err))
			return false;
	}
	return frames_write(capture, err);
}

static bool has_moved(const struct row *row)
{
	const struct figures *figures = &row->figures;
	const struct estimate *growth = &figures->growth_bytes_per_second;
	return figures->live_bytes.value != row->live_bytes ||
	       fabs(growth->value - row->growth) > 0.01 * fmax(growth->error, fabs(growth->value));
}

static bool figures_write(struct capture *capture, const struct row *row, struct error *err)
{
	if (!row->is_seen)
		return WRITE(capture, DELETE_FIGURES, err, "si", row->scope, row->id);

	const struct figures *figures = &row->figures;
	const struct estimate *live = &figures->live_bytes;
	const struct estimate *growth = &figures->growth_bytes_per_second;
	return WRITE(capture, WRITE_FIGURES, err, "siddddddddidd", row->scope, row->id, live->value,
		     live->low, live->high, growth->value, growth->low, growth->high,
		     figures->live_blocks, capture->seconds - figures->oldest_seconds,
		     (int64_t)figures->live_samples, figures->kind_live_bytes[MEMORY_PYMALLOC],
		     figures->kind_live_bytes[MEMORY_MALLOC]);
}

/* The bucket that holds the latest snapshot. */
static int64_t bucket_start(const struct capture *capture)
{
	int64_t seconds = (int64_t)capture->seconds;
	return seconds - seconds % capture->bucket_seconds;
}

static bool bucket_write(struct capture *capture, const struct row *row, struct error *err)
{
	double bytes = row->figures.live_bytes.value - row->live_bytes;
	double blocks = row->figures.live_blocks - row->live_blocks;
	if (bytes == 0 && blocks == 0)
		return true;
	return WRITE(capture, WRITE_BUCKET, err, "iidddddd", row->id, bucket_start(capture),
		     fmax(bytes, 0), fmax(-bytes, 0), fmax(blocks, 0), fmax(-blocks, 0),
		     row->figures.live_bytes.value, row->figures.live_blocks);
}

/* Write the rows that have moved, or all. */
static bool rows_write(struct capture *capture, struct rows *rows, bool has_buckets, bool is_all,
		       struct error *err)
{
	for (size_t i = 0; i < rows->keys.len; i++) {
		struct row *row = &rows->items[i];
		if (!has_moved(row) && !(is_all && row->is_seen))
			continue;
		if (!figures_write(capture, row, err) ||
		    (has_buckets && !bucket_write(capture, row, err)))
			return false;
		row->live_bytes = row->figures.live_bytes.value;
		row->live_blocks = row->figures.live_blocks;
		row->growth = row->figures.growth_bytes_per_second.value;
	}
	return true;
}

/* Make buckets twice as long once there are too many: the second half of each new one moves into
 * the first. */
static bool buckets_merge(struct capture *capture, struct error *err)
{
	static const char merge[] =
		"INSERT INTO bucket SELECT stack_id, start_seconds - %1$lld, risen_bytes,"
		" fallen_bytes, risen_blocks, fallen_blocks, live_bytes, live_blocks FROM bucket"
		" WHERE start_seconds %% %2$lld != 0" UPDATE_BUCKET ";"
		"DELETE FROM bucket WHERE start_seconds %% %2$lld != 0;"
		"INSERT OR REPLACE INTO timeline SELECT start_seconds - %1$lld, live_bytes,"
		" live_blocks, rss_bytes, samples FROM timeline"
		" WHERE start_seconds %% %2$lld != 0;"
		"DELETE FROM timeline WHERE start_seconds %% %2$lld != 0";

	while (capture->seconds >= (double)(BUCKETS_MAX * capture->bucket_seconds)) {
		long long old = capture->bucket_seconds;
		char sql[1024];
		snprintf(sql, sizeof(sql), merge, old, 2 * old);
		if (!database_run(capture->database, sql, err))
			return false;
		capture->bucket_seconds = 2 * old;
	}
	return true;
}

static bool changes_write(struct capture *capture, const struct snapshot *snapshot,
			  struct error *err)
{
	capture->seconds = snapshot->capture.seconds;
	return buckets_merge(capture, err) && meta_write(capture, snapshot, err) &&
	       snapshot_see(capture, snapshot, err) &&
	       rows_write(capture, &capture->stacks, true, false, err) &&
	       rows_write(capture, &capture->sites, false, false, err) &&
	       figures_write(capture, &capture->total, err) &&
	       WRITE(capture, WRITE_TIMELINE, err, "iddii", bucket_start(capture),
		     snapshot->total.live_bytes.value, snapshot->total.live_blocks,
		     (int64_t)snapshot->capture.rss_bytes, (int64_t)snapshot->capture.samples);
}

bool capture_write(struct capture *capture, const struct snapshot *snapshot, struct error *err)
{
	if (capture->is_broken)
		return error_set(err, ERROR_FILE, "an earlier write to the capture failed");
	capture->is_broken = !database_run(capture->database, "BEGIN IMMEDIATE", err) ||
			     !changes_write(capture, snapshot, err) ||
			     !database_run(capture->database, "COMMIT", err);
	return !capture->is_broken;
}

/* Write every row as it was in the latest snapshot. */
static bool capture_flush(struct capture *capture, struct error *err)
{
	return database_run(capture->database, "BEGIN IMMEDIATE", err) &&
	       rows_write(capture, &capture->stacks, true, true, err) &&
	       rows_write(capture, &capture->sites, false, true, err) &&
	       database_run(capture->database, "COMMIT", err);
}

bool capture_close(struct capture *capture, struct error *err)
{
	if (!capture)
		return true;
	OWNED(capture_cleanup) struct capture *closing = capture;
	if (closing->is_broken)
		return error_set(err, ERROR_FILE, "an earlier write to the capture failed");
	return capture_flush(closing, err) && database_settle(closing->database, err);
}
