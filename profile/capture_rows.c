/* SPDX-License-Identifier: MIT */
#include "profile/capture_rows.h"

#include <math.h>

void rows_deinit(struct rows *rows)
{
	numbering_deinit(&rows->keys);
	free(rows->items);
}

bool rows_add(struct rows *rows, uint64_t key, struct row **ret, struct error *err)
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

void rows_remove(struct rows *rows, uint64_t key)
{
	uint32_t number;
	if (!numbering_find(&rows->keys, key, &number))
		return;
	rows->items[number] = rows->items[rows->keys.len - 1];
	numbering_remove(&rows->keys, number);
}

void rows_unsee(struct rows *rows)
{
	for (size_t i = 0; i < rows->keys.len; i++) {
		rows->items[i].is_seen = false;
		rows->items[i].now = (struct row_figures){ 0 };
	}
}

void row_see(struct row *row, const struct figures *figures, double seconds)
{
	row->is_seen = true;
	row->last_seconds = seconds;
	row->now = (struct row_figures){
		.live_bytes = figures->live_bytes,
		.growth = figures->growth_bytes_per_second,
		.live_blocks = figures->live_blocks,
		.oldest_start_seconds = seconds - figures->oldest_seconds,
		.live_samples = figures->live_samples,
	};
	for (int kind = 0; kind < MEMORY_KIND_COUNT; kind++)
		row->now.kind_live_bytes[kind] = figures->kind_live_bytes[kind];
}

bool row_has_moved(const struct row *row)
{
	const struct estimate *growth = &row->now.growth;
	return row->now.live_bytes.value != row->live_bytes ||
	       fabs(growth->value - row->growth) > 0.01 * fmax(growth->error, fabs(growth->value));
}

void row_note_written(struct row *row)
{
	row->live_bytes = row->now.live_bytes.value;
	row->live_blocks = row->now.live_blocks;
	row->growth = row->now.growth.value;
}
