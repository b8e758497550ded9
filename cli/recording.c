/* SPDX-License-Identifier: MIT */
#include "cli/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cli/output_name.h"

static bool start_file(struct recording *recording, const char *path, bool is_forced,
		       struct error *err)
{
	uint64_t max_bytes = recording->options->max_size_bytes;
	if (!capture_create(path, is_forced, &recording->capture, err))
		return false;
	if (max_bytes)
		capture_limit(recording->capture, max_bytes);
	snprintf(recording->path, sizeof(recording->path), "%s", path);
	return true;
}

bool recording_init(struct recording *ret, const struct options *options, int pid,
		    struct error *err)
{
	char path[PATH_MAX];
	*ret = (struct recording){ .options = options, .pid = pid };
	return output_name_make(options->output, pid, path, sizeof(path), err) &&
	       start_file(ret, path, options->is_forced, err);
}

void recording_deinit(struct recording *recording)
{
	capture_abandon(recording->capture);
	recording->capture = NULL;
}

bool recording_write(struct recording *recording, const struct snapshot *snapshot,
		     struct error *err)
{
	struct error cause;
	if (!capture_write(recording->capture, snapshot, &cause)) {
		if (!capture_is_at(recording->capture, recording->path)) {
			*err = cause;
			return false;
		}
		return error_set(err, cause.kind, "%s; it holds all until %.0f s", cause.context,
				 recording->seconds);
	}
	recording->seconds = snapshot->capture.seconds;
	return true;
}

bool recording_close(struct recording *recording, struct error *err)
{
	struct capture *capture = recording->capture;
	recording->capture = NULL;
	return capture_close(capture, err);
}

/* -- going on in a new file -- */

static bool may_overwrite(const struct recording *recording, const char *path)
{
	struct stat info;
	bool is_empty = lstat(path, &info) == 0 && S_ISREG(info.st_mode) && info.st_size == 0;
	return is_empty || recording->options->is_forced;
}

bool recording_next_name(const struct recording *recording, char *ret, struct error *err)
{
	return output_name_make(recording->options->output, recording->pid, ret, PATH_MAX, err) &&
	       output_name_check(ret,
				 capture_is_at(recording->capture, ret) ||
					 may_overwrite(recording, ret),
				 err);
}

/* Rename the closed file to NAME.1, or the first such name that is free. */
static bool make_way(const char *path, char *ret, struct error *err)
{
	enum { NUMBER_MAX = 1000000 };
	for (int number = 1; number <= NUMBER_MAX; number++) {
		int len = snprintf(ret, PATH_MAX, "%s.%d", path, number);
		if (len >= PATH_MAX)
			break;
		if (renameat2(AT_FDCWD, path, AT_FDCWD, ret, RENAME_NOREPLACE) == 0)
			return true;
		if (errno != EEXIST) {
			error_set_errno(err, ERROR_FILE, "cannot rename %s", path);
			err->kind = ERROR_FILE;
			return false;
		}
	}
	return error_set(err, ERROR_FILE, "%.200s cannot be renamed: no name is free", path);
}

bool recording_rotate(struct recording *recording, const char *path, bool *ret, char *closed_ret,
		      struct error *err)
{
	if (!capture_sync(recording->capture, ret, err))
		return false;
	if (!*ret)
		return true;
	bool has_name = capture_is_at(recording->capture, path);
	snprintf(closed_ret, PATH_MAX, "%s", recording->path);
	return recording_close(recording, err) && (!has_name || make_way(path, closed_ret, err)) &&
	       start_file(recording, path, !has_name && may_overwrite(recording, path), err);
}
