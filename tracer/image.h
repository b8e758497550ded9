/* SPDX-License-Identifier: MIT */
#ifndef TRACER_IMAGE_H
#define TRACER_IMAGE_H

/**
 * @file
 * One ELF file that is mapped into a process: its symbols, its bytes, where it lies. The one file
 * with libelf. Files are the target's: nothing in them is trusted.
 */

#include <stddef.h>

#include "base/error.h"
#include "base/symbols.h"
#include "tracer/maps.h"

struct image {
	char *path; /* as the target sees it; owned */
	raddr bias; /* address in the process minus address in the file */
	raddr start;
	raddr end;	  /* first address behind its last segment */
	uint16_t machine; /* e_machine of elf(5) */
	struct Elf *elf;  /* private; the file is mapped, no descriptor stays open */
	char *bytes;	  /* private: the file */
	size_t len;
	uint64_t entry_count; /* symbols and relocations: at most IMAGE_ENTRIES_MAX */
};

/** Ten times what the largest libraries have, unstripped. */
enum { IMAGE_ENTRIES_MAX = 1 << 23 };

/** A piece of executable memory behind what a segment of the file holds. */
struct slack {
	raddr address;
	uint64_t len; /* bytes, to the end of the page */
};

/** Open the file that `mapping` maps a piece of. It is looked for under /proc/PID/map_files, then
 *  by its path in the target's root directory, if that still is the same file. `dynamic` is the
 *  address of its dynamic section; 0 if that is unknown, and `mapping` maps the file's start.
 *  Errors: ERROR_NOT_PERMITTED, ERROR_FILE (replaced or deleted), ERROR_UNSUPPORTED (not a 64-bit
 *  ELF file, or one of too many symbols). */
MUST_CHECK bool image_open(int pid, const struct mapping *mapping, raddr dynamic, struct image *ret,
			   struct error *err);
void image_close(struct image *image);

/** Look for the default definition of an exported function or object; in files without .dynsym
 *  (static programs) for a global one of .symtab. */
MUST_CHECK bool image_find_symbol(const struct image *image, const char *name, struct symbol *ret);

/** Look for a global function or object in .symtab, which files that are not stripped have: also
 * one that is not exported to others. */
MUST_CHECK bool image_find_unexported(const struct image *image, const char *name,
				      struct symbol *ret);

/** Name the symbol whose address the linker writes to the word at `slot`; NULL if it writes none,
 * or one without a name. Valid as long as the image. */
const char *image_slot_symbol(const struct image *image, raddr slot);

/** Tell whether this is glibc: it defines gnu_get_libc_version. */
bool image_is_glibc(const struct image *image);

/** Copy what the file holds for `len` bytes of a segment at this address of the process. The same
 *  as memory for code, which has no relocations. Errors: ERROR_FORMAT (not all in one segment). */
MUST_CHECK bool image_file_bytes(const struct image *image, raddr address, void *ret, size_t len,
				 struct error *err);

/** List the pages' ends behind the data of executable segments, zeros or not: at most `max` pieces,
 *  each from the last byte of file data to the end of its page. Returns how many. */
size_t image_tails(const struct image *image, struct slack *ret, size_t max);

#endif
