/* SPDX-License-Identifier: MIT */
#include "cli/memory_limit.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "tracer/procfs.h"

/* Nothing is meant by more than this: version 1 writes a huge number instead of no limit. */
static const uint64_t limit_max = UINT64_C(1) << 60;

/* Where a version of control groups keeps its limit, and what its lines in /proc/PID/cgroup hold
 * before the path: "0::/path", "5:memory:/path". */
static const struct version {
	const char *controller;
	const char *folder; /* below the mount */
	const char *file;
} versions[] = {
	{ "::", "", "memory.max" },
	{ ":memory:", "/memory", "memory.limit_in_bytes" },
};

static uint64_t read_limit(const char *path)
{
	OWNED_FILE FILE *file = fopen(path, "re");
	char text[32];
	if (!file || !fgets(text, sizeof(text), file))
		return 0;
	char *end;
	errno = 0;
	unsigned long long limit = strtoull(text, &end, 10);
	if (errno || end == text || limit > limit_max)
		return 0; /* "max", for one */
	return limit;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	if (a == 0 || b == 0)
		return a + b;
	return a < b ? a : b;
}

/* From a group up to the root. A path that cannot be followed from here ("/../..", in a container)
 * leaves the root of what is mounted. */
static uint64_t limit_above(const struct version *version, const char *mount, char *group)
{
	uint64_t limit = 0;
	for (;;) {
		char path[PATH_MAX];
		int len = snprintf(path, sizeof(path), "%s%s%s/%s", mount, version->folder, group,
				   version->file);
		if (len > 0 && (size_t)len < sizeof(path))
			limit = smaller(limit, read_limit(path));
		char *slash = strrchr(group, '/');
		if (!slash)
			return limit;
		*slash = '\0';
	}
}

/* The limit that one line of /proc/PID/cgroup, "N:controllers:/path", leads to. */
static uint64_t limit_of_line(char *line, const char *mount)
{
	char *colon = strchr(line, ':');
	for (size_t i = 0; colon && i < ARRAY_LEN(versions); i++) {
		size_t len = strlen(versions[i].controller);
		if (strncmp(colon, versions[i].controller, len) != 0)
			continue;
		char *group = colon + len;
		if (*group != '/' || strstr(group, "/.."))
			*group = '\0';
		return limit_above(&versions[i], mount, group);
	}
	return 0;
}

uint64_t memory_limit_find(const char *groups, const char *mount)
{
	uint64_t limit = 0;
	for (const char *line = groups; *line;) {
		size_t len = strcspn(line, "\n");
		OWNED_FREE char *copy = strndup(line, len);
		if (copy)
			limit = smaller(limit, limit_of_line(copy, mount));
		line += len + (line[len] == '\n');
	}
	return limit;
}

uint64_t memory_limit_read(int pid)
{
	OWNED_FREE char *groups = NULL;
	struct error ignored;
	size_t len;
	if (!procfs_read(pid, "cgroup", &groups, &len, &ignored))
		return 0;
	return memory_limit_find(groups, "/sys/fs/cgroup");
}
