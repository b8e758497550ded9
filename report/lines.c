/* SPDX-License-Identifier: MIT */
#include "report/lines.h"

#include <math.h>
#include <time.h>

#include "base/clock.h"
#include "base/glyphs.h"
#include "base/text.h"

void lines_column(FILE *out, const char *text, int width)
{
	int used = glyphs_columns(text);
	fprintf(out, "%*s%s", width > used ? width - used : 0, "", text);
}

char *lines_command(char **command, char *ret, size_t size)
{
	size_t used = 0;
	ret[0] = '\0';
	for (char **argument = command; argument && *argument && used + 1 < size; argument++) {
		if (used)
			ret[used++] = ' ';
		used += text_printable(*argument, ret + used, size - used);
	}
	return ret;
}

char *lines_start(const struct snapshot_capture *capture, char ret[LINES_START_BYTES])
{
	time_t seconds = (time_t)(capture->start_realtime_ns / NS_PER_SECOND);
	struct tm utc;
	if (!gmtime_r(&seconds, &utc) || !strftime(ret, LINES_START_BYTES, "%F %T UTC", &utc))
		snprintf(ret, LINES_START_BYTES, "?");
	return ret;
}

double lines_bounded(double number)
{
	return fmin(fmax(number, 0), 1e9);
}
