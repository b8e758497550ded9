/* SPDX-License-Identifier: MIT */
#include "cli/part.h"

#include "base/clock.h"
#include "profile/selection.h"

/* More than this no file of suppressions has. */
enum { SUPPRESSIONS_BYTES_MAX = 1 << 20 };

static bool read_file(const char *path, char **ret, struct error *err)
{
	OWNED_FILE FILE *file = fopen(path, "re");
	OWNED_FREE char *text = malloc(SUPPRESSIONS_BYTES_MAX + 1);
	if (!text)
		return error_set(err, ERROR_NO_MEMORY, "no memory for %s", path);
	size_t len = file ? fread(text, 1, SUPPRESSIONS_BYTES_MAX + 1, file) : 0;
	if (!file || ferror(file)) {
		error_set_errno(err, ERROR_FILE, "cannot read %s", path);
		err->kind = ERROR_FILE;
		return false;
	}
	if (len > SUPPRESSIONS_BYTES_MAX)
		return error_set(err, ERROR_FILE, "%s is too long for a list of suppressions",
				 path);
	text[len] = '\0';
	*ret = MOVE_PTR(text);
	return true;
}

static bool add_suppressions(const char *path, struct patterns *patterns, struct error *err)
{
	OWNED_FREE char *text = NULL;
	if (!path)
		return true;
	return read_file(path, &text, err) &&
	       (patterns_add_suppressions(patterns, text, err) || error_context(err, "%s", path));
}

static bool add_globs(const struct text_list *globs, struct patterns *patterns, struct error *err)
{
	for (size_t i = 0; i < globs->count; i++) {
		if (!patterns_add_glob(patterns, globs->items[i], err))
			return false;
	}
	return true;
}

bool part_select(const struct options *options, const struct snapshot *snapshot,
		 struct snapshot **ret, struct error *err)
{
	bool is_needed = options->min_age_ns || options->only.count || options->exclude.count ||
			 options->suppressions || options->thread || options->top ||
			 options->is_redacted;
	*ret = NULL;
	if (!is_needed)
		return true;

	OWNED(selection_deinit)
	struct selection selection = {
		.min_age_seconds = (double)options->min_age_ns / (double)NS_PER_SECOND,
		.thread = options->thread,
		.top = (size_t)options->top,
		.is_redacted = options->is_redacted,
	};
	return add_globs(&options->only, &selection.only, err) &&
	       add_globs(&options->exclude, &selection.exclude, err) &&
	       add_suppressions(options->suppressions, &selection.exclude, err) &&
	       selection_apply(&selection, snapshot, ret, err);
}
