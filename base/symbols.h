/* SPDX-License-Identifier: MIT */
#ifndef BASE_SYMBOLS_H
#define BASE_SYMBOLS_H

/**
 * @file
 * The seam through which addresses of a target's exported symbols are asked for. The tracer fills
 * it in from ELF; a test from a table.
 */

#include <stddef.h>

#include "base/error.h"

/** Where one definition of a symbol stands in the target. */
struct symbol {
	raddr address;	   /* load bias applied */
	uint64_t size;	   /* bytes; 0 if the file does not say */
	const char *image; /* path of the file that defines it; valid as long as the symbols are */
};

struct symbols {
	/** Put the definitions of `name` into `ret`, in link-map order (executable first); returns
	 *  how many there are, at most `max` of them stored. */
	size_t (*find)(struct symbols *symbols, const char *name, struct symbol *ret, size_t max);
};

static inline size_t symbols_find(struct symbols *symbols, const char *name, struct symbol *ret,
				  size_t max)
{
	return symbols->find(symbols, name, ret, max);
}

/** The definition that the dynamic linker would choose: the first. False if there is none. */
MUST_CHECK static inline bool symbols_find_first(struct symbols *symbols, const char *name,
						 struct symbol *ret)
{
	return symbols_find(symbols, name, ret, 1) > 0;
}

#endif
