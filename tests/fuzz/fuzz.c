/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <time.h>

void fuzz_report(const char *condition, const char *file, int line)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
	__builtin_trap();
}

/* Freed memory that stays poisoned for long costs half of the speed. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "quarantine_size_mb=8";
}

/* -- the input -- */

uint64_t fuzz_take(struct fuzz_input *input, size_t bytes)
{
	uint64_t number = 0;
	size_t len;
	const uint8_t *taken = fuzz_take_bytes(input, bytes, &len);
	for (size_t i = 0; i < len; i++)
		number |= (uint64_t)taken[i] << 8 * i;
	return number;
}

const uint8_t *fuzz_take_bytes(struct fuzz_input *input, size_t len, size_t *len_ret)
{
	const uint8_t *taken = input->bytes;
	*len_ret = len < input->len ? len : input->len;
	input->bytes += *len_ret;
	input->len -= *len_ret;
	return taken;
}

/* -- the target -- */

static bool is_readable(const struct fuzz_memory *fuzz, const struct memory_span *span)
{
	raddr offset = span->address - fuzz->base;
	return offset <= fuzz->reach && span->len <= fuzz->reach - offset;
}

static void copy_repeated(const struct fuzz_memory *fuzz, const struct memory_span *span)
{
	size_t offset = (span->address - fuzz->base) % fuzz->len;
	for (size_t done = 0; done < span->len;) {
		size_t step = fuzz->len - offset;
		if (step > span->len - done)
			step = span->len - done;
		memcpy((uint8_t *)span->buffer + done, fuzz->bytes + offset, step);
		done += step;
		offset = 0;
	}
}

static bool read_spans(struct memory *memory, struct memory_span *spans, size_t span_count,
		       struct error *err)
{
	(void)err;
	struct fuzz_memory *fuzz = (struct fuzz_memory *)memory;
	for (size_t i = 0; i < span_count; i++) {
		fuzz->span_count++;
		fuzz->byte_count += spans[i].len;
		spans[i].is_read = is_readable(fuzz, &spans[i]);
		if (spans[i].is_read && spans[i].len > 0)
			copy_repeated(fuzz, &spans[i]);
	}
	return true;
}

void fuzz_memory_init(struct fuzz_memory *fuzz, raddr base, const uint8_t *bytes, size_t len)
{
	*fuzz = (struct fuzz_memory){
		.memory.read_spans = read_spans,
		.base = base,
		.bytes = bytes,
		.len = len,
		.reach = len,
	};
}

enum { PROC_FILES_MAX = 8 };

static struct {
	const char *name;
	const uint8_t *bytes;
	size_t len;
} proc_files[PROC_FILES_MAX];

void fuzz_proc_set(const char *name, const uint8_t *bytes, size_t len)
{
	size_t i = 0;
	while (proc_files[i].name && strcmp(proc_files[i].name, name) != 0)
		i++;
	FUZZ_CHECK(i + 1 < PROC_FILES_MAX);
	proc_files[i].name = name;
	proc_files[i].bytes = bytes;
	proc_files[i].len = len;
}

/* As procfs_read() promises: "a zero follows the last byte". */
bool __wrap_procfs_read(int pid, const char *name, char **ret, size_t *len_ret, struct error *err);
bool __wrap_procfs_read(int pid, const char *name, char **ret, size_t *len_ret, struct error *err)
{
	const char *slash = strrchr(name, '/');
	const char *last = slash ? slash + 1 : name;
	for (size_t i = 0; proc_files[i].name; i++) {
		if (strcmp(proc_files[i].name, last) != 0 || !proc_files[i].bytes)
			continue;
		char *copy = calloc(1, proc_files[i].len + 1);
		FUZZ_CHECK(copy);
		memcpy(copy, proc_files[i].bytes, proc_files[i].len);
		*ret = copy;
		*len_ret = proc_files[i].len;
		return true;
	}
	return error_set(err, ERROR_NO_PROCESS, "there is no process %d", pid);
}

bool __wrap_procfs_read_head(int pid, const char *name, char **ret, size_t *len_ret,
			     struct error *err);
bool __wrap_procfs_read_head(int pid, const char *name, char **ret, size_t *len_ret,
			     struct error *err)
{
	return __wrap_procfs_read(pid, name, ret, len_ret, err);
}

int __wrap_nanosleep(const struct timespec *duration, struct timespec *rest);
int __wrap_nanosleep(const struct timespec *duration, struct timespec *rest)
{
	(void)duration;
	(void)rest;
	return 0;
}

const struct py_offsets *fuzz_table(unsigned n)
{
	enum { MINOR_END = 64 };
	for (unsigned i = 0; i < 2 * MINOR_END; i++) {
		const struct py_offsets *table = py_offsets_find(i / 2, i % 2);
		if (table && n-- == 0)
			return table;
	}
	return NULL;
}

/* -- checks -- */

/* Bytes of the character that `at` begins with; 0 if it is none. */
static size_t sequence_len(const uint8_t *at, size_t len)
{
	static const struct {
		uint8_t first_min, first_max, second_min, second_max;
		size_t len;
	} forms[] = { /* RFC 3629 section 4 */
		      { 0x01, 0x7f, 0x00, 0x00, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		      { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		      { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		      { 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		      { 0xf4, 0xf4, 0x80, 0x8f, 4 }
	};
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		if (at[0] < forms[i].first_min || at[0] > forms[i].first_max || len < forms[i].len)
			continue;
		if (forms[i].len > 1 &&
		    (at[1] < forms[i].second_min || at[1] > forms[i].second_max))
			continue;
		bool is_whole = true;
		for (size_t k = 2; k < forms[i].len; k++)
			is_whole = is_whole && (at[k] & 0xc0) == 0x80;
		if (is_whole)
			return forms[i].len;
	}
	return 0;
}

bool fuzz_is_utf8(const char *text, size_t len)
{
	size_t step;
	for (size_t at = 0; at < len; at += step) {
		step = sequence_len((const uint8_t *)text + at, len - at);
		if (step == 0)
			return false;
	}
	return true;
}
