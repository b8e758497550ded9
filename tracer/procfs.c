/* SPDX-License-Identifier: MIT */
#include "tracer/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum {
	FIRST_BYTES = 4096,
	MOST_BYTES = 64 << 20, /* maps of half a million mappings */
};

/* Fill the buffer up to its last byte. Sets `is_whole_ret` when the file ends before that. */
static bool read_on(int fd, char *buffer, size_t size, size_t *len, bool *is_whole_ret)
{
	while (*len < size) {
		ssize_t got = read(fd, buffer + *len, size - *len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return false;
		if (got == 0) {
			*is_whole_ret = true;
			return true;
		}
		*len += (size_t)got;
	}
	return true;
}

/* Read at most `most` bytes. `is_whole_ret`: that was all. */
static bool read_some(int pid, const char *name, size_t most, char **ret, size_t *len_ret,
		      bool *is_whole_ret, struct error *err)
{
	char path[80];
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	OWNED_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return error_set(err, ERROR_NO_PROCESS, "there is no process %d", pid);
	if (fd < 0)
		return error_set_errno(err, ERROR_FORMAT, "cannot open %s", path);

	OWNED_FREE char *text = NULL;
	size_t len = 0;
	*is_whole_ret = false;
	for (size_t size = FIRST_BYTES; !*is_whole_ret && size <= most; size *= 2) {
		char *larger = realloc(text, size + 1);
		if (!larger)
			return error_set(err, ERROR_NO_MEMORY, "%s", path);
		text = larger;
		if (!read_on(fd, text, size, &len, is_whole_ret))
			return error_set_errno(err, ERROR_FORMAT, "cannot read %s", path);
	}

	text[len] = '\0';
	*ret = MOVE_PTR(text);
	*len_ret = len;
	return true;
}

bool procfs_read(int pid, const char *name, char **ret, size_t *len_ret, struct error *err)
{
	OWNED_FREE char *text = NULL;
	size_t len;
	bool is_whole;
	if (!read_some(pid, name, MOST_BYTES, &text, &len, &is_whole, err))
		return false;
	if (!is_whole)
		return error_set(err, ERROR_FORMAT, "/proc/%d/%s does not end", pid, name);
	*ret = MOVE_PTR(text);
	*len_ret = len;
	return true;
}

bool procfs_read_head(int pid, const char *name, char **ret, size_t *len_ret, struct error *err)
{
	bool unused;
	return read_some(pid, name, PROCFS_HEAD_BYTES, ret, len_ret, &unused, err);
}

static unsigned digit_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return (unsigned)(digit - '0');
	if (digit >= 'a' && digit <= 'f')
		return (unsigned)(digit - 'a') + 10;
	return UINT32_MAX;
}

bool procfs_take_number(const char **at, unsigned base, char end, uint64_t *ret)
{
	uint64_t value = 0;
	const char *next = *at;

	for (; *next != end; next++) {
		unsigned digit = digit_value(*next);
		if (digit >= base || __builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return false;
	}
	if (next == *at)
		return false;
	*at = next + 1;
	*ret = value;
	return true;
}
