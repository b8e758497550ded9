/* SPDX-License-Identifier: MIT */
#include "tui/pages.h"

#include <stdio.h>

#include "base/glyphs.h"
#include "tui/stops_page.h"

enum { MARGIN = 1, TAB_GAP = 2 };

static int draw_log(const struct state *state, struct cells *cells, int row)
{
	size_t len = chronicle_log_len(&state->chronicle);
	if (len == 0)
		cells_text(cells, row++, MARGIN, cells->width, STYLE_DIM, "Nothing happened yet.");
	for (size_t i = 0; i < len; i++) {
		const struct log_line *line = chronicle_log_line(&state->chronicle, i);
		unsigned long seconds = (unsigned long)line->seconds;
		char time[32];
		snprintf(time, sizeof(time), "%02lu:%02lu:%02lu", seconds / 3600, seconds / 60 % 60,
			 seconds % 60);
		int column = MARGIN + cells_text(cells, row, MARGIN, cells->width, STYLE_DIM, time);
		cells_text(cells, row++, column + 2, cells->width, STYLE_NORMAL, line->text);
	}
	return row;
}

const struct page pages[PAGE_COUNT] = {
	[PAGE_SITES] = { .title = "Sites", .has_table = true, .shape = TREE_SITES },
	[PAGE_TREE] = { .title = "Tree", .has_table = true, .shape = TREE_CALLS },
	[PAGE_THREADS] = { .title = "Threads", .has_table = true, .shape = TREE_THREADS },
	[PAGE_STOPS] = { .title = "Stops", .draw = stops_page_draw },
	[PAGE_LOG] = { .title = "Log", .draw = draw_log },
};

/* The columns that all titles take together, or 0 if that is more than there is room for. */
static int tabs_columns(int room)
{
	int needed = -TAB_GAP;
	for (size_t i = 0; i < PAGE_COUNT; i++)
		needed += TAB_GAP + glyphs_columns(pages[i].title);
	return needed > room ? 0 : needed;
}

int pages_draw_tabs(const struct state *state, struct cells *cells, int row, int column, int room)
{
	int needed = tabs_columns(room);
	for (size_t i = 0; needed && i < PAGE_COUNT; i++)
		column += TAB_GAP + cells_text(cells, row, column, cells->width,
					       i == (size_t)state->page ? STYLE_ACCENT : STYLE_DIM,
					       pages[i].title);
	return needed;
}

bool pages_find_tab(int column, int room, enum page_id *ret)
{
	if (!tabs_columns(room))
		return false;
	for (size_t i = 0; column >= 0 && i < PAGE_COUNT; i++) {
		int title_columns = glyphs_columns(pages[i].title);
		*ret = (enum page_id)i;
		if (column < title_columns)
			return true;
		column -= title_columns + TAB_GAP;
	}
	return false;
}
