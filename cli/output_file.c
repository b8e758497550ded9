/* SPDX-License-Identifier: MIT */
#include "cli/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "cli/output_name.h"

bool output_file_create_at(const char *path, bool is_forced, FILE **ret, struct error *err)
{
	int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
	OWNED_FD int fd = open(path, flags | (is_forced ? O_TRUNC : O_EXCL), 0600);
	if (fd < 0 && errno == EEXIST) {
		error_set(err, ERROR_FILE, "%s exists; --force overwrites it", path);
		err->os_errno = EEXIST;
		return false;
	}
	*ret = fd < 0 ? NULL : fdopen(fd, "w");
	if (!*ret) {
		error_set_errno(err, ERROR_FILE, "cannot write %s", path);
		err->kind = ERROR_FILE;
		return false;
	}
	(void)MOVE_FD(fd);
	return true;
}

bool output_file_create(const struct options *options, int pid, FILE **ret, struct error *err)
{
	char path[PATH_MAX];
	*ret = NULL;
	return !options->output ||
	       (output_name_make(options->output, pid, path, sizeof(path), err) &&
		output_file_create_at(path, options->is_forced, ret, err));
}
