/* SPDX-License-Identifier: MIT */
#include "tui/tui.h"

#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "tui/keys.h"
#include "tui/screen.h"

enum { PUMP_EVERY_MS = 100 };

/* Snapshots of a large profile take time; they may take a tenth of it, up to a limit. */
enum { IDLE_PARTS = 9 };
#define SNAPSHOT_REST_MAX_NS (5 * NS_PER_SECOND)
#define SNAPSHOT_EVERY_NS    (500 * NS_PER_MS)

/* So long after the last key rows stay where they are. */
#define HOLD_NS (3 * NS_PER_SECOND)

/* The view while it runs. */
struct loop {
	const struct tui_source *source;
	struct state state;
	struct snapshot *snapshot; /* the one that the state shows */
	struct snapshot *baseline; /* an earlier one that the state still needs, or NULL */
	struct cells cells;
	uint64_t next_snapshot_ns;
	uint64_t last_key_ns;	/* 0: none was pressed */
	enum reaction reaction; /* what is still to be done */
};

static void loop_cleanup(struct loop *loop)
{
	screen_close();
	state_deinit(&loop->state);
	cells_deinit(&loop->cells);
	snapshot_destroy(loop->snapshot);
	snapshot_destroy(loop->baseline);
}

/* Give a snapshot back that is no longer shown, unless it is the baseline. */
static void retire(struct loop *loop, struct snapshot *snapshot)
{
	if (!snapshot || snapshot != loop->state.tree.baseline) {
		snapshot_destroy(snapshot);
		return;
	}
	snapshot_destroy(loop->baseline);
	loop->baseline = snapshot;
}

/* The baseline may have been cleared, or taken anew. */
static void drop_old_baseline(struct loop *loop)
{
	if (loop->baseline == loop->state.tree.baseline)
		return;
	snapshot_destroy(loop->baseline);
	loop->baseline = NULL;
}

static bool draw(struct loop *loop, struct error *err)
{
	int width, height;
	screen_size(&width, &height);
	if (width != loop->cells.width || height != loop->cells.height) {
		struct cells resized;
		if (!cells_init(&resized, width, height, err))
			return false;
		cells_deinit(&loop->cells);
		loop->cells = resized;
	}
	state_draw(&loop->state, &loop->cells);
	screen_show(&loop->cells);
	return true;
}

/* Wait for a key, but no longer than the pump may rest. Returns false once the terminal is gone. */
static bool wait_for_key(void)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	if (poll(&input, 1, PUMP_EVERY_MS) <= 0)
		return true;
	return !(input.revents & (POLLHUP | POLLERR | POLLNVAL));
}

/* Show the instant where the time axis is. */
static bool seek(struct loop *loop, struct error *err)
{
	const struct time_axis *axis = &loop->state.axis;
	OWNED_SNAPSHOT struct snapshot *snapshot = NULL;
	loop->state.tree.is_held = false;
	if (!timeline_snapshot(axis->timeline, axis->baseline, axis->cursor, &snapshot, err) ||
	    !state_show(&loop->state, snapshot, err))
		return false;
	retire(loop, loop->snapshot);
	loop->snapshot = MOVE_PTR(snapshot);
	loop->reaction |= REACTION_REDRAW;
	return true;
}

static bool press_keys(struct loop *loop, struct error *err)
{
	int code;
	while (!(loop->reaction & REACTION_QUIT) &&
	       (code = screen_key(&loop->state.pointer)) != KEY_CODE_NONE) {
		enum reaction reaction = keys_press(&loop->state, code);
		if (reaction & REACTION_REBUILD && !tree_rebuild(&loop->state.tree, err))
			return false;
		if (reaction & REACTION_SEEK && !seek(loop, err))
			return false;
		loop->reaction |= reaction;
		loop->last_key_ns = clock_monotonic_ns();
	}
	drop_old_baseline(loop);
	return true;
}

/* When the next snapshot is due after one that took so long. */
static uint64_t rest_ns(uint64_t spent_ns)
{
	uint64_t rest = IDLE_PARTS * spent_ns;
	if (rest > SNAPSHOT_REST_MAX_NS)
		rest = SNAPSHOT_REST_MAX_NS;
	return rest > SNAPSHOT_EVERY_NS ? rest : SNAPSHOT_EVERY_NS;
}

/* Show a new snapshot if it is time. After the target's exit the last picture stays. */
static bool refresh(struct loop *loop, struct error *err)
{
	if (time_axis_is_open(&loop->state.axis))
		return loop->snapshot || seek(loop, err);

	uint64_t now_ns = clock_monotonic_ns();
	bool is_over = loop->snapshot && loop->snapshot->target.has_exited;
	if (now_ns < loop->next_snapshot_ns || loop->state.is_paused || is_over)
		return true;

	loop->state.tree.is_held = loop->last_key_ns && now_ns < loop->last_key_ns + HOLD_NS;
	OWNED_SNAPSHOT struct snapshot *snapshot = NULL;
	if (!loop->source->snapshot(loop->source->context, &snapshot, err) ||
	    !state_show(&loop->state, snapshot, err))
		return false;
	retire(loop, loop->snapshot);
	loop->snapshot = MOVE_PTR(snapshot);
	loop->next_snapshot_ns = now_ns + rest_ns(clock_monotonic_ns() - now_ns);
	loop->reaction |= REACTION_REDRAW;
	return true;
}

bool tui_run(const struct tui_source *source, struct error *err)
{
	if (!screen_open(err))
		return false;

	OWNED(loop_cleanup) struct loop loop = { .source = source, .reaction = REACTION_REDRAW };
	state_init(&loop.state);
	loop.state.source = source;
	if (source->timeline)
		state_open(&loop.state, source->timeline);
	while (!source->is_stopping(source->context)) {
		if (loop.reaction && !draw(&loop, err))
			return false;
		loop.reaction = REACTION_NONE;
		if (!wait_for_key())
			return true;
		if (!press_keys(&loop, err))
			return false;
		if (loop.reaction & REACTION_QUIT)
			return true;
		if (!source->pump(source->context, err) || !refresh(&loop, err))
			return false;
	}
	return true;
}

void tui_restore_terminal(void)
{
	screen_restore();
}
