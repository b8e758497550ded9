/* SPDX-License-Identifier: MIT */
#include "tracer/region_choice.h"

#include "tracer/c_allocator.h"

/* A jump of the C allocator's code reaches 2 GiB; some room is left for the region's own size. */
static const uint64_t REGION_REACH = (UINT64_C(1) << 31) - 64 * 1024 * 1024;

static const uint64_t REGION_FAR = UINT64_C(1) << 30;

enum { REGION_TRIES = 4 };

/* Free addresses within reach of the allocator's code; far away from it if possible, for close by
 * the program itself is about to map its next thread's stack. The allocator may be part of an
 * executable at a low, fixed address: then the far end is above it. */
static bool find_place(const struct images *images, const struct maps *maps, raddr *ret,
		       struct error *err)
{
	struct c_allocator allocator;
	if (!c_allocator_find(images, &allocator, err))
		return false;
	const struct image *image = allocator.image;
	raddr far = image->start > 2 * REGION_FAR ? image->start - REGION_FAR
						  : image->start + REGION_FAR;
	if (maps_find_gap(maps, far, far + 1, REGION_BYTES, REGION_REACH - REGION_FAR, ret) ||
	    maps_find_gap(maps, image->start, image->end, REGION_BYTES, REGION_REACH, ret))
		return true;
	return error_set(err, ERROR_UNSUPPORTED, "no free addresses near %s", image->path);
}

static bool prepare(const struct region_wants *wants, raddr base, struct gates *ret,
		    struct error *err)
{
	return gates_prepare(ret, wants->arch, wants->tm, wants->images, base, wants->specs,
			     wants->spec_count, err);
}

/* Whether the region can be used that these gates are prepared for. */
static bool region_serves(struct target_memory *tm, const struct gates *gates,
			  enum region_state *ret)
{
	uint64_t magic;
	struct error ignored;
	if (!memory_read(&tm->memory, gates->base + ANCHOR_OFFSET, &magic, sizeof(magic), &ignored))
		return false;
	*ret = magic == 0 ? REGION_BLANK : REGION_READY;
	return magic == 0 || gates_fit_region(gates, tm);
}

/* A region of an earlier attach that fits, or a place for a new one within reach of the code. */
static bool find_region(const struct region_wants *wants, struct gates *gates_ret,
			struct region_choice *ret, struct error *err)
{
	raddr bases[REGIONS_MAX];
	OWNED_MAPS struct maps maps = { 0 };
	if (!maps_read(wants->tm->pid, &maps, err))
		return false;

	size_t count = regions_find(&wants->tm->memory, &maps, bases, ARRAY_LEN(bases));
	ret->had_region = count > 0;
	for (size_t i = 0; i < count; i++) {
		struct error ignored;
		if (!prepare(wants, bases[i], gates_ret, &ignored))
			continue;
		if (region_serves(wants->tm, gates_ret, &ret->state))
			return true;
		gates_deinit(gates_ret);
	}

	raddr base;
	ret->state = REGION_NEW;
	return find_place(wants->images, &maps, &base, err) && prepare(wants, base, gates_ret, err);
}

/* The program may map something just where the region was to go: then another place is tried. */
bool region_choose(const struct region_wants *wants, struct gates *gates_ret,
		   struct region_choice *ret, struct error *err)
{
	for (int try = 0; try < REGION_TRIES; try++) {
		struct region_choice choice = { 0 };
		if (!find_region(wants, gates_ret, &choice, err))
			return false;
		if (region_open(wants->tm, wants->images, gates_ret->base, choice.state,
				wants->sharing, &choice.region, err)) {
			*ret = choice;
			return true;
		}
		gates_deinit(gates_ret);
		if (err->kind != ERROR_TIMEOUT)
			return false;
	}
	return false;
}
