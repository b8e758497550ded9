/* SPDX-License-Identifier: MIT */
#include "cli/verbs.h"

#include "cli/output_file.h"
#include "cli/part.h"
#include "profile/capture.h"
#include "profile/diff.h"
#include "report/diff.h"

/* Load one side, without what filters leave out. The top and the redaction are the diff's own: what
 * is large, and what a path is called, matters only when both sides are there. */
static bool load_side(const struct options *options, const char *path, struct snapshot **ret,
		      struct error *err)
{
	struct options filters = *options;
	filters.top = 0;
	filters.is_redacted = false;
	OWNED_SNAPSHOT struct snapshot *whole = NULL;
	OWNED_SNAPSHOT struct snapshot *part = NULL;
	if (!capture_load(path, &whole, err) || !part_select(&filters, whole, &part, err))
		return false;
	*ret = part ? MOVE_PTR(part) : MOVE_PTR(whole);
	return true;
}

/* JSON says it itself. */
static void say_what_has_not_ended(const struct options *options, const char *path,
				   const struct snapshot *side)
{
	struct messages messages;
	messages_init(&messages, options);
	if (side->capture.is_unfinished && options->format != FORMAT_JSON)
		message_note(&messages,
			     "%s: the recording has not ended: it goes on, or was cut off", path);
}

static bool print_diff(const struct options *options, const struct diff *diff, FILE *out,
		       struct error *err)
{
	if (options->format == FORMAT_JSON)
		return report_diff_json(diff, out, err);
	if (options->format == FORMAT_HTML)
		return report_diff_html(diff, out, err);
	return report_diff_text(diff, options->top > 0, out, err);
}

bool diff_run(const struct options *options, struct error *err)
{
	OWNED_SNAPSHOT struct snapshot *old = NULL;
	OWNED_SNAPSHOT struct snapshot *new = NULL;
	OWNED_DIFF struct diff *diff = NULL;
	OWNED_FILE FILE *file = NULL;
	const struct diff_options how = {
		.operations = { options->operations[0], options->operations[1] },
		.top = (size_t)options->top,
		.is_redacted = options->is_redacted,
	};
	if (!load_side(options, options->capture, &old, err) ||
	    !load_side(options, options->newer_capture, &new, err) ||
	    !diff_create(old, new, &how, &diff, err) ||
	    !output_file_create(options, new->target.pid, &file, err) ||
	    !print_diff(options, diff, file ? file : stdout, err))
		return false;
	say_what_has_not_ended(options, options->capture, old);
	say_what_has_not_ended(options, options->newer_capture, new);
	return true;
}
