/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_PYFRAMES_FAKE_TARGET_H
#define TESTS_UNIT_PYFRAMES_FAKE_TARGET_H

/**
 * @file
 * A target made of arrays: memory, symbols, and what the code of functions loads.
 */

#include <string.h>

#include "base/loads.h"
#include "base/memory.h"
#include "base/symbols.h"

enum {
	FAKE_BASE = 0x10000000,
	FAKE_CODE = 0x500000, /* from here on, 64 KiB count as code */
	FAKE_CODE_BYTES = 0x10000,
	FAKE_BYTES = 4 << 20,
	FAKE_SYMBOLS_MAX = 64,
	FAKE_LOADS_MAX = 8,
};

struct fake_loads {
	raddr function;
	raddr loads[FAKE_LOADS_MAX]; /* 0 ends */
};

struct fake_target {
	struct memory memory; /* first: the seams are cast back */
	struct symbols symbols;
	struct loads loads;
	size_t used;
	unsigned read_calls;
	struct {
		const char *name;
		struct symbol symbol;
	} symbol_list[FAKE_SYMBOLS_MAX];
	size_t symbol_count;
	struct fake_loads function_list[FAKE_SYMBOLS_MAX];
	size_t function_count;
	uint8_t bytes[FAKE_BYTES];
};

#define FAKE_OF(seam, member) \
	((struct fake_target *)((char *)(seam)-offsetof(struct fake_target, member)))

static inline bool fake_read_spans(struct memory *memory, struct memory_span *spans,
				   size_t span_count, struct error *err)
{
	(void)err;
	struct fake_target *fake = FAKE_OF(memory, memory);
	fake->read_calls++;
	for (size_t i = 0; i < span_count; i++) {
		raddr offset = spans[i].address - FAKE_BASE;
		spans[i].is_read = offset <= fake->used && spans[i].len <= fake->used - offset;
		if (spans[i].is_read)
			memcpy(spans[i].buffer, fake->bytes + offset, spans[i].len);
	}
	return true;
}

static inline size_t fake_find(struct symbols *symbols, const char *name, struct symbol *ret,
			       size_t max)
{
	struct fake_target *fake = FAKE_OF(symbols, symbols);
	size_t count = 0;
	for (size_t i = 0; i < fake->symbol_count; i++) {
		if (strcmp(fake->symbol_list[i].name, name) != 0)
			continue;
		if (count < max)
			ret[count] = fake->symbol_list[i].symbol;
		count++;
	}
	return count;
}

static inline bool fake_decode(struct loads *loads, raddr function, raddr *ret, size_t max,
			       size_t *len_ret, struct error *err)
{
	struct fake_target *fake = FAKE_OF(loads, loads);
	for (size_t i = 0; i < fake->function_count; i++) {
		const struct fake_loads *known = &fake->function_list[i];
		if (known->function != function)
			continue;
		size_t len = 0;
		for (; len < FAKE_LOADS_MAX && len < max && known->loads[len]; len++)
			ret[len] = known->loads[len];
		*len_ret = len;
		return true;
	}
	return error_set(err, ERROR_FORMAT, "no code");
}

static inline bool fake_is_code(struct loads *loads, raddr address)
{
	(void)loads;
	return address - FAKE_CODE < FAKE_CODE_BYTES;
}

static inline void fake_init(struct fake_target *fake)
{
	memset(fake, 0, sizeof(*fake));
	fake->memory.read_spans = fake_read_spans;
	fake->symbols.find = fake_find;
	fake->loads.decode = fake_decode;
	fake->loads.is_code = fake_is_code;
}

/* The address of `size` new bytes of zeros, aligned as malloc aligns. */
static inline raddr fake_alloc(struct fake_target *fake, size_t size)
{
	raddr address = FAKE_BASE + fake->used;
	fake->used += (size + 15) & ~(size_t)15;
	if (fake->used > FAKE_BYTES)
		abort();
	return address;
}

static inline void *fake_at(struct fake_target *fake, raddr address)
{
	return fake->bytes + (address - FAKE_BASE);
}

static inline void fake_put(struct fake_target *fake, raddr address, const void *bytes, size_t len)
{
	memcpy(fake_at(fake, address), bytes, len);
}

static inline void fake_put_word(struct fake_target *fake, raddr address, uint64_t word)
{
	fake_put(fake, address, &word, sizeof(word));
}

static inline void fake_put_int(struct fake_target *fake, raddr address, uint32_t value)
{
	fake_put(fake, address, &value, sizeof(value));
}

static inline uint64_t fake_word(struct fake_target *fake, raddr address)
{
	uint64_t word;
	memcpy(&word, fake_at(fake, address), sizeof(word));
	return word;
}

static inline void fake_export(struct fake_target *fake, const char *name, raddr address,
			       const char *image)
{
	if (fake->symbol_count == FAKE_SYMBOLS_MAX)
		abort();
	fake->symbol_list[fake->symbol_count].name = name;
	fake->symbol_list[fake->symbol_count++].symbol =
		(struct symbol){ .address = address, .image = image };
}

#endif
