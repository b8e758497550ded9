/* SPDX-License-Identifier: MIT */
#include "profile/capture_loader.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "profile/capture.h"
#include "profile/capture_schema.h"
#include "profile/snapshot_build.h"

/* More than these no capture has; whoever claims more is broken or lies. */
enum {
	ARGUMENTS_MAX = 1 << 16,
	FRAMES_MAX = 1 << 22,
	ROWS_MAX = 1 << 20,
};

void loader_deinit(struct loader *loader)
{
	database_close(loader->database);
	timeline_destroy(loader->timeline);
	snapshot_destroy(loader->snapshot);
	numbering_deinit(&loader->stack_ids);
	free(loader->frames);
}

bool loader_number(struct loader *loader, const char *sql, int64_t *ret, struct error *err)
{
	OWNED_STATEMENT struct statement *statement = NULL;
	bool has_row;
	return statement_create(loader->database, sql, &statement, err) &&
	       statement_next(statement, &has_row, err) &&
	       (has_row || database_damaged(loader->database, "no answer", err)) &&
	       statement_integer(statement, 0, INT64_MIN, INT64_MAX, ret, err);
}

/* Rows of a damaged file can all lead to the same pages: what they say together is then without
 * bounds, and yet more than any capture of this size. */
static void memory_bound(struct loader *loader)
{
	enum { BYTES_MIN = 64 << 20, BYTES_PER_BYTE = 16 };
	snapshot_limit(loader->snapshot,
		       BYTES_MIN + BYTES_PER_BYTE * database_bytes(loader->database));
}

/* Insist on a file of ours, of our version, with our tables. */
static bool schema_check(struct loader *loader, struct error *err)
{
	struct database *database = loader->database;
	int64_t application, version;
	if (!loader_number(loader, "PRAGMA application_id", &application, err))
		return false;
	if (application != CAPTURE_APPLICATION_ID)
		return database_foreign(database, "is not a capture of filtrace", err);
	if (!loader_number(loader, "PRAGMA user_version", &version, err))
		return false;
	if (version > CAPTURE_VERSION)
		return database_foreign(database, "was written by a newer filtrace", err);

	OWNED_STATEMENT struct statement *statement = NULL;
	if (!statement_create(database,
			      "SELECT count(*) FROM sqlite_schema"
			      " WHERE type = 'table' AND name = ? AND sql = ?",
			      &statement, err))
		return false;
	for (size_t i = 0; i < capture_table_count; i++) {
		const struct capture_table *table = &capture_tables[i];
		bool has_row;
		int64_t count;
		if (!statement_bind(statement, err, "ss", table->name, table->sql) ||
		    !statement_next(statement, &has_row, err) ||
		    !statement_integer(statement, 0, 0, INT64_MAX, &count, err))
			return false;
		if (count != 1)
			return database_damaged(database, "a table is missing or altered", err);
	}
	memory_bound(loader);
	return true;
}

static bool field_load(struct loader *loader, const struct capture_field *field,
		       struct statement *statement, struct error *err)
{
	void *ret = (char *)loader->snapshot + field->offset;
	int64_t integer;
	const char *text;
	switch (field->type) {
	case FIELD_INT:
		if (!statement_integer(statement, 0, 0, INT_MAX, &integer, err))
			return false;
		*(int *)ret = (int)integer;
		return true;
	case FIELD_BOOL:
		if (!statement_integer(statement, 0, 0, 1, &integer, err))
			return false;
		*(bool *)ret = integer;
		return true;
	case FIELD_UINT64:
		if (!statement_integer(statement, 0, 0, INT64_MAX, &integer, err))
			return false;
		*(uint64_t *)ret = (uint64_t)integer;
		return true;
	case FIELD_DOUBLE:
		return statement_real(statement, 0, ret, err);
	case FIELD_TEXT:
		return statement_text(statement, 0, &text, err) &&
		       snapshot_copy_text(loader->snapshot, text, ret, err);
	}
	return error_set(err, ERROR_INTERNAL, "field %s of an unknown type", field->key);
}

static bool meta_load(struct loader *loader, struct error *err)
{
	OWNED_STATEMENT struct statement *statement = NULL;
	if (!statement_create(loader->database, "SELECT value FROM meta WHERE key = ?", &statement,
			      err))
		return false;
	for (size_t i = 0; i < capture_field_count; i++) {
		bool has_row;
		if (!statement_bind(statement, err, "s", capture_fields[i].key) ||
		    !statement_next(statement, &has_row, err))
			return false;
		if (!has_row)
			return database_damaged(loader->database, "nothing was recorded", err);
		if (!field_load(loader, &capture_fields[i], statement, err))
			return false;
	}
	return true;
}

static bool arguments_load(struct loader *loader, struct error *err)
{
	OWNED_STATEMENT struct statement *statement = NULL;
	int64_t count;
	if (!loader_number(loader, "SELECT count(*) FROM argument", &count, err))
		return false;
	if (count > ARGUMENTS_MAX)
		return database_damaged(loader->database, "too many arguments", err);

	struct snapshot *snapshot = loader->snapshot;
	char **command = snapshot_alloc(snapshot, (size_t)count + 1, sizeof(*command), err);
	if (!command ||
	    !statement_create(loader->database, "SELECT text FROM argument ORDER BY position",
			      &statement, err))
		return false;
	snapshot->target.command = command;
	for (int64_t i = 0; i < count; i++) {
		bool has_row;
		const char *text, *copy;
		if (!statement_next(statement, &has_row, err))
			return false;
		if (!has_row)
			break;
		if (!statement_text(statement, 0, &text, err) ||
		    !snapshot_copy_text(snapshot, text, &copy, err))
			return false;
		command[i] = (char *)copy;
	}
	return true;
}

/* Load one frame; their ids count up from 1. */
static bool frame_load(struct loader *loader, struct statement *statement, struct error *err)
{
	int64_t id, line;
	int64_t expected = (int64_t)loader->frame_count + 1;
	struct frame frame;
	void *frames = loader->frames;
	if (!statement_integer(statement, 0, expected, expected, &id, err) ||
	    !statement_text(statement, 1, &frame.function, err) ||
	    !statement_text(statement, 2, &frame.file, err) ||
	    !statement_integer(statement, 3, 0, INT_MAX, &line, err) ||
	    !array_reserve(&frames, &loader->frame_capacity, loader->frame_count + 1,
			   sizeof(*loader->frames), err))
		return false;
	frame.line = (int)line;
	loader->frames = frames;
	return snapshot_copy_frame(loader->snapshot, &frame, &loader->frames[loader->frame_count++],
				   err);
}

static bool frames_load(struct loader *loader, struct error *err)
{
	OWNED_STATEMENT struct statement *statement = NULL;
	if (!statement_create(loader->database,
			      "SELECT frame_id, function, file, line FROM frame ORDER BY frame_id",
			      &statement, err))
		return false;
	while (true) {
		bool has_row;
		if (!statement_next(statement, &has_row, err))
			return false;
		if (!has_row)
			return true;
		if (loader->frame_count == FRAMES_MAX)
			return database_damaged(loader->database, "too many frames", err);
		if (!frame_load(loader, statement, err))
			return false;
	}
}

static bool estimate_load(struct statement *statement, int column, struct estimate *ret,
			  struct error *err)
{
	if (!statement_real(statement, column, &ret->value, err) ||
	    !statement_real(statement, column + 1, &ret->low, err) ||
	    !statement_real(statement, column + 2, &ret->high, err))
		return false;
	ret->error = fmax(ret->high - ret->value, ret->value - ret->low);
	return true;
}

/* The columns that figures_load() reads. */
#define FIGURES                                                                    \
	"live_bytes, live_bytes_low, live_bytes_high, growth_bytes_per_second,"    \
	" growth_bytes_per_second_low, growth_bytes_per_second_high, live_blocks," \
	" oldest_start_seconds, live_samples, pymalloc_bytes, malloc_bytes"

static bool figures_load(struct loader *loader, struct statement *statement, struct figures *ret,
			 struct error *err)
{
	double oldest_start;
	int64_t samples;
	if (!estimate_load(statement, 0, &ret->live_bytes, err) ||
	    !estimate_load(statement, 3, &ret->growth_bytes_per_second, err) ||
	    !statement_real(statement, 6, &ret->live_blocks, err) ||
	    !statement_real(statement, 7, &oldest_start, err) ||
	    !statement_integer(statement, 8, 0, INT64_MAX, &samples, err) ||
	    !statement_real(statement, 9, &ret->kind_live_bytes[MEMORY_PYMALLOC], err) ||
	    !statement_real(statement, 10, &ret->kind_live_bytes[MEMORY_MALLOC], err))
		return false;
	ret->live_samples = (size_t)samples;
	ret->oldest_seconds = fmax(loader->snapshot->capture.seconds - oldest_start, 0);
	return true;
}

enum { FIGURES_COLUMNS = 11 };

static bool frame_find(struct loader *loader, struct statement *statement, int column,
		       const struct frame **ret, struct error *err)
{
	int64_t id;
	if (!statement_integer(statement, column, 1, (int64_t)loader->frame_count, &id, err))
		return false;
	*ret = loader->frames[id - 1];
	return true;
}

const char loader_paths[] =
	"SELECT depth, frame_id FROM stack_frame WHERE stack_id = ? ORDER BY depth";

bool loader_path(struct loader *loader, struct statement *statement, int64_t id,
		 const struct frame *const **ret, size_t *len_ret, struct error *err)
{
	const struct frame *frames[FRAME_DEPTH_MAX];
	size_t depth = 0;
	if (!statement_bind(statement, err, "i", id))
		return false;
	while (true) {
		bool has_row;
		int64_t found;
		if (!statement_next(statement, &has_row, err))
			return false;
		if (!has_row)
			break;
		if (depth == FRAME_DEPTH_MAX)
			return database_damaged(loader->database, "a stack is too deep", err);
		if (!statement_integer(statement, 0, (int64_t)depth, (int64_t)depth, &found, err) ||
		    !frame_find(loader, statement, 1, &frames[depth], err))
			return false;
		depth++;
	}

	const struct frame **copy = snapshot_alloc(loader->snapshot, depth, sizeof(*copy), err);
	if (!copy)
		return false;
	if (depth)
		memcpy(copy, frames, depth * sizeof(*copy));
	*ret = copy;
	*len_ret = depth;
	return true;
}

bool loader_kind(struct loader *loader, struct statement *statement, int column,
		 enum memory_kind *ret, struct error *err)
{
	const char *name;
	if (!statement_text(statement, column, &name, err))
		return false;
	for (int kind = 0; kind < MEMORY_KIND_COUNT; kind++) {
		if (strcmp(name, memory_kind_name((enum memory_kind)kind)) == 0) {
			*ret = (enum memory_kind)kind;
			return true;
		}
	}
	return database_damaged(loader->database, "unknown kind of memory", err);
}

static bool stack_load(struct loader *loader, struct statement *rows, struct statement *paths,
		       struct snapshot_stack *ret, struct error *err)
{
	int64_t id, is_truncated;
	const char *thread;
	uint32_t number;
	if (!figures_load(loader, rows, &ret->figures, err) ||
	    !statement_integer(rows, FIGURES_COLUMNS, 1, INT64_MAX, &id, err) ||
	    !loader_kind(loader, rows, FIGURES_COLUMNS + 1, &ret->kind, err) ||
	    !statement_text(rows, FIGURES_COLUMNS + 2, &thread, err) ||
	    !snapshot_copy_text(loader->snapshot, thread, &ret->thread, err) ||
	    !statement_integer(rows, FIGURES_COLUMNS + 3, 0, 1, &is_truncated, err))
		return false;
	ret->is_truncated = is_truncated;
	if (numbering_find(&loader->stack_ids, (uint64_t)id, &number)) {
		const struct course *course = &loader->timeline->courses[number];
		ret->course = number + 1;
		ret->frames = course->frames;
		ret->frame_count = course->frame_count;
		return true;
	}
	return loader_path(loader, paths, id, &ret->frames, &ret->frame_count, err);
}

bool loader_count(struct loader *loader, const char *sql, size_t *ret, struct error *err)
{
	int64_t count;
	if (!loader_number(loader, sql, &count, err))
		return false;
	if (count > ROWS_MAX)
		return database_damaged(loader->database, "too many figures", err);
	*ret = (size_t)count;
	return true;
}

static bool stacks_load(struct loader *loader, struct error *err)
{
	OWNED_STATEMENT struct statement *rows = NULL;
	OWNED_STATEMENT struct statement *paths = NULL;
	struct snapshot *snapshot = loader->snapshot;
	size_t count = 0;
	if (!loader_count(loader, "SELECT count(*) FROM figures WHERE scope = 'stack'", &count,
			  err) ||
	    !statement_create(loader->database,
			      "SELECT " FIGURES ", stack_id, kind, thread, is_truncated"
			      " FROM figures LEFT JOIN stack ON stack_id = id"
			      " WHERE scope = 'stack'",
			      &rows, err) ||
	    !statement_create(loader->database, loader_paths, &paths, err))
		return false;
	snapshot->stacks = snapshot_alloc(snapshot, count, sizeof(*snapshot->stacks), err);
	if (!snapshot->stacks)
		return false;
	for (; snapshot->stack_count < count; snapshot->stack_count++) {
		bool has_row;
		if (!statement_next(rows, &has_row, err))
			return false;
		if (!has_row)
			break;
		if (!stack_load(loader, rows, paths, &snapshot->stacks[snapshot->stack_count], err))
			return false;
	}
	return true;
}

static bool sites_load(struct loader *loader, struct error *err)
{
	OWNED_STATEMENT struct statement *rows = NULL;
	struct snapshot *snapshot = loader->snapshot;
	size_t count = 0;
	if (!loader_count(loader, "SELECT count(*) FROM figures WHERE scope = 'site'", &count,
			  err) ||
	    !statement_create(loader->database,
			      "SELECT " FIGURES ", id FROM figures WHERE scope = 'site'", &rows,
			      err))
		return false;
	snapshot->sites = snapshot_alloc(snapshot, count, sizeof(*snapshot->sites), err);
	if (!snapshot->sites)
		return false;
	for (; snapshot->site_count < count; snapshot->site_count++) {
		struct snapshot_site *site = &snapshot->sites[snapshot->site_count];
		bool has_row;
		if (!statement_next(rows, &has_row, err))
			return false;
		if (!has_row)
			break;
		if (!figures_load(loader, rows, &site->figures, err) ||
		    !frame_find(loader, rows, FIGURES_COLUMNS, &site->frame, err))
			return false;
	}
	return true;
}

static bool total_load(struct loader *loader, struct error *err)
{
	OWNED_STATEMENT struct statement *row = NULL;
	bool has_row;
	return statement_create(loader->database,
				"SELECT " FIGURES " FROM figures WHERE scope = 'total'", &row,
				err) &&
	       statement_next(row, &has_row, err) &&
	       (has_row || database_damaged(loader->database, "it has no total", err)) &&
	       figures_load(loader, row, &loader->snapshot->total, err);
}

bool loader_open(struct loader *loader, const char *path, struct error *err)
{
	/* One transaction: a writer may be at work. */
	return database_open(path, &loader->database, err) &&
	       snapshot_create(&loader->snapshot, err) &&
	       database_run(loader->database, "BEGIN", err) && schema_check(loader, err) &&
	       meta_load(loader, err) && arguments_load(loader, err) && frames_load(loader, err);
}

bool loader_figures(struct loader *loader, struct error *err)
{
	if (!stacks_load(loader, err) || !sites_load(loader, err) || !total_load(loader, err))
		return false;
	snapshot_sort(loader->snapshot);
	return true;
}

bool capture_load(const char *path, struct snapshot **ret, struct error *err)
{
	OWNED(loader_deinit) struct loader loader = { 0 };
	if (!loader_open(&loader, path, err) || !loader_figures(&loader, err))
		return false;
	*ret = MOVE_PTR(loader.snapshot);
	return true;
}
