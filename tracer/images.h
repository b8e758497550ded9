/* SPDX-License-Identifier: MIT */
#ifndef TRACER_IMAGES_H
#define TRACER_IMAGES_H

/**
 * @file
 * All ELF files that are mapped into a process, in the order in which the dynamic linker looks for
 * symbols. A snapshot: what the process loads later is not seen.
 */

#include "base/memory.h"
#include "tracer/image.h"

struct images {
	struct symbols symbols; /* the seam */
	struct maps maps;	/* as they were */
	struct image *list;	/* the executable first */
	size_t len;
	uint64_t entry_count; /* of all of them */
	bool has_skipped;     /* a library could not be opened ... */
	struct error skipped; /* ... for this reason: tell it if something is not found */
};

/** Find and open the images of a process, reading the linker's list (r_debug, <link.h>) from its
 *  memory, or else in the order of the maps. Libraries that cannot be opened are skipped.
 *  Errors: those of procfs_read(), and of image_open() for the executable. */
MUST_CHECK bool images_init(struct images *images, int pid, struct memory *memory,
			    struct error *err);
void images_deinit(struct images *images);

/** The image whose segments span `address`, or NULL. Valid as long as the images. */
const struct image *images_find(const struct images *images, raddr address);

/** The image that is glibc, or NULL. */
const struct image *images_find_glibc(const struct images *images);

/** List places of at least `min_bytes` zeros that nobody uses in executable pages of the images,
 *  glibc's first; at most `max`. A place starts at a multiple of 16, 16 to 31 bytes behind the
 *  last byte that is not zero: whoever uses one must end on a byte that is not. Returns how many
 *  there are. */
size_t images_find_slack(const struct images *images, struct memory *memory, uint64_t min_bytes,
			 struct slack *ret, size_t max);

#endif
