/* SPDX-License-Identifier: MIT */
#include "base/memory.h"

#include <errno.h>
#include <string.h>

bool memory_read_spans(struct memory *mem, struct memory_span *spans, size_t span_count,
		       struct error *err)
{
	return mem->read_spans(mem, spans, span_count, err);
}

bool memory_read(struct memory *mem, raddr address, void *ret, size_t len, struct error *err)
{
	struct memory_span span = { .address = address, .buffer = ret, .len = len };
	if (!mem->read_spans(mem, &span, 1, err))
		return false;
	if (!span.is_read)
		return error_set_read(err, address, EFAULT);
	return true;
}

bool memory_read_cstring(struct memory *mem, raddr address, char *ret, size_t size,
			 struct error *err)
{
	/* A string may end just before an unmapped page: never read across one for nothing. */
	enum { STEP_BYTES = 64 };
	size_t done = 0;

	while (done + 1 < size) {
		size_t step = STEP_BYTES - (address + done) % STEP_BYTES;
		if (step > size - 1 - done)
			step = size - 1 - done;
		if (!memory_read(mem, address + done, ret + done, step, err))
			return false;
		if (memchr(ret + done, '\0', step))
			return true;
		done += step;
	}
	ret[done] = '\0';
	return true;
}
