/* SPDX-License-Identifier: MIT */
#include "cli/messages.h"

#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.h"

#define SGR_RED	  "\033[1;31m"
#define SGR_GREEN "\033[1;32m"
#define SGR_RESET "\033[0m"

static const double SPARSE_SECONDS = 60;

static bool wants_color(enum color color, bool is_terminal)
{
	const char *term = getenv("TERM");
	if (color != COLOR_AUTO)
		return color == COLOR_ALWAYS;
	return is_terminal && !getenv("NO_COLOR") && term && strcmp(term, "dumb") != 0;
}

void messages_init(struct messages *ret, const struct options *options)
{
	bool is_terminal = isatty(STDERR_FILENO);
	*ret = (struct messages){
		.is_quiet = options->is_quiet,
		.is_verbose = options->is_verbose,
		.is_terminal = is_terminal,
		.has_color = wants_color(options->color, is_terminal),
		.next_sparse_seconds = SPARSE_SECONDS,
	};
}

void message_end_progress(struct messages *messages)
{
	if (messages->has_progress)
		fputs("\r\033[K", stderr);
	messages->has_progress = false;
}

/* Print one line in place of the progress line. What it says may hold names of the target. */
PRINTF_LIKE(4, 0)
static void print_line(struct messages *messages, const char *word, const char *sgr,
		       const char *format, va_list args)
{
	char text[1024];
	char printable[1024];
	vsnprintf(text, sizeof(text), format, args);
	text_printable(text, printable, sizeof(printable));

	message_end_progress(messages);
	bool is_colored = messages->has_color && *word;
	fprintf(stderr, "filtrace: %s%s%s%s\n", is_colored ? sgr : "", word,
		is_colored ? SGR_RESET : "", printable);
}

void message_note(struct messages *messages, const char *format, ...)
{
	if (messages->is_quiet)
		return;
	va_list args;
	va_start(args, format);
	print_line(messages, "", "", format, args);
	va_end(args);
}

void message_detail(struct messages *messages, const char *format, ...)
{
	if (messages->is_quiet || !messages->is_verbose)
		return;
	va_list args;
	va_start(args, format);
	print_line(messages, "", "", format, args);
	va_end(args);
}

void message_result(struct messages *messages, const char *word, bool is_bad, const char *format,
		    ...)
{
	va_list args;
	va_start(args, format);
	print_line(messages, word, is_bad ? SGR_RED : SGR_GREEN, format, args);
	va_end(args);
}

void message_error(struct messages *messages, const struct error *err)
{
	if (err->context[0])
		message_result(messages, "", true, "%s", err->context);
	else
		message_result(messages, "", true, "cannot read target memory at %" PRIraddr,
			       err->address);
}

/* What fits on one line of the terminal: a longer line could not be taken back. */
static int columns(void)
{
	struct winsize size;
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return 80 - 1;
	return size.ws_col - 1;
}

static void print_progress(struct messages *messages, const char *text)
{
	if (!messages->is_terminal)
		fprintf(stderr, "%s\n", text);
	else
		fprintf(stderr, "\r\033[K%.*s", columns(), text);
	messages->has_progress = messages->is_terminal;
}

void message_progress(struct messages *messages, const struct snapshot *snapshot,
		      uint64_t file_bytes)
{
	const struct snapshot_capture *capture = &snapshot->capture;
	if (messages->is_quiet)
		return;
	if (!messages->is_terminal) {
		if (capture->seconds < messages->next_sparse_seconds)
			return;
		messages->next_sparse_seconds = capture->seconds + SPARSE_SECONDS;
	}

	char samples[16];
	char live[16];
	char growth[16];
	char file[16];
	char text[160];
	text_count((double)capture->samples, samples, sizeof(samples));
	text_bytes(snapshot->total.live_bytes.value, live, sizeof(live));
	text_bytes(snapshot->total.growth_bytes_per_second.value * 60, growth, sizeof(growth));
	text_bytes((double)file_bytes, file, sizeof(file));
	snprintf(text, sizeof(text), "filtrace: %.0f s, %s samples, live %s, growth %s/min%s%s",
		 capture->seconds, samples, live, growth, file_bytes ? ", file " : "",
		 file_bytes ? file : "");
	print_progress(messages, text);
}
