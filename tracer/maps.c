/* SPDX-License-Identifier: MIT */
#include "tracer/maps.h"

#include <string.h>

#include "tracer/procfs.h"

static bool take_flag(const char **at, char set, char unset, bool *ret)
{
	if (**at != set && **at != unset)
		return false;
	*ret = *(*at)++ == set;
	return true;
}

static bool take_permissions(const char **at, struct mapping *ret)
{
	return take_flag(at, 'r', '-', &ret->is_readable) &&
	       take_flag(at, 'w', '-', &ret->is_writable) &&
	       take_flag(at, 'x', '-', &ret->is_executable) &&
	       take_flag(at, 's', 'p', &ret->is_shared) && *(*at)++ == ' ';
}

/* "7f0a1c000000-7f0a1c021000 rw-p 00000000 08:01 1234       /path": the path may hold anything but
 * a newline. `line` must outlive the mapping. */
static bool parse_line(const char *line, struct mapping *ret)
{
	const char *at = line;
	uint64_t major, minor;
	struct mapping mapping;

	if (!procfs_take_number(&at, 16, '-', &mapping.start) ||
	    !procfs_take_number(&at, 16, ' ', &mapping.end) || !take_permissions(&at, &mapping) ||
	    !procfs_take_number(&at, 16, ' ', &mapping.file_offset) ||
	    !procfs_take_number(&at, 16, ':', &major) ||
	    !procfs_take_number(&at, 16, ' ', &minor) ||
	    !procfs_take_number(&at, 10, ' ', &mapping.inode))
		return false;
	if (major > UINT32_MAX || minor > UINT32_MAX)
		return false;

	mapping.device_major = (uint32_t)major;
	mapping.device_minor = (uint32_t)minor;
	mapping.path = at + strspn(at, " ");
	*ret = mapping;
	return true;
}

static size_t count_lines(const char *text, size_t len)
{
	size_t count = 0;
	for (size_t i = 0; i < len; i++)
		count += text[i] == '\n';
	return count;
}

/* The kernel writes the file piece by piece, and a mapping that merged with its neighbour between
 * two pieces comes with its new, lower start: only its rest is news. */
static bool clip_start(struct mapping *mapping, raddr previous_end)
{
	if (mapping->start < previous_end) {
		mapping->file_offset += previous_end - mapping->start;
		mapping->start = previous_end;
	}
	return mapping->start < mapping->end;
}

bool maps_parse(const char *text, size_t len, struct maps *ret, struct error *err)
{
	size_t count = count_lines(text, len);
	OWNED_MAPS struct maps maps = {
		.list = calloc(count + 1, sizeof(*maps.list)),
		.text = malloc(len + 1),
	};
	if (!maps.list || !maps.text)
		return error_set(err, ERROR_NO_MEMORY, "maps of %zu lines", count);
	memcpy(maps.text, text, len);
	maps.text[len] = '\0';

	char *line = maps.text;
	raddr previous_end = 0;
	for (; maps.len < count; maps.len++) {
		char *newline = memchr(line, '\n', len - (size_t)(line - maps.text));
		*newline = '\0';
		struct mapping *mapping = &maps.list[maps.len];
		if (!parse_line(line, mapping) || !clip_start(mapping, previous_end))
			return error_set(err, ERROR_FORMAT, "maps, line %zu", maps.len + 1);
		previous_end = mapping->end;
		line = newline + 1;
	}
	if (line != maps.text + len)
		return error_set(err, ERROR_FORMAT, "maps, line %zu: cut off", count + 1);

	*ret = maps;
	maps = (struct maps){ 0 };
	return true;
}

bool maps_read(int pid, struct maps *ret, struct error *err)
{
	OWNED_FREE char *text = NULL;
	size_t len;
	return procfs_read(pid, "maps", &text, &len, err) && maps_parse(text, len, ret, err);
}

void maps_deinit(struct maps *maps)
{
	free(maps->list);
	free(maps->text);
	*maps = (struct maps){ 0 };
}

const struct mapping *maps_find(const struct maps *maps, raddr address)
{
	size_t low = 0;
	size_t high = maps->len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (address < maps->list[middle].start)
			high = middle;
		else if (address >= maps->list[middle].end)
			low = middle + 1;
		else
			return &maps->list[middle];
	}
	return NULL;
}

/* -- gaps -- */

struct range {
	raddr start;
	raddr end;
};

static raddr add_capped(raddr address, uint64_t bytes)
{
	raddr sum;
	return __builtin_add_overflow(address, bytes, &sum) ? UINT64_MAX : sum;
}

static raddr subtract_capped(raddr address, uint64_t bytes)
{
	return address > bytes ? address - bytes : 0;
}

/* What of the gap before list[index] may be used, `margin` bytes off its neighbours. */
static struct range usable_gap(const struct maps *maps, size_t index, uint64_t margin)
{
	const raddr lowest = 1 << 20;	      /* well above vm.mmap_min_addr */
	const raddr highest = 0x7ffffff00000; /* user space with 4-level page tables */
	const uint64_t heap_growth = UINT64_C(1) << 30;
	struct range gap = { lowest, highest };

	if (index > 0) {
		const struct mapping *below = &maps->list[index - 1];
		bool is_heap = !strcmp(below->path, "[heap]");
		gap.start = add_capped(below->end, is_heap ? heap_growth : margin);
	}
	if (index < maps->len) {
		const struct mapping *above = &maps->list[index];
		/* A stack grows down as far as its resource limit, which may be none at all. */
		bool is_stack = !strncmp(above->path, "[stack", strlen("[stack"));
		gap.end = is_stack ? 0 : subtract_capped(above->start, margin);
	}
	gap.start = gap.start < lowest ? lowest : gap.start;
	gap.end = gap.end > highest ? highest : gap.end;
	return gap;
}

/* The place in the gap that is closest to `near`; false if it does not fit into gap and window. */
static bool place_in_gap(struct range gap, struct range window, struct range near, uint64_t size,
			 raddr *ret)
{
	raddr start = gap.start > window.start ? gap.start : window.start;
	raddr end = gap.end < window.end ? gap.end : window.end;
	start = add_capped(start, PAGE_BYTES - 1) & -(uint64_t)PAGE_BYTES;
	if (end < size || start > end - size)
		return false;

	raddr last = (end - size) & -(uint64_t)PAGE_BYTES;
	*ret = start >= near.end ? start : last;
	return last >= start;
}

static uint64_t distance(raddr place, struct range near)
{
	return place > near.start ? place - near.start : near.start - place;
}

static bool find_gap(const struct maps *maps, struct range near, uint64_t size, uint64_t reach,
		     uint64_t margin, raddr *ret)
{
	const struct range window = { subtract_capped(near.end, reach),
				      add_capped(near.start, reach) };
	bool is_found = false;

	for (size_t i = 0; i <= maps->len; i++) {
		raddr place;
		if (!place_in_gap(usable_gap(maps, i, margin), window, near, size, &place))
			continue;
		if (is_found && distance(place, near) >= distance(*ret, near))
			continue;
		*ret = place;
		is_found = true;
	}
	return is_found;
}

bool maps_find_gap(const struct maps *maps, raddr near_start, raddr near_end, uint64_t size,
		   uint64_t reach, raddr *ret)
{
	const uint64_t roomy_margin = 4 << 20;
	const struct range near = { near_start, near_end };

	return find_gap(maps, near, size, reach, roomy_margin, ret) ||
	       find_gap(maps, near, size, reach, PAGE_BYTES, ret);
}
