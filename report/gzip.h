/* SPDX-License-Identifier: MIT */
#ifndef REPORT_GZIP_H
#define REPORT_GZIP_H

/**
 * @file
 * Compressed output (RFC 1952). The only part that knows zlib.
 */

#include <stddef.h>
#include <stdio.h>
#include <zlib.h>

#include "base/error.h"

struct gzip {
	z_stream stream;
	FILE *out;
};

/** Begin a member. Whether `out` takes it is asked at the end, by output_finish(). Errors:
 *  ERROR_NO_MEMORY. */
MUST_CHECK bool gzip_init(struct gzip *gzip, FILE *out, struct error *err);

/** Give back what gzip_init() took, whether or not the member is complete. */
void gzip_deinit(struct gzip *gzip);

void gzip_write(struct gzip *gzip, const void *data, size_t len);

/** End the member: without this it is no valid one. */
void gzip_end(struct gzip *gzip);

#endif
