/* SPDX-License-Identifier: MIT */
#include "cli/terminal.h"

#include <string.h>
#include <unistd.h>

bool terminal_is_usable(const struct options *options)
{
	const char *term = getenv("TERM");
	return options->format == FORMAT_DEFAULT && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) &&
	       term && strcmp(term, "dumb") != 0;
}

void terminal_choose_color(const struct options *options)
{
	if (options->color == COLOR_NEVER)
		setenv("NO_COLOR", "1", 1);
	if (options->color == COLOR_ALWAYS)
		unsetenv("NO_COLOR");
}
