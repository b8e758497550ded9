/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_REPORT_OUTPUT_H
#define TESTS_UNIT_REPORT_OUTPUT_H

/**
 * @file
 * Snapshots to report on, and what a report writes.
 */

#include <stdio.h>
#include <string.h>

#include "report/report.h"
#include "tests/unit/profile/population.h"

/* A name with all that must not get through: a terminal sequence, a line break, invalid UTF-8, a
 * bidirectional override and the end of a script. */
#define HOSTILE_NAME "x\x1b]0;owned\x07\n\xff\xe2\x80\xae</script>\"'\\"

/* A memory stream that becomes a string. */
struct output {
	FILE *file;
	char *text;
	size_t len;
};

static inline void output_open(struct output *output)
{
	output->file = open_memstream(&output->text, &output->len);
	assert_non_null(output->file);
}

static inline void output_deinit(struct output *output)
{
	fclose(output->file);
	free(output->text);
}

#define OWNED_OUTPUT OWNED(output_deinit)

/* No line is wider than a hundred columns, and nothing of HOSTILE_NAME's got through. */
static inline void assert_printable(const struct output *output, size_t lines_max)
{
	size_t column = 0, lines = 0;
	for (const char *at = output->text; *at; at++) {
		unsigned char byte = (unsigned char)*at;
		lines += byte == '\n';
		column = byte == '\n' ? 0 : column + ((byte & 0xc0) != 0x80);
		if (column > 100)
			fail_msg("too wide:\n%s", output->text);
		assert_true(byte == '\n' || (byte >= 0x20 && byte != 0x7f));
	}
	assert_true(lines <= lines_max);
	assert_null(strstr(output->text, "\xe2\x80\xae"));
	assert_null(strchr(output->text, '\xff'));
}

/* A leak, a transient, and a stack with hostile names. */
static inline struct snapshot *leaky_snapshot(void)
{
	static const struct frame index = { "index", "/srv/app.py", 11 };
	static const struct frame main_frame = { "<module>", "/srv/app.py", 40 };
	static const struct frame hostile = { HOSTILE_NAME, HOSTILE_NAME, 5 };
	static const struct frame *const leak[] = { &index, &main_frame };
	static const struct frame *const attack[] = { &hostile, &main_frame };
	OWNED_PROFILE struct profile *profile = new_profile();
	for (int i = 0; i < 400; i++) {
		double now = 0.05 + i * 0.05;
		add_block(profile, now, 0x1000 + (raddr)i, 120, 16384, leak, 2,
			  i % 4 ? MEMORY_PYMALLOC : MEMORY_MALLOC);
	}
	for (int i = 0; i < 10; i++)
		add_block(profile, 19.5, 0x9000 + (raddr)i, 3000, 16384, attack, 2, MEMORY_MALLOC);
	return take_snapshot(profile, 20, 16384);
}

#endif
