/* SPDX-License-Identifier: MIT */
#include "report/processes.h"

#include <string.h>

#include "base/glyphs.h"
#include "base/text.h"
#include "report/json_value.h"
#include "report/output.h"

/* -- text -- */

enum {
	COLUMN_COUNT = 6, /* all but the command, which comes last */
	CELL_BYTES = 256,
	COMMAND_COLUMNS_MIN = 16, /* however narrow the terminal is */
};

static const struct {
	const char *title;
	bool is_right;
} columns_of_table[COLUMN_COUNT] = {
	{ "PID", true }, { "PYTHON", false }, { "USER", false },
	{ "RSS", true }, { "UP", true },      { "ATTACH", false },
};

struct row {
	char cells[COLUMN_COUNT][CELL_BYTES];
};

static void fill_row(const struct report_process *process, struct row *ret)
{
	char user[16];
	snprintf(user, sizeof(user), "%u", process->uid);
	snprintf(ret->cells[0], CELL_BYTES, "%d", process->pid);
	snprintf(ret->cells[1], CELL_BYTES, "%s", *process->python ? process->python : "-");
	text_printable(*process->user ? process->user : user, ret->cells[2], CELL_BYTES);
	text_bytes((double)process->rss_bytes, ret->cells[3], CELL_BYTES);
	text_duration(process->uptime_seconds, ret->cells[4], CELL_BYTES);
	snprintf(ret->cells[5], CELL_BYTES, "%s", *process->reason ? "no" : "yes");
}

/* Widths of the columns, so that every cell fits. */
static void measure_rows(const struct report_process *list, size_t len, int widths[COLUMN_COUNT])
{
	struct row row;
	for (int column = 0; column < COLUMN_COUNT; column++)
		widths[column] = (int)strlen(columns_of_table[column].title);
	for (size_t i = 0; i < len; i++) {
		fill_row(&list[i], &row);
		for (int column = 0; column < COLUMN_COUNT; column++) {
			int width = glyphs_columns(row.cells[column]);
			widths[column] = width > widths[column] ? width : widths[column];
		}
	}
}

/* Returns the columns taken, those up to the next cell included. */
static int write_cell(const char *cell, int width, bool is_right, FILE *out)
{
	int padding = width - glyphs_columns(cell);
	fprintf(out, "%*s%s%*s  ", is_right ? padding : 0, "", cell, is_right ? 0 : padding, "");
	return width + 2;
}

/* The arguments between blanks, in one piece; the caller frees it. NULL without memory. */
static char *join_command(const struct report_process *process)
{
	size_t size = strlen(process->name) + 3;
	for (char **argument = process->command; argument && *argument; argument++)
		size += strlen(*argument) + 1;
	char *text = malloc(size);
	if (!text)
		return NULL;

	char *at = text;
	for (char **argument = process->command; argument && *argument; argument++)
		at += sprintf(at, "%s%s", at == text ? "" : " ", *argument);
	if (at == text)
		sprintf(at, "[%s]", process->name);
	return text;
}

/* Write the command into the columns that are left; uncut without a limit. */
static bool write_command(const struct report_process *process, const int *left, FILE *out,
			  struct error *err)
{
	OWNED_FREE char *command = join_command(process);
	size_t size = command ? 3 * strlen(command) + 1 : 0; /* each byte becomes three at worst */
	OWNED_FREE char *printable = command ? malloc(size) : NULL;
	OWNED_FREE char *cut = command ? malloc(size + sizeof("\u2026")) : NULL;
	if (!printable || !cut)
		return error_set(err, ERROR_NO_MEMORY, "command of process %d", process->pid);

	text_printable(command, printable, size);
	if (left)
		glyphs_cut(printable, *left, cut, size + sizeof("\u2026"));
	fprintf(out, "%s\n", left ? cut : printable);
	return true;
}

static bool write_process(const struct report_process *process, const int widths[COLUMN_COUNT],
			  int columns, FILE *out, struct error *err)
{
	struct row row;
	int used = 0;
	fill_row(process, &row);
	for (int column = 0; column < COLUMN_COUNT; column++)
		used += write_cell(row.cells[column], widths[column],
				   columns_of_table[column].is_right, out);

	int left = columns - used < COMMAND_COLUMNS_MIN ? COMMAND_COLUMNS_MIN : columns - used;
	if (!write_command(process, columns ? &left : NULL, out, err))
		return false;
	if (*process->reason) {
		char reason[3 * sizeof(process->reason)];
		text_printable(process->reason, reason, sizeof(reason));
		fprintf(out, "%*s  \u2514 %s\n", widths[0], "", reason);
	}
	return true;
}

bool report_processes_text(const struct report_process *list, size_t len, int columns, FILE *out,
			   struct error *err)
{
	int widths[COLUMN_COUNT];
	measure_rows(list, len, widths);
	for (int column = 0; len > 0 && column < COLUMN_COUNT; column++)
		write_cell(columns_of_table[column].title, widths[column],
			   columns_of_table[column].is_right, out);
	if (len > 0)
		fputs("COMMAND\n", out);
	for (size_t i = 0; i < len; i++) {
		if (!write_process(&list[i], widths, columns, out, err))
			return false;
	}
	return output_finish(out, err);
}

/* -- JSON -- */

static json_t *json_text_or_null(const char *text)
{
	return *text ? json_foreign(text) : json_null();
}

static json_t *json_process(const struct report_process *process)
{
	json_t *command = json_array();
	for (char **argument = process->command; argument && *argument; argument++)
		json_array_append_new(command, json_foreign(*argument));
	return json_pack("{s:i, s:o, s:o, s:f, s:o, s:o, s:o, s:o, s:b, s:o}", "pid", process->pid,
			 "python", json_text_or_null(process->python), "rss_bytes",
			 json_whole((double)process->rss_bytes), "uptime_seconds",
			 process->uptime_seconds, "uid", json_whole(process->uid), "user",
			 json_text_or_null(process->user), "name", json_foreign(process->name),
			 "command", command, "attachable", *process->reason == '\0', "reason",
			 json_text_or_null(process->reason));
}

bool report_processes_json(const struct report_process *list, size_t len, FILE *out,
			   struct error *err)
{
	fprintf(out, "{\"schema\":\"filtrace.ps/1\",\"version\":\"%s\",\n\"processes\":[",
		FILTRACE_VERSION);
	for (size_t i = 0; i < len; i++) {
		if (!json_write_value(out, i ? ",\n" : "\n", json_process(&list[i]), err))
			return false;
	}
	fputs("]}\n", out);
	return output_finish(out, err);
}
