/* SPDX-License-Identifier: MIT */
#include "cli/verbs.h"

#include <locale.h>
#include <sys/ioctl.h>

#include "cli/python_processes.h"

enum { COLUMNS_DEFAULT = 80 };

/* Columns of the terminal that stdout is; 0 if it is none. */
static int terminal_columns(void)
{
	struct winsize size;
	if (!isatty(STDOUT_FILENO))
		return 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || size.ws_col == 0)
		return COLUMNS_DEFAULT;
	return size.ws_col;
}

static void say_what_is_missing(const struct options *options,
				const struct python_processes *processes)
{
	struct messages messages;
	messages_init(&messages, options);
	if (processes->len == 0)
		message_note(&messages, "no Python process found");
	if (processes->unseen > 0)
		message_note(&messages, "%zu process%s of other users cannot be looked into%s",
			     processes->unseen, processes->unseen == 1 ? "" : "es",
			     geteuid() ? ": run with sudo to see which are Python" : "");
}

bool ps_run(const struct options *options, struct error *err)
{
	OWNED(python_processes_deinit) struct python_processes processes = { 0 };
	if (!python_processes_find(&processes, err))
		return false;

	setlocale(LC_CTYPE, "C.UTF-8"); /* for the width of foreign characters */
	bool is_ok = options->format == FORMAT_JSON
			     ? report_processes_json(processes.list, processes.len, stdout, err)
			     : report_processes_text(processes.list, processes.len,
						     terminal_columns(), stdout, err);
	if (is_ok)
		say_what_is_missing(options, &processes);
	return is_ok;
}
