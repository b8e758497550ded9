/* SPDX-License-Identifier: MIT */
#include "tui/state.h"

#include <stdarg.h>

#include "tui/details_view.h"
#include "tui/live_view.h"

enum { WHEEL_ROWS = 3 };

void state_init(struct state *state)
{
	*state = (struct state){ .view = &live_view,
				 .axis = { .baseline = TIMELINE_ATTACH },
				 .page_len = 1 };
	tree_init(&state->tree);
}

void state_deinit(struct state *state)
{
	tree_deinit(&state->tree);
}

bool state_show(struct state *state, const struct snapshot *snapshot, struct error *err)
{
	if (!tree_show(&state->tree, snapshot, err))
		return false;
	if (!time_axis_is_open(&state->axis))
		chronicle_take(&state->chronicle, snapshot);
	if (state->view == &details_view)
		details_read(&state->details, &state->tree, state->source);
	return true;
}

void state_open(struct state *state, const struct timeline *timeline)
{
	const struct snapshot *last = timeline->last;
	size_t count = timeline->instant_count;
	state->axis.timeline = timeline;
	state->axis.cursor = count ? count - 1 : 0;
	state->tree.is_ageless = true;
	for (size_t i = 0; i < count; i++)
		series_add(&state->chronicle.rss_bytes, (double)timeline->instants[i].rss_bytes);
	state->chronicle.seconds = last->capture.seconds;
	chronicle_note(&state->chronicle, "%zu instants of a capture of %d", count,
		       last->target.pid);
	if (!last->capture.is_unfinished)
		return;
	state_say(state, "the recording has not ended");
	chronicle_note(&state->chronicle, "%s: it goes on, or was cut off", state->message);
}

void state_say(struct state *state, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(state->message, sizeof(state->message), format, arguments);
	va_end(arguments);
}

void state_draw(struct state *state, struct cells *cells)
{
	cells_clear(cells);
	state->width = cells->width;
	state->height = cells->height;
	state->view->fit(state, cells->width, cells->height);
	state->view->render(state, cells);
}

size_t motion_apply(enum motion motion, size_t position, size_t page_len, size_t last)
{
	size_t step = page_len;
	if (motion == MOTION_UP || motion == MOTION_DOWN)
		step = 1;
	else if (motion == MOTION_WHEEL_UP || motion == MOTION_WHEEL_DOWN)
		step = WHEEL_ROWS;

	switch (motion) {
	case MOTION_UP:
	case MOTION_PAGE_UP:
	case MOTION_WHEEL_UP:
		return position > step ? position - step : 0;
	case MOTION_DOWN:
	case MOTION_PAGE_DOWN:
	case MOTION_WHEEL_DOWN:
		return position < last && step < last - position ? position + step : last;
	case MOTION_HOME:
		return 0;
	case MOTION_END:
		return last;
	}
	return position;
}

void state_fit_text(struct state *state, size_t len, size_t page_len)
{
	state->page_len = page_len > 0 ? page_len : 1;
	state->scroll.last = len > state->page_len ? len - state->page_len : 0;
	if (state->scroll.top > state->scroll.last)
		state->scroll.top = state->scroll.last;
}

void state_move_text(struct state *state, enum motion motion)
{
	state->scroll.top =
		motion_apply(motion, state->scroll.top, state->page_len, state->scroll.last);
}
