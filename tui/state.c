/* SPDX-License-Identifier: MIT */
#include "tui/state.h"

#include "tui/live_view.h"

void state_init(struct state *state)
{
	*state = (struct state){ .view = &live_view, .page_len = 1 };
	tree_init(&state->tree);
}

void state_deinit(struct state *state)
{
	tree_deinit(&state->tree);
}

void state_draw(struct state *state, struct cells *cells)
{
	cells_clear(cells);
	state->view->fit(state, cells->width, cells->height);
	state->view->render(state, cells);
}

size_t motion_apply(enum motion motion, size_t position, size_t page_len, size_t last)
{
	size_t back = motion == MOTION_UP ? 1 : page_len;
	size_t forth = motion == MOTION_DOWN ? 1 : page_len;

	switch (motion) {
	case MOTION_UP:
	case MOTION_PAGE_UP:
		return position > back ? position - back : 0;
	case MOTION_DOWN:
	case MOTION_PAGE_DOWN:
		return position < last && forth < last - position ? position + forth : last;
	case MOTION_HOME:
		return 0;
	case MOTION_END:
		return last;
	}
	return position;
}
