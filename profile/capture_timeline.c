/* SPDX-License-Identifier: MIT */
#include "profile/capture.h"

#include <math.h>

#include "profile/capture_loader.h"
#include "profile/snapshot_build.h"

/* More than these no capture has that is within its size. */
enum {
	INSTANTS_MAX = 1 << 13,
	POINTS_MAX = 1 << 23,
	ROW_BYTES_MIN = 8, /* of a bucket, in the file */
};
static const int64_t SECONDS_MAX = INT64_C(1) << 40;
static const double BYTES_MAX = 1e18;

/* Less than this is what is left of sums of fractions. */
static const double BYTES_MIN = 0.5;

static bool stack_load(struct loader *loader, struct statement *rows, struct statement *paths,
		       struct course *ret, struct error *err)
{
	int64_t id, is_truncated;
	const char *thread;
	uint32_t number;
	if (!statement_integer(rows, 0, 1, INT64_MAX, &id, err) ||
	    !loader_kind(loader, rows, 1, &ret->kind, err) ||
	    !statement_text(rows, 2, &thread, err) ||
	    !snapshot_copy_text(loader->snapshot, thread, &ret->thread, err) ||
	    !statement_integer(rows, 3, 0, 1, &is_truncated, err))
		return false;
	ret->is_truncated = is_truncated;
	return loader_path(loader, paths, id, &ret->frames, &ret->frame_count, err) &&
	       numbering_add(&loader->stack_ids, (uint64_t)id, &number, err);
}

/* Load every stack there ever was; their ids count up. */
static bool stacks_load(struct loader *loader, struct error *err)
{
	OWNED_STATEMENT struct statement *rows = NULL;
	OWNED_STATEMENT struct statement *paths = NULL;
	struct timeline *timeline = loader->timeline;
	size_t count = 0;
	if (!loader_count(loader, "SELECT count(*) FROM stack", &count, err) ||
	    !statement_create(loader->database,
			      "SELECT stack_id, kind, thread, is_truncated FROM stack"
			      " ORDER BY stack_id",
			      &rows, err) ||
	    !statement_create(loader->database, loader_paths, &paths, err))
		return false;
	timeline->courses = calloc(count + 1, sizeof(*timeline->courses));
	if (!timeline->courses)
		return error_set(err, ERROR_NO_MEMORY, "no memory for %zu stacks", count);
	for (; timeline->course_count < count; timeline->course_count++) {
		bool has_row;
		if (!statement_next(rows, &has_row, err))
			return false;
		if (!has_row)
			break;
		if (!stack_load(loader, rows, paths, &timeline->courses[timeline->course_count],
				err))
			return false;
	}
	return true;
}

static double bounded(double value)
{
	return value < BYTES_MIN ? 0 : fmin(value, BYTES_MAX);
}

static bool instant_load(struct loader *loader, struct statement *row, int64_t bucket_seconds,
			 struct error *err)
{
	struct timeline *timeline = loader->timeline;
	struct instant *instant = &timeline->instants[timeline->instant_count];
	double before = timeline->instant_count ? instant[-1].seconds : 0;
	int64_t start, rss_bytes, samples;
	if (!statement_integer(row, 0, 0, SECONDS_MAX, &start, err) ||
	    !statement_real(row, 1, &instant->live_bytes, err) ||
	    !statement_real(row, 2, &instant->live_blocks, err) ||
	    !statement_integer(row, 3, 0, INT64_MAX, &rss_bytes, err) ||
	    !statement_integer(row, 4, 0, INT64_MAX, &samples, err))
		return false;
	instant->start_seconds = (double)start;
	instant->seconds = fmax(before, fmin((double)(start + bucket_seconds),
					     loader->snapshot->capture.seconds));
	instant->live_bytes = bounded(instant->live_bytes);
	instant->live_blocks = bounded(instant->live_blocks);
	instant->rss_bytes = (uint64_t)rss_bytes;
	instant->samples = (uint64_t)samples;
	timeline->instant_count++;
	return true;
}

static bool instants_load(struct loader *loader, struct error *err)
{
	OWNED_STATEMENT struct statement *rows = NULL;
	struct timeline *timeline = loader->timeline;
	int64_t bucket_seconds;
	size_t count;
	if (!loader_number(loader, "SELECT value FROM meta WHERE key = 'bucket_seconds'",
			   &bucket_seconds, err) ||
	    !loader_count(loader, "SELECT count(*) FROM timeline", &count, err) ||
	    !statement_create(loader->database,
			      "SELECT start_seconds, live_bytes, live_blocks, rss_bytes, samples"
			      " FROM timeline ORDER BY start_seconds",
			      &rows, err))
		return false;
	if (count > INSTANTS_MAX || bucket_seconds < 1 || bucket_seconds > SECONDS_MAX)
		return database_damaged(loader->database, "no such time line", err);
	timeline->instants = calloc(count + 1, sizeof(*timeline->instants));
	if (!timeline->instants)
		return error_set(err, ERROR_NO_MEMORY, "no memory for %zu instants", count);
	while (timeline->instant_count < count) {
		bool has_row;
		if (!statement_next(rows, &has_row, err))
			return false;
		if (!has_row)
			break;
		if (!instant_load(loader, rows, bucket_seconds, err))
			return false;
	}
	return true;
}

/* Load one point of a stack; those of a stack follow one another, and so do their instants. */
static bool point_load(struct loader *loader, struct statement *row, struct error *err)
{
	struct timeline *timeline = loader->timeline;
	struct course_point *point = &timeline->points[timeline->point_count];
	int64_t id, start;
	double live_bytes, live_blocks, moved_bytes;
	uint32_t number;
	if (!statement_integer(row, 0, 1, INT64_MAX, &id, err) ||
	    !statement_integer(row, 1, 0, SECONDS_MAX, &start, err) ||
	    !statement_real(row, 2, &live_bytes, err) ||
	    !statement_real(row, 3, &live_blocks, err) ||
	    !statement_real(row, 4, &moved_bytes, err))
		return false;
	if (!timeline->instant_count || !numbering_find(&loader->stack_ids, (uint64_t)id, &number))
		return database_damaged(loader->database, "a bucket of nothing", err);
	size_t instant = timeline_find(timeline, (double)start);
	if (timeline->instants[instant].start_seconds != (double)start)
		return database_damaged(loader->database, "a bucket at no time", err);

	struct course *stack = &timeline->courses[number];
	if (!stack->point_count)
		stack->first = timeline->point_count;
	stack->point_count++;
	*point = (struct course_point){ .instant = (uint32_t)instant,
					.live_bytes = bounded(live_bytes),
					.live_blocks = (float)bounded(live_blocks),
					.moved_bytes = (float)bounded(moved_bytes) };
	timeline->point_count++;
	return true;
}

static bool points_load(struct loader *loader, struct error *err)
{
	OWNED_STATEMENT struct statement *rows = NULL;
	struct timeline *timeline = loader->timeline;
	int64_t count, bytes;
	if (!loader_number(loader, "SELECT count(*) FROM bucket", &count, err) ||
	    !loader_number(loader,
			   "SELECT page_count * page_size FROM pragma_page_count,"
			   " pragma_page_size",
			   &bytes, err) ||
	    !statement_create(loader->database,
			      "SELECT stack_id, start_seconds, live_bytes, live_blocks,"
			      " risen_bytes + fallen_bytes FROM bucket"
			      " ORDER BY stack_id, start_seconds",
			      &rows, err))
		return false;
	if (count > bytes / ROW_BYTES_MIN)
		return database_damaged(loader->database, "more buckets than it has room for", err);
	if (count > POINTS_MAX)
		return database_foreign(loader->database, "has too long a past to walk through",
					err);
	timeline->points = calloc((size_t)count + 1, sizeof(*timeline->points));
	if (!timeline->points)
		return error_set(err, ERROR_NO_MEMORY, "no memory for %lld points of time",
				 (long long)count);
	while (timeline->point_count < (size_t)count) {
		bool has_row;
		if (!statement_next(rows, &has_row, err))
			return false;
		if (!has_row)
			break;
		if (!point_load(loader, rows, err))
			return false;
	}
	return true;
}

bool capture_load_timeline(const char *path, struct timeline **ret, struct error *err)
{
	OWNED(loader_deinit) struct loader loader = { 0 };
	loader.timeline = calloc(1, sizeof(*loader.timeline));
	if (!loader.timeline)
		return error_set(err, ERROR_NO_MEMORY, "no memory for a timeline");
	if (!loader_open(&loader, path, err) || !stacks_load(&loader, err) ||
	    !loader_figures(&loader, err) || !instants_load(&loader, err) ||
	    !points_load(&loader, err))
		return false;
	loader.timeline->last = MOVE_PTR(loader.snapshot);
	*ret = MOVE_PTR(loader.timeline);
	return true;
}
