/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

/**
 * @file
 * What the fuzzers share: checks, an input taken apart, and a target whose memory and files under
 * /proc are the fuzzer's bytes.
 *
 * A fuzzer never waits, and sees no process but this one: nanosleep() and procfs_read() are wrapped
 * by the linker (ld(1) "--wrap").
 */

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "pyframes/offsets.h"

/** The entry that libFuzzer calls, which every fuzzer defines. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** A finding, unless the condition holds. */
#define FUZZ_CHECK(condition) ((condition) ? (void)0 : fuzz_report(#condition, __FILE__, __LINE__))

_Noreturn void fuzz_report(const char *condition, const char *file, int line);

/* -- the input -- */

/** What of an input is not used yet. */
struct fuzz_input {
	const uint8_t *bytes;
	size_t len;
};

/** Take a number of 1 to 8 bytes, lowest first; bytes behind the end are zeros. */
uint64_t fuzz_take(struct fuzz_input *input, size_t bytes);

/** Take at most `len` bytes; valid as long as the input. */
const uint8_t *fuzz_take_bytes(struct fuzz_input *input, size_t len, size_t *len_ret);

/* -- the target -- */

/** A target's memory that lies at `base`. */
struct fuzz_memory {
	struct memory memory; /* the seam */
	raddr base;
	const uint8_t *bytes;
	size_t len;
	uint64_t reach; /* readable from `base` on; behind `len`, the bytes repeat themselves */
	uint64_t span_count; /* read until now */
	uint64_t byte_count;
};

void fuzz_memory_init(struct fuzz_memory *fuzz, raddr base, const uint8_t *bytes, size_t len);

/** Let procfs_read() give these bytes, which must outlive it, as /proc/PID/`name` of every process;
 *  NULL: there is no such file. `name` is the last part of the path. */
void fuzz_proc_set(const char *name, const uint8_t *bytes, size_t len);

/** The n-th table of CPython's layouts; NULL if there are no more. */
const struct py_offsets *fuzz_table(unsigned n);

/* -- checks -- */

/** Tell whether this is UTF-8 as RFC 3629 has it, without zeros. */
bool fuzz_is_utf8(const char *text, size_t len);

#endif
