/* SPDX-License-Identifier: MIT */
#include "profile/modules.h"

#include <string.h>

#include "profile/redact.h"

/* Of longer ends nothing more is asked: an equal path has been found before. */
enum { PARTS_MAX = 32 };

/* One path of one side that has no module yet, and what it is compared by. */
struct place {
	const char *path;
	const char *key; /* NULL: not by this rule */
	enum side side;
	uint32_t number; /* of its own */
	uint32_t module; /* the number of what it is matched with, or its own */
	bool is_matched;
};

static int file_compare(const void *a, const void *b)
{
	const struct module_file *left = *(struct module_file *const *)a;
	const struct module_file *right = *(struct module_file *const *)b;
	int order = strcmp(left->path, right->path);
	return order ? order : (int)left->side - (int)right->side;
}

static int place_compare(const void *a, const void *b)
{
	const struct place *left = a, *right = b;
	int order = left->is_matched - right->is_matched;
	if (order == 0)
		order = !left->key - !right->key;
	if (order == 0 && left->key)
		order = strcmp(left->key, right->key);
	return order ? order : strcmp(left->path, right->path);
}

/* The path's last `parts` parts; NULL if there are fewer, or if they say too little. */
static const char *path_end(const char *path, size_t parts)
{
	const char *at = path + strlen(path);
	while (parts > 0 && at > path) {
		at--;
		if (*at == '/' && --parts == 0)
			return at[1] == '\0' || strcmp(at, "/__init__.py") == 0 ||
					       strcmp(at, "/__main__.py") == 0
				       ? NULL
				       : at + 1;
	}
	return parts == 1 && *path != '\0' ? path : NULL;
}

static bool can_match(const struct place *place)
{
	return place->key && !place->is_matched;
}

/* Match the old and the new ones with equal keys, in order. Places are sorted. */
static void match_run(struct place *places, size_t count)
{
	size_t old = 0, new = 0;
	while (true) {
		while (old < count && places[old].side != SIDE_OLD)
			old++;
		while (new < count && places[new].side != SIDE_NEW)
			new ++;
		if (old >= count || new >= count)
			return;
		places[new].module = places[old].module;
		places[old++].is_matched = places[new ++].is_matched = true;
	}
}

/* Match by the keys. Matched places go to the end; returns how many are left. */
static size_t match_keys(struct place *places, size_t count)
{
	qsort(places, count, sizeof(*places), place_compare);
	for (size_t begin = 0, end; begin < count && can_match(&places[begin]); begin = end) {
		end = begin + 1;
		while (end < count && can_match(&places[end]) &&
		       strcmp(places[begin].key, places[end].key) == 0)
			end++;
		match_run(places + begin, end - begin);
	}
	size_t left = 0;
	for (size_t i = 0; i < count; i++) {
		if (places[i].is_matched)
			continue;
		struct place place = places[i];
		places[i] = places[left];
		places[left++] = place;
	}
	return left;
}

static void match_places(struct place *places, size_t count)
{
	for (size_t i = 0; i < count; i++)
		places[i].key = redact_library(places[i].path);
	count = match_keys(places, count);
	for (size_t parts = PARTS_MAX; parts > 0 && count; parts--) {
		for (size_t i = 0; i < count; i++)
			places[i].key = path_end(places[i].path, parts);
		count = match_keys(places, count);
	}
}

/* Make a place of each path that only one side has. Files are sorted; each path gets the number of
 * its first file. Returns how many places there are. */
static size_t find_places(struct module_file **files, size_t count, struct place *ret)
{
	size_t place_count = 0;
	for (size_t begin = 0, end; begin < count; begin = end) {
		for (end = begin; end < count && strcmp(files[end]->path, files[begin]->path) == 0;
		     end++)
			files[end]->module = (uint32_t)begin;
		if (files[begin]->side == files[end - 1]->side)
			ret[place_count++] = (struct place){ .path = files[begin]->path,
							     .side = files[begin]->side,
							     .number = (uint32_t)begin,
							     .module = (uint32_t)begin };
	}
	return place_count;
}

bool modules_match(struct module_file *files, size_t count, struct error *err)
{
	OWNED_FREE struct module_file **sorted = calloc(count + 1, sizeof(*sorted));
	OWNED_FREE struct place *places = calloc(count + 1, sizeof(*places));
	OWNED_FREE uint32_t *modules = calloc(count + 1, sizeof(*modules));
	if (!sorted || !places || !modules)
		return error_set(err, ERROR_NO_MEMORY, "no memory for %zu files", count);
	for (size_t i = 0; i < count; i++)
		sorted[i] = &files[i];
	qsort(sorted, count, sizeof(*sorted), file_compare);

	size_t place_count = find_places(sorted, count, places);
	match_places(places, place_count);
	for (size_t i = 0; i < count; i++)
		modules[i] = (uint32_t)i;
	for (size_t i = 0; i < place_count; i++)
		modules[places[i].number] = places[i].module;
	for (size_t i = 0; i < count; i++)
		files[i].module = modules[files[i].module];
	return true;
}
