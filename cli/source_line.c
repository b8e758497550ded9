/* SPDX-License-Identifier: MIT */
#include "cli/source_line.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/cleanup.h"

enum { FILE_BYTES_MAX = 4 << 20, NAME_SIZE = 64 };

/* Open a name below /proc/PID/`link` as if that were the root. Opening must not wait, nor have any
 * effect: what is no regular file is left alone. */
static int open_below(int pid, const char *link, const char *file)
{
	char directory[NAME_SIZE];
	snprintf(directory, sizeof(directory), "/proc/%d/%s", pid, link);
	OWNED_FD int root = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -1;
	struct open_how how = { .flags = O_PATH | O_CLOEXEC,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	OWNED_FD int found = (int)syscall(SYS_openat2, root, file, &how, sizeof(how));
	struct stat status;
	if (found < 0 || fstat(found, &status) != 0 || !S_ISREG(status.st_mode))
		return -1;

	char again[NAME_SIZE];
	snprintf(again, sizeof(again), "/proc/self/fd/%d", found);
	return open(again, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

/* Find where a line begins; NULL if the text has not so many. */
static const char *find_line(const char *text, int line)
{
	for (; text && line > 1; line--) {
		text = strchr(text, '\n');
		text += text != NULL;
	}
	return text && *text ? text : NULL;
}

bool source_line_read(int pid, const char *file, int line, char *ret, size_t size)
{
	if (!*file || *file == '<' || line < 1 || size == 0)
		return false;
	OWNED_FD int fd = open_below(pid, *file == '/' ? "root" : "cwd", file);
	OWNED_FREE char *text = malloc(FILE_BYTES_MAX + 1);
	if (fd < 0 || !text)
		return false;

	size_t len = 0;
	ssize_t got;
	while (len < FILE_BYTES_MAX && (got = read(fd, text + len, FILE_BYTES_MAX - len)) > 0)
		len += (size_t)got;
	text[len] = '\0';
	const char *found = find_line(text, line);
	if (!found)
		return false;
	found += strspn(found, " \t\f");
	snprintf(ret, size, "%.*s", (int)strcspn(found, "\r\n"), found);
	return true;
}
