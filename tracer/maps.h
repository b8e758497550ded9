/* SPDX-License-Identifier: MIT */
#ifndef TRACER_MAPS_H
#define TRACER_MAPS_H

/**
 * @file
 * The mappings of an address space, as /proc/PID/maps lists them (proc(5)).
 */

#include <stddef.h>

#include "base/error.h"

/** Mappings are made of pages of this size. */
enum { PAGE_BYTES = 4096 };

struct mapping {
	raddr start;
	raddr end; /* first address behind it */
	bool is_readable;
	bool is_writable;
	bool is_executable;
	bool is_shared;
	uint64_t file_offset; /* bytes; of `start` in the file */
	uint32_t device_major;
	uint32_t device_minor;
	uint64_t inode;	  /* 0: no file */
	const char *path; /* as the kernel prints it: "" if anonymous, "[heap]", "/x (deleted)" */
};

/** Sorted by address, without overlaps; owns its paths. */
struct maps {
	struct mapping *list;
	size_t len;
	char *text; /* private: what the paths point into */
};

/** Parse the text of a maps file. Errors: ERROR_FORMAT with the line, ERROR_NO_MEMORY. */
MUST_CHECK bool maps_parse(const char *text, size_t len, struct maps *ret, struct error *err);

/** Read the maps of a process as they are now. Errors: those of procfs_read() and maps_parse(). */
MUST_CHECK bool maps_read(int pid, struct maps *ret, struct error *err);

void maps_deinit(struct maps *maps);

#define OWNED_MAPS OWNED(maps_deinit)

/** The mapping that holds `address`, or NULL. Valid as long as the maps. */
const struct mapping *maps_find(const struct maps *maps, raddr address);

/** Find `size` free bytes from a page's start on, of which each is at most `reach` bytes from each
 *  byte of [near_start, near_end): the closest place that keeps some MiB off its neighbours, else
 *  the closest one that keeps a page. The room in which stack and heap grow is left alone.
 *  False if there is none. */
MUST_CHECK bool maps_find_gap(const struct maps *maps, raddr near_start, raddr near_end,
			      uint64_t size, uint64_t reach, raddr *ret);

#endif
