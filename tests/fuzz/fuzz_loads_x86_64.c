/* SPDX-License-Identifier: MIT */
/* Any bytes as the code and the read-only data of a target: {u16 entry, u8 bit 0: code without end,
 * bytes}. */
#include "tracer/code_x86_64.h"

#include <string.h>

#include "tests/fuzz/fuzz.h"

enum {
	PAGE = 4096,
	BYTES_MAX = 2 * PAGE, /* a page of code, and one of data */
	BASE = 0x401000,
	REACH = 1 << 30,
	LOADS_MAX = 256,
	SPANS_MAX = 400 * 8, /* "at most 400 instructions" */
};

static const char text[] = "00401000-00402000 r-xp 00001000 08:01 7 /usr/bin/python3\n"
			   "00402000-00403000 r--p 00002000 08:01 7 /usr/bin/python3\n"
			   "00959000-0095b000 rw-p 00500000 08:01 7 /usr/bin/python3\n";

static void check(struct code_loads *loads, struct fuzz_memory *fuzz, raddr function)
{
	raddr found[LOADS_MAX];
	size_t len = SIZE_MAX;
	struct error err;
	fuzz->span_count = 0;
	bool is_decoded =
		loads->loads.decode(&loads->loads, function, found, LOADS_MAX, &len, &err);
	FUZZ_CHECK(fuzz->span_count <= SPANS_MAX);
	if (!is_decoded) {
		FUZZ_CHECK(len == SIZE_MAX);
		FUZZ_CHECK(err.kind == ERROR_READ || err.kind == ERROR_FORMAT);
		return;
	}
	FUZZ_CHECK(len <= LOADS_MAX);
	FUZZ_CHECK(function - BASE < fuzz->reach); /* nothing is decoded that cannot be read */
	for (size_t i = 0; i < len; i++)
		for (size_t k = 0; k < i; k++)
			FUZZ_CHECK(found[i] != found[k]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[BYTES_MAX];
	struct fuzz_input input = { data, size };
	raddr entry = fuzz_take(&input, 2);
	bool is_endless = fuzz_take(&input, 1) & 1;
	size_t len = input.len < sizeof(bytes) ? input.len : sizeof(bytes);
	memset(bytes, 0xcc, sizeof(bytes));
	memcpy(bytes, input.bytes, len);

	struct fuzz_memory fuzz;
	fuzz_memory_init(&fuzz, BASE, bytes, sizeof(bytes));
	if (is_endless)
		fuzz.reach = REACH;

	OWNED_MAPS struct maps maps = { 0 };
	struct error err;
	struct code_loads loads;
	FUZZ_CHECK(maps_parse(text, strlen(text), &maps, &err));
	arch_x86_64.init_loads(&loads, &fuzz.memory, &maps);
	check(&loads, &fuzz, BASE + entry);
	check(&loads, &fuzz, entry);
	FUZZ_CHECK(loads.loads.is_code(&loads.loads, BASE + entry) == (entry < PAGE));
	return 0;
}
