/* SPDX-License-Identifier: MIT */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

/**
 * @file
 * How a function fails: it returns false, with a kind to branch on and a context to show.
 *
 * The error is a value in the caller's storage and owns nothing. A function that succeeds leaves it
 * untouched. Each layer adds context once, where it knows something new.
 */

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/raddr.h"

enum error_kind {
	ERROR_INTERNAL,	     /* a promise of our own was broken */
	ERROR_USAGE,	     /* the command line asks for something impossible */
	ERROR_NOT_PERMITTED, /* the kernel says no; the context names the cause */
	ERROR_NO_PROCESS,    /* the target does not exist, or has ended */
	ERROR_UNSUPPORTED,   /* a target we do not know; the context names it */
	ERROR_NO_DATA,	     /* too little was seen to say anything */
	ERROR_UNSAFE,	     /* going on could hurt the target */
	ERROR_FILE,	     /* a file of ours cannot be read or written, or is damaged */
	ERROR_READ,	     /* target memory at `address` is not readable: ordinary */
	ERROR_FORMAT,	     /* the bytes read are not what they should be */
	ERROR_NO_MEMORY,
	ERROR_TIMEOUT,
};

struct error {
	enum error_kind kind;
	int os_errno;  /* 0 where no system call failed */
	raddr address; /* of the fault, for ERROR_READ */
	char context[256];
};

/** Set kind and context. Always returns false, so that a failing function can return it. */
bool error_set(struct error *err, enum error_kind kind, const char *format, ...) PRINTF_LIKE(3, 4);

/** As error_set(), from errno: permission errors become ERROR_NOT_PERMITTED, ESRCH
 *  ERROR_NO_PROCESS, ENOMEM ERROR_NO_MEMORY, all others `otherwise`. Appends strerror(errno). */
bool error_set_errno(struct error *err, enum error_kind otherwise, const char *format, ...)
	PRINTF_LIKE(3, 4);

/** Report a read fault at a target address without formatting anything: faults are frequent. */
bool error_set_read(struct error *err, raddr address, int os_errno);

/** Put "what: " in front of the context. Always returns false. */
bool error_context(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
