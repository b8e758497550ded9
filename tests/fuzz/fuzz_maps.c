/* SPDX-License-Identifier: MIT */
/* Any bytes as a maps file, and a search for room: {u64 near, u16 its pages, u16 pages wanted,
 * u32 reach in pages, text}. */
#include "tracer/maps.h"

#include <string.h>

#include "tests/fuzz/fuzz.h"

enum { PAGE = 4096 };

static void check_list(const struct maps *maps, const uint8_t *text, size_t len)
{
	size_t newlines = 0;
	for (size_t i = 0; i < len; i++)
		newlines += text[i] == '\n';
	FUZZ_CHECK(maps->len == newlines);

	raddr previous_end = 0;
	for (size_t i = 0; i < maps->len; i++) {
		const struct mapping *mapping = &maps->list[i];
		FUZZ_CHECK(mapping->start >= previous_end && mapping->start < mapping->end);
		FUZZ_CHECK(!strchr(mapping->path, '\n'));
		FUZZ_CHECK(maps_find(maps, mapping->start) == mapping);
		FUZZ_CHECK(maps_find(maps, mapping->end - 1) == mapping);
		if (mapping->start > previous_end)
			FUZZ_CHECK(!maps_find(maps, mapping->start - 1));
		previous_end = mapping->end;
	}
	if (previous_end != 0)
		FUZZ_CHECK(!maps_find(maps, previous_end));
}

static uint64_t distance(raddr a, raddr b)
{
	return a > b ? a - b : b - a;
}

static void check_gap(const struct maps *maps, struct fuzz_input place)
{
	raddr near_start = fuzz_take(&place, 8);
	raddr near_end = near_start + (1 + fuzz_take(&place, 2)) * PAGE;
	uint64_t size = (1 + fuzz_take(&place, 2)) * PAGE;
	uint64_t reach = fuzz_take(&place, 4) * PAGE;
	raddr gap = 0;
	if (near_end < near_start || !maps_find_gap(maps, near_start, near_end, size, reach, &gap))
		return;

	FUZZ_CHECK(gap % PAGE == 0 && gap > 0 && gap + size > gap);
	for (size_t i = 0; i < maps->len; i++)
		FUZZ_CHECK(gap >= maps->list[i].end || gap + size <= maps->list[i].start);
	const raddr ends[] = { gap, gap + size - 1 };
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		FUZZ_CHECK(distance(ends[i], near_start) <= reach &&
			   distance(ends[i], near_end - 1) <= reach);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	struct fuzz_input place = { data, size };
	size_t unused;
	fuzz_take_bytes(&input, 8 + 2 + 2 + 4, &unused);

	struct maps maps = { .len = SIZE_MAX };
	struct error err;
	if (!maps_parse((const char *)input.bytes, input.len, &maps, &err)) {
		FUZZ_CHECK(maps.len == SIZE_MAX && err.kind == ERROR_FORMAT);
		return 0;
	}
	check_list(&maps, input.bytes, input.len);
	check_gap(&maps, place);
	maps_deinit(&maps);
	return 0;
}
