/* SPDX-License-Identifier: MIT */
#include "cli/verbs.h"

#include "base/clock.h"
#include "pyframes/pyframes.h"
#include "tracer/tracer.h"
#include "tracer/world.h"

/* How long a thread may be where it cannot be stopped. */
static const uint64_t PATIENCE_NS = 5 * NS_PER_SECOND;
static const uint64_t RETRY_NS = 20 * NS_PER_MS;

static void close_tracer(struct tracer **tracer)
{
	tracer_close(*tracer);
}

static void close_pyframes(struct pyframes **py)
{
	pyframes_close(*py);
}

/* What the journals tell of; needs no Python. */
static bool undo_journals(struct tracer *tracer, struct error *err)
{
	uint64_t deadline_ns = clock_monotonic_ns() + PATIENCE_NS;
	bool was_found;
	while (!tracer_recover(tracer, &was_found, err)) {
		if (err->kind != ERROR_TIMEOUT || clock_monotonic_ns() > deadline_ns)
			return false;
		world_release_stragglers();
		clock_sleep(RETRY_NS);
	}
	return true;
}

/* How many slots do not hold any more what they held. */
static size_t count_changed(struct memory *memory, const struct gate_spec *specs, size_t len)
{
	size_t changed = 0;
	for (size_t i = 0; i < len; i++) {
		raddr now;
		struct error ignored;
		changed += specs[i].place == GATE_SLOT &&
			   memory_read(memory, specs[i].address, &now, sizeof(now), &ignored) &&
			   now != specs[i].original;
	}
	return changed;
}

/* Whoever wraps an allocator (tracemalloc) saves the functions that it finds, gates too. They are
 * found by CPython's tables: in a process that is no Python there are none. */
static bool clear_slots(struct tracer *tracer, size_t *cleared_ret, struct error *err)
{
	OWNED(close_pyframes) struct pyframes *py = NULL;
	struct gate_spec specs[PYFRAMES_SPECS_MAX];
	size_t count;
	bool were_gates;
	struct error ignored;
	*cleared_ret = 0;
	if (!pyframes_open(tracer_memory(tracer), tracer_symbols(tracer), tracer_loads(tracer), &py,
			   &ignored) ||
	    !pyframes_gate_specs(py, specs, &count, &ignored))
		return true;
	if (!tracer_clear_slots(tracer, specs, count, &were_gates, err))
		return false;
	*cleared_ret = were_gates ? count_changed(tracer_memory(tracer), specs, count) : 0;
	return true;
}

static bool undo(struct tracer *tracer, size_t *undone_ret, struct error *err)
{
	struct tracer_leftovers before, after;
	size_t cleared = 0;
	if (!tracer_leftovers(tracer, &before, err) || !undo_journals(tracer, err) ||
	    (before.regions > 0 && !clear_slots(tracer, &cleared, err)) ||
	    !tracer_leftovers(tracer, &after, err))
		return false;
	*undone_ret = before.gates - after.gates + cleared;
	return true;
}

bool unstick_run(const struct options *options, struct error *err)
{
	OWNED(close_tracer) struct tracer *tracer = NULL;
	struct messages messages;
	size_t undone;
	messages_init(&messages, options);
	if (!tracer_open_to_undo(options->pid, &tracer, err) || !undo(tracer, &undone, err))
		return false;
	if (undone)
		message_note(&messages, "%zu gate%s taken out of %d", undone,
			     undone == 1 ? "" : "s", options->pid);
	else
		message_note(&messages, "nothing of filtrace is left in %d", options->pid);
	return true;
}
