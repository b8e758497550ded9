/* SPDX-License-Identifier: MIT */
#include "report/gzip.h"

#include <stdint.h>

enum {
	WINDOW_BITS = 15 + 16, /* 16: gzip's header and checksum, not zlib's */
	MEMORY_LEVEL = 8,      /* zlib's default */
};

bool gzip_init(struct gzip *gzip, FILE *out, struct error *err)
{
	*gzip = (struct gzip){ .out = out };
	if (deflateInit2(&gzip->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_BITS,
			 MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		return error_set(err, ERROR_NO_MEMORY, "no memory to compress the report");
	return true;
}

void gzip_deinit(struct gzip *gzip)
{
	deflateEnd(&gzip->stream);
}

/* Compress what the stream was given, and write what comes out. With room for output, deflate()
 * cannot fail. */
static void compress_all(struct gzip *gzip, int flush)
{
	unsigned char chunk[16384];
	do {
		gzip->stream.next_out = chunk;
		gzip->stream.avail_out = sizeof(chunk);
		(void)deflate(&gzip->stream, flush);
		fwrite(chunk, 1, sizeof(chunk) - gzip->stream.avail_out, gzip->out);
	} while (gzip->stream.avail_out == 0);
}

void gzip_write(struct gzip *gzip, const void *data, size_t len)
{
	const unsigned char *at = data;
	while (len > 0) {
		uInt part = len > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uInt)len;
		gzip->stream.next_in = (unsigned char *)at;
		gzip->stream.avail_in = part;
		compress_all(gzip, Z_NO_FLUSH);
		at += part;
		len -= part;
	}
}

void gzip_end(struct gzip *gzip)
{
	compress_all(gzip, Z_FINISH);
}
