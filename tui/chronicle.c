/* SPDX-License-Identifier: MIT */
#include "tui/chronicle.h"

#include <stdarg.h>

#include "base/text.h"

/* T is news if it is so many times what it was, and a longest stop if it is so much longer. */
enum { NOTEWORTHY_FACTOR = 4 };
static const double noteworthy_stop_seconds = 1e-3;

void chronicle_note(struct chronicle *chronicle, const char *format, ...)
{
	struct log_line *line = &chronicle->log[chronicle->log_count++ % LOG_LINES_MAX];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(line->text, sizeof(line->text), format, arguments);
	va_end(arguments);
	line->seconds = chronicle->seconds;
}

static void note_begin(struct chronicle *chronicle, const struct snapshot *snapshot)
{
	char interval[32];
	text_bytes((double)snapshot->capture.sample_bytes, interval, sizeof(interval));
	chronicle_note(chronicle, "attached to %d, T %s", snapshot->target.pid, interval);
	chronicle->has_begun = true;
	chronicle->last_sample_bytes = snapshot->capture.sample_bytes;
}

static void note_interval(struct chronicle *chronicle, uint64_t sample_bytes)
{
	char before[32];
	char now[32];
	uint64_t last = chronicle->last_sample_bytes;
	if (sample_bytes == last)
		return;
	if (sample_bytes / NOTEWORTHY_FACTOR < last && last / NOTEWORTHY_FACTOR < sample_bytes)
		return;
	text_bytes((double)last, before, sizeof(before));
	text_bytes((double)sample_bytes, now, sizeof(now));
	chronicle_note(chronicle, "T from %s to %s, to keep to the budget", before, now);
	chronicle->last_sample_bytes = sample_bytes;
}

static void note_trouble(struct chronicle *chronicle, const struct snapshot_capture *capture)
{
	if (capture->dropped > chronicle->last_dropped)
		chronicle_note(chronicle, "%llu samples were lost",
			       (unsigned long long)(capture->dropped - chronicle->last_dropped));
	chronicle->last_dropped = capture->dropped;
	if (capture->longest_stop_seconds >
	    chronicle->last_longest_stop_seconds + noteworthy_stop_seconds) {
		chronicle_note(chronicle, "a stop of %.1f ms", 1e3 * capture->longest_stop_seconds);
		chronicle->last_longest_stop_seconds = capture->longest_stop_seconds;
	}
}

static void take_stopped_share(struct chronicle *chronicle, const struct snapshot_capture *capture)
{
	double seconds = capture->seconds - chronicle->seconds;
	double stopped = capture->stopped_seconds - chronicle->last_stopped_seconds;
	if (seconds > 0)
		series_add(&chronicle->stopped_share, stopped / seconds);
	chronicle->last_stopped_seconds = capture->stopped_seconds;
}

void chronicle_take(struct chronicle *chronicle, const struct snapshot *snapshot)
{
	const struct snapshot_capture *capture = &snapshot->capture;
	take_stopped_share(chronicle, capture);
	chronicle->seconds = capture->seconds;
	series_add(&chronicle->rss_bytes, (double)capture->rss_bytes);
	series_add(&chronicle->stops_per_second, capture->stops_per_second);
	series_add(&chronicle->sample_bytes, (double)capture->sample_bytes);
	if (!chronicle->has_begun)
		note_begin(chronicle, snapshot);
	note_interval(chronicle, capture->sample_bytes);
	note_trouble(chronicle, capture);
	if (snapshot->target.has_exited && !chronicle->has_ended) {
		chronicle->has_ended = true;
		chronicle_note(chronicle, "the target exited");
	}
}

size_t chronicle_log_len(const struct chronicle *chronicle)
{
	return chronicle->log_count < LOG_LINES_MAX ? chronicle->log_count : LOG_LINES_MAX;
}

const struct log_line *chronicle_log_line(const struct chronicle *chronicle, size_t age)
{
	return &chronicle->log[(chronicle->log_count - 1 - age) % LOG_LINES_MAX];
}
