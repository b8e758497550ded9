/* SPDX-License-Identifier: MIT */
#include "tracer/shared_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "tracer/region_layout.h"

static bool is_as_made(int fd, const char *path_of_fd, const char *expected_link)
{
	struct stat status;
	char link[64] = "";
	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 0 &&
	       status.st_size == SHARED_BYTES && readlink(path_of_fd, link, sizeof(link) - 1) > 0 &&
	       strcmp(link, expected_link) == 0;
}

bool shared_file_open(const char *path, const char *link, bool is_sealed, int *ret,
		      struct error *err)
{
	char same[32];
	OWNED_FD int handle = open(path, O_PATH | O_CLOEXEC);
	if (handle < 0)
		return error_set_errno(err, ERROR_TIMEOUT, "cannot open %s", path);
	snprintf(same, sizeof(same), "/proc/self/fd/%d", handle);
	if (!is_as_made(handle, same, link))
		return error_set(err, ERROR_UNSAFE, "%s is not what the stub made", path);

	/* By the handle: the path may lead elsewhere by now. */
	OWNED_FD int fd = open(same, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return error_set_errno(err, ERROR_UNSAFE, "cannot open %s", path);
	if (is_sealed && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK)) {
		error_set_errno(err, ERROR_UNSAFE, "cannot seal %s", path);
		err->kind = ERROR_UNSAFE;
		return false;
	}
	/* It may have been cut short before that. */
	if (!is_as_made(fd, same, link))
		return error_set(err, ERROR_UNSAFE, "%s changes its size", path);
	*ret = MOVE_FD(fd);
	return true;
}
