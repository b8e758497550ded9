/* SPDX-License-Identifier: MIT */
#include "profile/redact.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* What follows the last occurrence of a directory; NULL if there is none. */
static const char *behind(const char *path, const char *directory)
{
	const char *found = NULL;
	for (const char *at = strstr(path, directory); at; at = strstr(at + 1, directory))
		found = at + strlen(directory);
	return found;
}

/* What follows lib/python3.11/; NULL if there is none. */
static const char *behind_library(const char *path)
{
	const char *at = behind(path, "/python3.");
	while (at && isdigit((unsigned char)*at))
		at++;
	return at && *at == '/' ? at + 1 : NULL;
}

/* What follows a home directory; the whole path if it lies in none. */
static const char *behind_home(const char *path)
{
	static const char *const homes[] = { "/home/", "/Users/" };
	for (size_t i = 0; i < ARRAY_LEN(homes); i++) {
		size_t len = strlen(homes[i]);
		const char *end =
			strncmp(path, homes[i], len) == 0 ? strchr(path + len, '/') : NULL;
		if (end)
			return end + 1;
	}
	return strncmp(path, "/root/", 6) == 0 ? path + 6 : path;
}

const char *redact_library(const char *path)
{
	static const char *const packages[] = { "/site-packages/", "/dist-packages/" };
	for (size_t i = 0; i < ARRAY_LEN(packages); i++) {
		const char *found = behind(path, packages[i]);
		if (found)
			return found;
	}
	return behind_library(path);
}

const char *redact_path(const char *path)
{
	const char *found = redact_library(path);
	if (found)
		return found;

	path = behind_home(path);
	const char *file = last_part(path);
	if (file <= path + 1)
		return file;
	const char *directory = file - 1;
	while (directory > path && directory[-1] != '/')
		directory--;
	return directory;
}

/* How many arguments an option of Python takes up; 0: it is none that can be skipped. */
static size_t option_length(const char *argument)
{
	if (argument[0] != '-' || argument[1] == '\0')
		return 0;
	if (argument[1] == 'X' || argument[1] == 'W')
		return argument[2] ? 1 : 2;
	return strspn(argument + 1, "BbdEIiOPqsSuvx") == strlen(argument + 1);
}

static size_t count_arguments(char *const *command)
{
	size_t count = 0;
	while (command && command[count])
		count++;
	return count;
}

size_t redact_command(char *const *command, const char *ret[REDACTED_ARGUMENTS_MAX])
{
	size_t count = count_arguments(command), len = 0, kept = 1;
	if (count == 0)
		return 0;
	ret[len++] = last_part(command[0]);
	if (strncmp(ret[0], "python", 6) == 0) {
		size_t at = 1, skip;
		while (at < count && (skip = option_length(command[at])) > 0)
			at += skip;
		bool is_module = at + 1 < count && strcmp(command[at], "-m") == 0;
		if (is_module)
			ret[len++] = "-m";
		if (is_module || (at < count && command[at][0] != '-'))
			ret[len++] = last_part(command[at + is_module]);
		kept = len;
	}
	if (count > kept)
		ret[len++] = "\u2026";
	return len;
}
