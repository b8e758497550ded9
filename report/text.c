/* SPDX-License-Identifier: MIT */
#include "report/report.h"

#include "base/elide.h"
#include "base/text.h"
#include "report/figure_text.h"
#include "report/lines.h"
#include "report/output.h"
#include "report/rest.h"

enum {
	REPORT_WIDTH = 100,
	SITES_DEFAULT = 20,
	/* Whose stacks are shown, and how much of them. */
	STACK_SITES_MAX = 3,
	STACKS_PER_SITE_MAX = 2,
	STACK_FRAMES_MAX = 24,
	LABEL_BYTES = 4 * REPORT_WIDTH + 1,
	FIGURE_BYTES = 32,
};

static char *live_text(const struct figures *figures, char *ret, size_t size)
{
	const struct estimate *live = &figures->live_bytes;
	return figure_text(live->value, live->error, "", ret, size);
}

static char *growth_text(const struct figures *figures, char *ret, size_t size)
{
	const struct estimate *growth = &figures->growth_bytes_per_second;
	return figure_text(60 * growth->value, 60 * growth->error, "+", ret, size);
}

/* Blocks are known as well as their bytes are. */
static char *blocks_text(const struct figures *figures, char *ret, size_t size)
{
	const struct estimate *live = &figures->live_bytes;
	double error = live->value > 0 ? figures->live_blocks * live->error / live->value : 0;
	return text_count(figure_round(figures->live_blocks, figure_decimals(error, 0)), ret, size);
}

static const char *kind_text(const struct figures *figures)
{
	const char *name = "";
	int count = 0;
	for (int kind = 0; kind < MEMORY_KIND_COUNT; kind++) {
		if (figures->kind_live_bytes[kind] > 0) {
			name = memory_kind_name((enum memory_kind)kind);
			count++;
		}
	}
	return count > 1 ? "mixed" : name;
}

static void write_target(const struct snapshot_target *target, FILE *out)
{
	char command[REPORT_WIDTH - 60], python[16];
	text_printable(target->python, python, sizeof(python));
	fprintf(out, "filtrace  %s  pid %d, CPython %s%s\n",
		lines_command(target->command, command, sizeof(command)), target->pid, python,
		target->has_exited ? ", has ended" : "");
}

static void write_capture(const struct snapshot_capture *capture, FILE *out)
{
	char samples[FIGURE_BYTES], dropped[FIGURE_BYTES], interval[FIGURE_BYTES];
	char start[LINES_START_BYTES];
	fprintf(out, "%.1f s from %s; %s samples, %s lost; ", lines_bounded(capture->seconds),
		lines_start(capture, start),
		text_count((double)capture->samples, samples, sizeof(samples)),
		text_count((double)capture->dropped, dropped, sizeof(dropped)));
	if (capture->sample_bytes <= 1)
		fprintf(out, "every allocation\n");
	else
		fprintf(out, "one per %s\n",
			text_bytes((double)capture->sample_bytes, interval, sizeof(interval)));

	double share = capture->seconds > 0 ? capture->stopped_seconds / capture->seconds : 0;
	fprintf(out, "stopped %.2f%% (longest %.1f ms), %.0f stops/s", lines_bounded(100 * share),
		lines_bounded(1e3 * capture->longest_stop_seconds),
		lines_bounded(capture->stops_per_second));
	if (capture->rss_bytes) {
		char rss[FIGURE_BYTES], growth[FIGURE_BYTES];
		double slope = 60 * capture->rss_growth_bytes_per_second;
		fprintf(out, "; RSS %s, %s%s/min",
			text_bytes((double)capture->rss_bytes, rss, sizeof(rss)),
			slope >= 0 ? "+" : "", text_bytes(slope, growth, sizeof(growth)));
	}
	fputc('\n', out);
	if (capture->is_unfinished)
		fprintf(out, "the recording has not ended: it goes on, or was cut off\n");
}

static void write_total(const struct snapshot *snapshot, FILE *out)
{
	const struct figures *total = &snapshot->total;
	char live[FIGURE_BYTES], growth[FIGURE_BYTES], blocks[FIGURE_BYTES], rest[REST_BYTES];
	fprintf(out, "\nlive    %s in %s blocks\n", live_text(total, live, sizeof(live)),
		blocks_text(total, blocks, sizeof(blocks)));
	fprintf(out, "growth  %s/min\n", growth_text(total, growth, sizeof(growth)));
	if (*rest_filtered(snapshot, rest))
		fprintf(out, "without %s\n", rest);
}

/* Columns; the site begins at the last. */
enum { LIVE_WIDTH = 15, GROWTH_WIDTH = 17, BLOCKS_WIDTH = 8, AGE_WIDTH = 6, SITE_COLUMN = 57 };

static void write_site(const struct snapshot_site *site, FILE *out)
{
	const struct figures *figures = &site->figures;
	char text[FIGURE_BYTES], label[LABEL_BYTES];
	lines_column(out, live_text(figures, text, sizeof(text)), LIVE_WIDTH);
	lines_column(out, growth_text(figures, text, sizeof(text)), GROWTH_WIDTH);
	lines_column(out, blocks_text(figures, text, sizeof(text)), BLOCKS_WIDTH);
	lines_column(out, text_duration(figures->oldest_seconds, text, sizeof(text)), AGE_WIDTH);
	fprintf(out, " %-8s  %s\n", kind_text(figures),
		elide_frame(site->frame, REPORT_WIDTH - SITE_COLUMN, label, sizeof(label)));
}

static void write_sites(const struct snapshot *snapshot, size_t top, FILE *out)
{
	fputc('\n', out);
	lines_column(out, "LIVE", LIVE_WIDTH);
	lines_column(out, "GROWTH/min", GROWTH_WIDTH);
	lines_column(out, "BLOCKS", BLOCKS_WIDTH);
	lines_column(out, "AGE", AGE_WIDTH);
	fprintf(out, " %-8s  %s\n", "KIND", "SITE");
	for (size_t i = 0; i < snapshot->site_count && i < top; i++)
		write_site(&snapshot->sites[i], out);
	size_t more = snapshot->beyond_top.sites;
	if (snapshot->site_count > top)
		more += snapshot->site_count - top;
	if (more)
		fprintf(out, "%*s and %zu more %s\n", SITE_COLUMN - 1, "", more,
			more == 1 ? "site" : "sites");
}

static void write_stack(const struct snapshot_stack *stack, FILE *out)
{
	char live[FIGURE_BYTES], thread[64], label[LABEL_BYTES];
	text_printable(stack->thread, thread, sizeof(thread));
	fprintf(out, "\n%s  %s  %s\n", live_text(&stack->figures, live, sizeof(live)),
		memory_kind_name(stack->kind), thread);
	for (size_t i = 0; i < stack->frame_count && i < STACK_FRAMES_MAX; i++)
		fprintf(out, "    %s\n",
			elide_frame(stack->frames[i], REPORT_WIDTH - 4, label, sizeof(label)));
	if (stack->frame_count > STACK_FRAMES_MAX)
		fprintf(out, "    and %zu more %s\n", stack->frame_count - STACK_FRAMES_MAX,
			stack->frame_count == STACK_FRAMES_MAX + 1 ? "frame" : "frames");
	if (stack->is_truncated)
		fprintf(out, "    and frames that were not read\n");
}

/* Show the largest stacks of the largest sites. */
static void write_stacks(const struct snapshot *snapshot, size_t top, FILE *out)
{
	size_t site_count = snapshot->site_count;
	size_t shown_max = top < STACK_SITES_MAX ? top : STACK_SITES_MAX;
	for (size_t i = 0; i < site_count && i < shown_max; i++) {
		size_t shown = 0;
		for (size_t j = 0; j < snapshot->stack_count && shown < STACKS_PER_SITE_MAX; j++) {
			const struct snapshot_stack *stack = &snapshot->stacks[j];
			if (!stack->frame_count || stack->frames[0] != snapshot->sites[i].frame)
				continue;
			write_stack(stack, out);
			shown++;
		}
	}
}

bool report_text(const struct snapshot *snapshot, const struct report_text_options *options,
		 FILE *out, struct error *err)
{
	size_t top = options && options->top ? options->top : SITES_DEFAULT;
	write_target(&snapshot->target, out);
	write_capture(&snapshot->capture, out);
	write_total(snapshot, out);
	if (snapshot->site_count == 0) {
		fprintf(out, snapshot->filtered.stacks ? "\nNothing is left to show.\n"
						       : "\nNo live memory was sampled.\n");
		return output_finish(out, err);
	}
	write_sites(snapshot, top, out);
	write_stacks(snapshot, top, out);
	return output_finish(out, err);
}
