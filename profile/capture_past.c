/* SPDX-License-Identifier: MIT */
#include "profile/capture_writer.h"
#include "profile/snapshot_build.h"

enum {
	/* Time is cut into as many buckets at most; then two and two are merged. */
	BUCKETS_MAX = 1024,
	/* So many stacks without live bytes keep buckets of their own. */
	PAST_STACKS_MAX = 1 << 14,
};

/* A stack without live bytes gives its buckets to what else was cut in its site, and goes. */
static bool past_cut(struct capture *capture, uint64_t key, struct error *err)
{
	uint32_t number;
	if (!numbering_find(&capture->stacks.keys, key, &number))
		return true;
	const struct row past = capture->stacks.items[number];
	struct row *cut;
	if (!capture_stack_row(capture, &past.site, past.site != 0, past.kind, true, &cut, err) ||
	    (cut->thread_hash == 0 &&
	     !capture_thread_write(capture, cut, several_threads, true, err)))
		return false;
	cut->is_stale = true;
	if (!WRITE(capture, MOVE_BUCKETS, err, "ii", cut->id, past.id) ||
	    !WRITE(capture, DELETE_BUCKETS, err, "i", past.id) ||
	    !WRITE(capture, DELETE_PATH, err, "i", past.id) ||
	    !WRITE(capture, DELETE_STACK, err, "i", past.id))
		return false;
	rows_remove(&capture->stacks, key); /* moves rows: `cut` is not valid any more */
	return true;
}

/* What a stack's buckets say of its live bytes, now that others' were added. */
static bool stale_count(struct capture *capture, struct error *err)
{
	for (size_t i = 0; i < capture->stacks.keys.len; i++) {
		struct row *row = &capture->stacks.items[i];
		if (row->is_stale && !WRITE(capture, COUNT_BUCKETS, err, "i", row->id))
			return false;
		row->is_stale = false;
	}
	return true;
}

struct past {
	double last_seconds;
	uint64_t key;
};

static int past_compare(const void *a, const void *b)
{
	const struct past *left = a, *right = b;
	return (left->last_seconds > right->last_seconds) -
	       (left->last_seconds < right->last_seconds);
}

/* Once there are more than `max` stacks without live bytes, cut those that were seen longest ago.
 * A quarter at once: it takes less time than each by itself. */
static bool past_bound(struct capture *capture, size_t max, struct error *err)
{
	const struct rows *rows = &capture->stacks;
	size_t len = 0;
	OWNED_FREE struct past *pasts = calloc(rows->keys.len + 1, sizeof(*pasts));
	if (!pasts)
		return error_set(err, ERROR_NO_MEMORY, "no memory for %zu stacks", rows->keys.len);
	for (size_t i = 0; i < rows->keys.len; i++) {
		const struct row *row = &rows->items[i];
		if (!row->is_seen && !row->is_cut)
			pasts[len++] = (struct past){ row->last_seconds, rows->keys.keys[i] };
	}
	if (len <= max)
		return true;

	qsort(pasts, len, sizeof(*pasts), past_compare);
	for (size_t i = 0; i < len - max / 4 * 3; i++) {
		if (!past_cut(capture, pasts[i].key, err))
			return false;
	}
	return stale_count(capture, err);
}

/* Make buckets twice as long: the second half of each new one moves into the first. */
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

	long long old = capture->bucket_seconds;
	char sql[1024];
	snprintf(sql, sizeof(sql), merge, old, 2 * old);
	capture->bucket_seconds = 2 * old;
	return database_run(capture->database, sql, err);
}

static bool file_is_large(struct capture *capture, bool *ret, struct error *err)
{
	int64_t bytes;
	if (!capture_number(capture, USED_BYTES, &bytes, err))
		return false;
	*ret = bytes > capture->max_bytes / 4 * 3;
	return true;
}

bool capture_past_bound(struct capture *capture, struct error *err)
{
	bool is_large;
	while (capture->seconds - capture->first_seconds >=
	       (double)(BUCKETS_MAX * capture->bucket_seconds)) {
		if (!buckets_merge(capture, err))
			return false;
	}
	if (!past_bound(capture, PAST_STACKS_MAX, err) || !file_is_large(capture, &is_large, err))
		return false;
	if (!is_large)
		return true;
	if (!past_bound(capture, 0, err) || !file_is_large(capture, &is_large, err))
		return false;
	bool is_mergeable = (double)capture->bucket_seconds <= capture->seconds;
	return !is_large || !is_mergeable || buckets_merge(capture, err);
}
