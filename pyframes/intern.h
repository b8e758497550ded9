/* SPDX-License-Identifier: MIT */
#ifndef PYFRAMES_INTERN_H
#define PYFRAMES_INTERN_H

/**
 * @file
 * Each distinct text and each distinct frame once: equal ones are one pointer.
 */

#include "base/error.h"
#include "base/frame.h"

/** What all that is interned may take: a target may make up names for ever. A hundred thousand
 *  lines fit. */
enum { INTERNER_BYTES_MAX = 16 << 20 };

/** Zero-initialised is empty. */
struct interner {
	struct interned_text *texts;
	struct interned_frame *frames;
	size_t bytes;
	bool is_full; /* something found no room */
};

/** Give back everything that was interned. */
void interner_deinit(struct interner *interner);

/** The one copy of this text. Valid until interner_deinit(). Errors: ERROR_NO_MEMORY, also when
 *  INTERNER_BYTES_MAX is reached; what is known by then is still found. */
MUST_CHECK bool interner_text(struct interner *interner, const char *text, const char **ret,
			      struct error *err);

/** The one frame of these values, whose texts are interned as well. Valid until interner_deinit().
 *  Once three quarters of all room are taken, a frame that is new has no line (0), so that all
 * lines of a function are one. Errors: as interner_text(). */
MUST_CHECK bool interner_frame(struct interner *interner, const char *function, const char *file,
			       int line, const struct frame **ret, struct error *err);

#endif
