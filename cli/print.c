/* SPDX-License-Identifier: MIT */
#include "cli/print.h"

#include <string.h>
#include <unistd.h>

#include "cli/messages.h"
#include "cli/part.h"
#include "cli/source_line.h"
#include "report/report.h"
#include "report/rest.h"

/* Files of a capture from anybody: nothing is shown of what is no module of Python's. */
static bool read_line(void *context, const char *file, int line, char *ret, size_t size)
{
	const char *dot = strrchr(file, '.');
	(void)context;
	return dot && strcmp(dot, ".py") == 0 && source_line_read(getpid(), file, line, ret, size);
}

static bool write_page(const struct options *options, const struct snapshot *snapshot,
		       const struct report_past *past, FILE *out, struct error *err)
{
	static const struct report_source source = { .read_line = read_line };
	const struct report_html_options html = {
		.past = past,
		.source = options->has_source ? &source : NULL,
	};
	return report_html(snapshot, &html, out, err);
}

static bool write_format(const struct options *options, enum format format,
			 const struct snapshot *snapshot, FILE *out, struct error *err)
{
	static bool (*const writers[FORMAT_COUNT])(const struct snapshot *snapshot, FILE *out,
						   struct error *err) = {
		[FORMAT_JSON] = report_json,	       [FORMAT_CSV] = report_csv,
		[FORMAT_COLLAPSED] = report_collapsed, [FORMAT_SPEEDSCOPE] = report_speedscope,
		[FORMAT_PPROF] = report_pprof,
	};
	const struct report_text_options text = { .top = (size_t)options->top };

	if (format == FORMAT_PPROF && isatty(fileno(out)))
		return error_set(err, ERROR_USAGE, "pprof is nothing for a terminal: -o FILE");
	if (format == FORMAT_TEXT)
		return report_text(snapshot, &text, out, err);
	if (format == FORMAT_HTML)
		return write_page(options, snapshot, NULL, out, err);
	return writers[format](snapshot, out, err);
}

/* These have no place to say it in. */
static bool is_silent(enum format format)
{
	return format == FORMAT_CSV || format == FORMAT_COLLAPSED;
}

static bool says_nothing_of_end(enum format format)
{
	return format != FORMAT_TEXT && format != FORMAT_JSON && format != FORMAT_HTML;
}

/* Say what a report is not, where it does not say so itself. */
static void say_what_is_missing(const struct options *options, enum format format,
				const struct snapshot *shown, bool is_selected)
{
	char rest[REST_BYTES];
	struct messages messages;
	messages_init(&messages, options);
	if (shown->capture.is_unfinished && says_nothing_of_end(format))
		message_note(&messages, "the recording has not ended: it goes on, or was cut off");
	if (is_selected && is_silent(format) && *rest_text(shown, rest))
		message_note(&messages, "not shown: %s", rest);
}

bool print_report(const struct options *options, enum format otherwise,
		  const struct snapshot *snapshot, FILE *out, struct error *err)
{
	enum format format = options->format != FORMAT_DEFAULT ? options->format : otherwise;
	OWNED_SNAPSHOT struct snapshot *selected = NULL;
	if (format == FORMAT_DEFAULT)
		return true;
	if (!part_select(options, snapshot, &selected, err))
		return false;
	const struct snapshot *shown = selected ? selected : snapshot;
	if (!write_format(options, format, shown, out, err))
		return false;
	say_what_is_missing(options, format, shown, selected != NULL);
	return true;
}

bool print_past(const struct options *options, const struct timeline *timeline, FILE *out,
		struct error *err)
{
	OWNED_SNAPSHOT struct snapshot *selected = NULL;
	OWNED_SNAPSHOT struct snapshot *ever = NULL;
	OWNED_SNAPSHOT struct snapshot *selected_ever = NULL;
	if (!part_select(options, timeline->last, &selected, err) ||
	    !timeline_snapshot_ever(timeline, &ever, err) ||
	    !part_select(options, ever, &selected_ever, err))
		return false;
	const struct report_past past = {
		.timeline = timeline,
		.ever = selected_ever ? selected_ever : ever,
	};
	return write_page(options, selected ? selected : timeline->last, &past, out, err);
}
