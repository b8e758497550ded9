/* SPDX-License-Identifier: MIT */
#include "tui/bar.h"

#include <stdio.h>
#include <string.h>

#include "base/glyphs.h"
#include "tui/keys.h"
#include "tui/pages.h"

enum { GAP = 2, MARGIN = 1 };

/* Draw the keys that fit whole before `end`, each as "key:what". */
static void draw_keys(const struct state *state, struct cells *cells, int row, int end)
{
	int column = MARGIN;
	bool has_table = pages[state->page].has_table;
	for (const struct key *key = keys; key < keys + keys_len; key++) {
		bool is_idle =
			!keys_is_known(state, key) || (key->needs & KEY_NEEDS_TABLE && !has_table);
		const char *colon = key->bar ? strchr(key->bar, ':') : NULL;
		if (!colon || is_idle || column + glyphs_columns(key->bar) > end)
			continue;
		column += cells_text(cells, row, column, (int)(colon - key->bar), STYLE_ACCENT,
				     key->bar);
		column += cells_text(cells, row, column, cells->width, STYLE_DIM, colon);
		column += GAP;
	}
}

/* What is being typed; its end is what one wants to see. */
static void draw_prompt(const struct prompt *prompt, struct cells *cells, int row)
{
	static const struct {
		const char *label, *hint;
	} prompts[] = {
		[PROMPT_SEARCH] = { "/", "Enter:keep  Esc:back" },
		[PROMPT_FILTER] = { "\\", "Enter:keep  Esc:back" },
		[PROMPT_EXPORT] = { "file: ", "Enter:write  Esc:back" },
		[PROMPT_OVERWRITE] = { "exists: ", "y:overwrite  else:no" },
	};
	const char *label = prompts[prompt->purpose].label;
	const char *hint = prompts[prompt->purpose].hint;
	const char *text = prompt->text;
	bool is_question = prompt->purpose == PROMPT_OVERWRITE;
	int room = cells->width - MARGIN - glyphs_columns(label) - 1;
	if (is_question)
		room -= GAP + glyphs_columns(hint);
	while (glyphs_columns(text) > room && *text)
		text += glyphs_first(text).len;
	int column = MARGIN + cells_text(cells, row, MARGIN, cells->width, STYLE_ACCENT, label);
	column += cells_text(cells, row, column, cells->width, STYLE_BOLD, text);
	if (!is_question)
		column += cells_text(cells, row, column, 1, STYLE_ACCENT, "▏");
	if (is_question || column + GAP + glyphs_columns(hint) <= cells->width)
		cells_text_right(cells, row, 0, cells->width, is_question ? STYLE_WARM : STYLE_DIM,
				 hint);
}

void bar_draw(const struct state *state, struct cells *cells, int row)
{
	const struct tree *tree = &state->tree;
	bool has_table = pages[state->page].has_table;
	char position[48] = "";
	if (state->prompt.purpose != PROMPT_NONE) {
		draw_prompt(&state->prompt, cells, row);
		return;
	}
	if (has_table && tree->row_count)
		snprintf(position, sizeof(position), "%zu/%zu", tree->selected + 1,
			 tree->row_count);
	int used = glyphs_columns(position);
	cells_text_right(cells, row, 0, cells->width, STYLE_DIM, position);
	draw_keys(state, cells, row, cells->width - used - (used > 0));
}
