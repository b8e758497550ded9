/* SPDX-License-Identifier: MIT */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

/**
 * @file
 * Ownership that is visible at the declaration: the variable owns, and leaving the scope gives
 * back.
 */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MUST_CHECK		__attribute__((warn_unused_result))
#define PRINTF_LIKE(nth, first) __attribute__((format(printf, nth, first)))

/* Own what `destroy` gives back; the function must take the variable's address. */
#define OWNED(destroy) __attribute__((cleanup(destroy)))

static inline void cleanup_free(void *variable)
{
	free(*(void **)variable);
}

static inline void cleanup_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

#define OWNED_FREE OWNED(cleanup_free)
#define OWNED_FD   OWNED(cleanup_fd)
#define OWNED_FILE OWNED(cleanup_file)

/* Hand an owned pointer to somebody else: its value, and the variable forgets it. */
#define MOVE_PTR(variable)                                \
	({                                                \
		__typeof__(variable) moved_ = (variable); \
		(variable) = NULL;                        \
		moved_;                                   \
	})

/* The same for a file descriptor. */
#define MOVE_FD(variable)                \
	({                               \
		int moved_ = (variable); \
		(variable) = -1;         \
		moved_;                  \
	})

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

#endif
