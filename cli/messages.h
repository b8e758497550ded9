/* SPDX-License-Identifier: MIT */
#ifndef CLI_MESSAGES_H
#define CLI_MESSAGES_H

/**
 * @file
 * What filtrace says on stderr while stdout carries data. One sentence a line; on a terminal also
 * one progress line that gives way to the next.
 */

#include "base/error.h"
#include "cli/options.h"
#include "profile/snapshot.h"

struct messages {
	bool is_quiet;
	bool is_verbose;
	bool is_terminal;
	bool has_color;
	bool has_progress;	    /* the cursor stands behind a progress line */
	double next_sparse_seconds; /* without a terminal: when to say something again */
};

void messages_init(struct messages *ret, const struct options *options);

/** Say a sentence; nothing if quiet. */
void message_note(struct messages *messages, const char *format, ...) PRINTF_LIKE(2, 3);

/** Say a sentence if verbose. */
void message_detail(struct messages *messages, const char *format, ...) PRINTF_LIKE(2, 3);

/** Say what failed. */
void message_error(struct messages *messages, const struct error *err);

/** Say a result, even if quiet: `word` stands out, in red if it `is_bad`. */
void message_result(struct messages *messages, const char *word, bool is_bad, const char *format,
		    ...) PRINTF_LIKE(4, 5);

/** Take the progress line away, before something else writes to the terminal. */
void message_end_progress(struct messages *messages);

/** Show how far a capture is, and how large its file (0: it has none): at once on a terminal, else
 *  once a minute; nothing if quiet. */
void message_progress(struct messages *messages, const struct snapshot *snapshot,
		      uint64_t file_bytes);

#endif
