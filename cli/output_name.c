/* SPDX-License-Identifier: MIT */
#include "cli/output_name.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

static void expand_host(const char *host, char *ret, size_t size)
{
	snprintf(ret, size, "%s", host);
	for (char *at = ret; *at; at++)
		*at = *at == '/' ? '_' : *at;
}

/* What the placeholder `letter` stands for. */
static bool expand_letter(char letter, const struct output_facts *facts, char *ret, size_t size)
{
	struct tm utc;
	switch (letter) {
	case 'p':
		snprintf(ret, size, "%d", facts->pid);
		return true;
	case 'h':
		expand_host(facts->host, ret, size);
		return true;
	case 't':
		return gmtime_r(&facts->time, &utc) &&
		       strftime(ret, size, "%Y%m%dT%H%M%SZ", &utc) > 0;
	case '%':
		snprintf(ret, size, "%%");
		return true;
	default:
		return false;
	}
}

bool output_name_expand(const char *pattern, const struct output_facts *facts, char *ret,
			size_t size, struct error *err)
{
	char name[PATH_MAX];
	size_t len = 0;

	for (const char *at = pattern; *at; at++) {
		char piece[HOST_NAME_MAX + 1] = { *at };
		if (*at == '%' && !expand_letter(*++at, facts, piece, sizeof(piece)))
			return error_set(err, ERROR_USAGE,
					 "'%s': only %%p, %%h, %%t and %%%% can follow", pattern);
		size_t piece_len = strlen(piece);
		if (len + piece_len >= sizeof(name) || len + piece_len >= size)
			return error_set(err, ERROR_FILE, "the file name '%.60s..' is too long",
					 pattern);
		memcpy(name + len, piece, piece_len);
		len += piece_len;
	}
	memcpy(ret, name, len);
	ret[len] = '\0';
	return true;
}

bool output_name_make(const char *pattern, int pid, char *ret, size_t size, struct error *err)
{
	char host[HOST_NAME_MAX + 1] = "";
	gethostname(host, sizeof(host) - 1);
	const struct output_facts facts = { .pid = pid, .host = host, .time = time(NULL) };
	return output_name_expand(pattern, &facts, ret, size, err);
}

bool output_name_check(const char *path, bool is_forced, struct error *err)
{
	struct stat status;
	if (lstat(path, &status) == 0) {
		if (!S_ISREG(status.st_mode))
			return error_set(err, ERROR_FILE, "%s is no regular file", path);
		if (!is_forced)
			return error_set(err, ERROR_FILE, "%s exists; --force overwrites it", path);
	}

	OWNED_FREE char *copy = strdup(path);
	if (!copy)
		return error_set(err, ERROR_NO_MEMORY, "file name");
	if (faccessat(AT_FDCWD, dirname(copy), W_OK | X_OK, AT_EACCESS)) {
		error_set_errno(err, ERROR_FILE, "cannot write %s", path);
		err->kind = ERROR_FILE;
		return false;
	}
	return true;
}
