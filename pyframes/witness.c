/* SPDX-License-Identifier: MIT */
#include "pyframes/witness.h"

#include <string.h>

bool witness_read(struct witness *witness, struct memory *memory, raddr address, size_t len,
		  struct error *err)
{
	len = len < WITNESS_BYTES_MAX ? len : WITNESS_BYTES_MAX;
	if (!memory_read(memory, address, witness->bytes, len, err))
		return false;
	witness->address = address;
	witness->len = len;
	return true;
}

struct memory_span witness_span(const struct witness *witness, void *buffer)
{
	return (struct memory_span){ .address = witness->address,
				     .buffer = buffer,
				     .len = witness->len };
}

bool witness_agrees(const struct witness *witness, const struct memory_span *span)
{
	return span->is_read && memcmp(witness->bytes, span->buffer, witness->len) == 0;
}
