/* SPDX-License-Identifier: MIT */
#include "report/report.h"

#include <inttypes.h>

#include "report/figure.h"
#include "report/name.h"
#include "report/output.h"
#include "report/path.h"

/* The semicolon separates frames. Nothing can escape it. */
static void write_frame(const struct frame *frame, FILE *out)
{
	char label[NAME_LABEL_BYTES];
	for (const char *at = name_frame(frame, false, label); *at; at++)
		fputc(*at == ';' ? ':' : *at, out);
}

bool report_collapsed(const struct snapshot *snapshot, FILE *out, struct error *err)
{
	for (size_t i = 0; i < snapshot->stack_count; i++) {
		const struct snapshot_stack *stack = &snapshot->stacks[i];
		int64_t bytes = figure_whole(stack->figures.live_bytes.value);
		if (bytes <= 0)
			continue;

		struct path path;
		path_make(stack, &path);
		for (size_t j = 0; j < path.len; j++) {
			if (j)
				fputc(';', out);
			write_frame(path.frames[j], out);
		}
		fprintf(out, " %" PRId64 "\n", bytes);
	}
	return output_finish(out, err);
}
