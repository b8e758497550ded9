/* SPDX-License-Identifier: MIT */
#include "report/diff.h"

#include <math.h>
#include <string.h>

#include "base/elide.h"
#include "base/glyphs.h"
#include "base/text.h"
#include "report/figure_text.h"
#include "report/lines.h"
#include "report/output.h"
#include "report/rest.h"

enum {
	DIFF_WIDTH = 100,
	LINES_MAX = 20,
	COMMAND_COLUMNS_MIN = 8,
	LABEL_BYTES = 4 * DIFF_WIDTH + 1,
	/* Of the table of totals. */
	NAME_WIDTH = 28,
	TOTAL_WIDTH = 20,
	/* Of the table of sites; the site begins at the last. */
	CHANGE_WIDTH = 6,
	ALONE_WIDTH = 11,
	BOTH_WIDTH = 17,
	SITE_COLUMN = 65,
};

double report_diff_factor(const struct diff *diff)
{
	return diff->is_per_operation ? 1 : 60;
}

const char *report_diff_unit(const struct diff *diff)
{
	return diff->is_per_operation ? "op" : "min";
}

/* A figure with its error; of operations, bytes are known with decimals. */
static char *both_text(const struct diff *diff, const struct estimate *estimate, const char *sign,
		       char *ret, size_t size)
{
	double factor = report_diff_factor(diff);
	double value = factor * estimate->value, error = factor * estimate->error;
	return diff->is_per_operation ? figure_text_fine(value, error, sign, ret, size)
				      : figure_text(value, error, sign, ret, size);
}

char *report_diff_headline(const struct diff *diff, char ret[DIFF_HEADLINE_BYTES])
{
	char figure[FIGURE_TEXT_BYTES], worse[16], better[16], all[16];
	struct estimate growth = diff->total.growth.difference;
	bool is_sure = diff->change != DIFF_UNCLEAR;
	size_t count = 0;
	for (size_t i = 0; i < ARRAY_LEN(diff->counts); i++)
		count += diff->counts[i];
	if (is_sure)
		growth.value = fabs(growth.value);
	both_text(diff, &growth, is_sure ? "" : "+", figure, sizeof(figure));
	text_count((double)diff->counts[DIFF_WORSE], worse, sizeof(worse));
	text_count((double)diff->counts[DIFF_BETTER], better, sizeof(better));
	text_count((double)count, all, sizeof(all));

	const char *before = is_sure ? "grows by " : "growth may be the same: ";
	const char *behind = diff->change == DIFF_WORSE	   ? " more than before"
			     : diff->change == DIFF_BETTER ? " less than before"
							   : "";
	snprintf(ret, DIFF_HEADLINE_BYTES, "%s%s/%s%s; %s %s worse, %s better, of %s", before,
		 figure, report_diff_unit(diff), behind, worse,
		 diff->counts[DIFF_WORSE] == 1 ? "site" : "sites", better, all);
	return ret;
}

/* Of the program its name is enough: what differs between two versions comes later. */
static void command_text(char **command, char *ret, size_t size)
{
	char *slash = command && *command ? strrchr(*command, '/') : NULL;
	char *program[] = { slash ? slash + 1 : NULL, NULL };
	lines_command(slash ? program : command, ret, size);
	size_t used = strlen(ret);
	if (slash && command[1] && used + 1 < size) {
		ret[used++] = ' ';
		lines_command(command + 1, ret + used, size - used);
	}
}

static void write_side(const struct diff *diff, enum side side, FILE *out)
{
	const struct snapshot_target *target = &diff->targets[side];
	const struct snapshot_capture *capture = &diff->snapshots[side]->capture;
	char command[4 * DIFF_WIDTH], cut[LABEL_BYTES], python[16], start[LINES_START_BYTES];
	char rest[DIFF_WIDTH];
	text_printable(target->python, python, sizeof(python));
	int len = snprintf(rest, sizeof(rest), "  pid %d, CPython %s; %.1f s from %s", target->pid,
			   python, lines_bounded(capture->seconds), lines_start(capture, start));
	int room = DIFF_WIDTH - 5 - len;
	command_text(target->command, command, sizeof(command));
	glyphs_cut(command, room > COMMAND_COLUMNS_MIN ? room : COMMAND_COLUMNS_MIN, cut,
		   sizeof(cut));
	fprintf(out, "%s  %s%s\n", side == SIDE_OLD ? "old" : "new", cut, rest);
}

/* Say what filters left out; returns how many lines that took. */
static int write_filtered(const struct diff *diff, FILE *out)
{
	int count = 0;
	for (int side = 0; side < SIDE_COUNT; side++) {
		char rest[REST_BYTES];
		if (!*rest_filtered(diff->snapshots[side], rest))
			continue;
		fprintf(out, "%s  without %s\n", side == SIDE_OLD ? "old" : "new", rest);
		count++;
	}
	return count;
}

static void write_total(const struct diff *diff, const char *name, const struct diff_figure *figure,
			FILE *out)
{
	char text[FIGURE_TEXT_BYTES];
	fprintf(out, "%-*s", NAME_WIDTH, name);
	for (int side = 0; side < SIDE_COUNT; side++)
		lines_column(out, both_text(diff, &figure->sides[side], "", text, sizeof(text)),
			     TOTAL_WIDTH);
	lines_column(out, both_text(diff, &figure->difference, "+", text, sizeof(text)),
		     TOTAL_WIDTH);
	fputc('\n', out);
}

static void write_totals(const struct diff *diff, FILE *out)
{
	fprintf(out, "\n%*s%*s%*s\n", NAME_WIDTH + TOTAL_WIDTH, "OLD", TOTAL_WIDTH, "NEW",
		TOTAL_WIDTH, "CHANGE");
	write_total(diff, diff->is_per_operation ? "growth per operation" : "growth per minute",
		    &diff->total.growth, out);
	write_total(diff,
		    diff->is_per_operation ? "live per operation" : "live per captured minute",
		    &diff->total.live, out);
}

static void write_alone(const struct diff *diff, const struct diff_site *site, enum side side,
			FILE *out)
{
	const struct estimate *growth = &site->difference.growth.sides[side];
	double factor = report_diff_factor(diff);
	char text[FIGURE_TEXT_BYTES];
	if (site->frames[side])
		figure_text_alone(factor * growth->value, factor * growth->error, "", text,
				  sizeof(text));
	lines_column(out,
		     site->frames[side] ? text
		     : side == SIDE_OLD ? "new"
					: "gone",
		     ALONE_WIDTH);
}

static void write_site(const struct diff *diff, const struct diff_site *site, FILE *out)
{
	const struct diff_figures *figures = &site->difference;
	char text[FIGURE_TEXT_BYTES], label[LABEL_BYTES];
	const struct frame *frame =
		site->frames[SIDE_NEW] ? site->frames[SIDE_NEW] : site->frames[SIDE_OLD];
	fprintf(out, "%-*s", CHANGE_WIDTH,
		site->change == DIFF_UNCLEAR ? "" : diff_change_name(site->change));
	write_alone(diff, site, SIDE_OLD, out);
	write_alone(diff, site, SIDE_NEW, out);
	lines_column(out, both_text(diff, &figures->growth.difference, "+", text, sizeof(text)),
		     BOTH_WIDTH);
	lines_column(out, both_text(diff, &figures->live.difference, "+", text, sizeof(text)),
		     BOTH_WIDTH);
	fprintf(out, "  %s\n",
		elide_frame(frame, DIFF_WIDTH - SITE_COLUMN + 1, label, sizeof(label)));
}

static void write_sites(const struct diff *diff, size_t shown, FILE *out)
{
	const char *unit = report_diff_unit(diff);
	char text[FIGURE_TEXT_BYTES];
	static const struct {
		const char *name;
		int width;
	} columns[] = {
		{ "OLD", ALONE_WIDTH },
		{ "NEW", ALONE_WIDTH },
		{ "GROWTH", BOTH_WIDTH },
		{ "LIVE", BOTH_WIDTH },
	};
	fprintf(out, "\n%*s", CHANGE_WIDTH, "");
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		snprintf(text, sizeof(text), "%s/%s", columns[i].name, unit);
		lines_column(out, text, columns[i].width);
	}
	fprintf(out, "  SITE\n");
	for (size_t i = 0; i < shown; i++)
		write_site(diff, &diff->sites[i], out);
	size_t more = diff->site_count - shown + diff->beyond_top;
	if (more)
		fprintf(out, "%*s and %zu more %s\n", SITE_COLUMN - 2, "", more,
			more == 1 ? "site" : "sites");
}

bool report_diff_text(const struct diff *diff, bool has_all_sites, FILE *out, struct error *err)
{
	/* Lines of everything else: one of them tells what is left out. */
	int others = 10;
	char headline[DIFF_HEADLINE_BYTES];
	fprintf(out, "filtrace diff: %s\n", report_diff_headline(diff, headline));
	write_side(diff, SIDE_OLD, out);
	write_side(diff, SIDE_NEW, out);
	others += write_filtered(diff, out);
	write_totals(diff, out);
	size_t room = (size_t)(LINES_MAX - others);
	size_t shown = has_all_sites || diff->site_count < room ? diff->site_count : room;
	if (shown)
		write_sites(diff, shown, out);
	return output_finish(out, err);
}
