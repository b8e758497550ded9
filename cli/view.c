/* SPDX-License-Identifier: MIT */
#include "cli/verbs.h"

#include "cli/export.h"
#include "cli/print.h"
#include "cli/terminal.h"
#include "profile/capture.h"
#include "tui/tui.h"

struct viewer {
	const struct options *options;
	struct signals signals;
};

static void viewer_deinit(struct viewer *viewer)
{
	signals_deinit(&viewer->signals);
}

static bool pump(void *context, struct error *err)
{
	struct viewer *viewer = context;
	(void)err;
	signals_take(&viewer->signals);
	return true;
}

static bool is_stopping(void *context)
{
	const struct viewer *viewer = context;
	return viewer->signals.is_stopping;
}

static bool export_snapshot(void *context, const struct snapshot *snapshot, const char *file,
			    bool is_forced, char *name_ret, size_t size, struct error *err)
{
	const struct viewer *viewer = context;
	return export_write(viewer->options, snapshot, file, is_forced, name_ret, size, err);
}

/* Source files may have changed since, or be another machine's: no line of them is shown. */
static bool walk(const struct options *options, const struct timeline *timeline, struct error *err)
{
	struct signals signals;
	if (!signals_init(&signals, err))
		return false;
	OWNED(viewer_deinit) struct viewer viewer = { .options = options, .signals = signals };
	const struct tui_source source = {
		.context = &viewer,
		.timeline = timeline,
		.pump = pump,
		.is_stopping = is_stopping,
		.export = export_snapshot,
	};
	terminal_choose_color(options);
	return tui_run(&source, err);
}

bool view_run(const struct options *options, struct error *err)
{
	OWNED_TIMELINE struct timeline *timeline = NULL;
	if (!capture_load_timeline(options->capture, &timeline, err))
		return false;
	if (!terminal_is_usable(options))
		return print_report(options, FORMAT_TEXT, timeline->last, stdout, err);
	return walk(options, timeline, err);
}
