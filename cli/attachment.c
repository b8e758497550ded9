/* SPDX-License-Identifier: MIT */
#include "cli/attachment.h"

#include "base/clock.h"
#include "tracer/process.h"

/* How long a runtime may take to initialise, and a young process to become an interpreter at all.
 */
static const uint64_t RUNTIME_PATIENCE_NS = 10 * NS_PER_SECOND;
static const uint64_t YOUNG_PATIENCE_NS = 3 * NS_PER_SECOND;
static const uint64_t RETRY_NS = 20 * NS_PER_MS;

/* Find the interpreter and its gates, which know no process. */
static bool find_python(struct attachment *attachment, int pid, struct error *err)
{
	struct tracer *tracer = attachment->tracer;
	return (pyframes_open(tracer_memory(tracer), tracer_symbols(tracer), tracer_loads(tracer),
			      &attachment->py, err) &&
		pyframes_gate_specs(attachment->py, attachment->specs, &attachment->spec_count,
				    err)) ||
	       error_context(err, "process %d", pid);
}

/* Whoever wraps an allocator saves the functions that it finds, gates too: put the originals back.
 */
static bool clear_slots(struct attachment *attachment, struct error *err)
{
	bool were_gates;
	return tracer_clear_slots(attachment->tracer, attachment->specs, attachment->spec_count,
				  &were_gates, err) &&
	       (!were_gates || pyframes_gate_specs(attachment->py, attachment->specs,
						   &attachment->spec_count, err));
}

static bool add_libc_specs(struct attachment *attachment, struct error *err)
{
	size_t count;
	if (!tracer_libc_specs(attachment->tracer, attachment->specs + attachment->spec_count,
			       &count, err))
		return false;
	attachment->spec_count += count;
	return true;
}

static bool recognise(struct attachment *ret, int pid,
		      bool (*open)(int pid, struct tracer **ret, struct error *err),
		      struct error *err)
{
	struct attachment attachment = { 0 };
	bool was_left_behind;
	if (!open(pid, &attachment.tracer, err))
		return false;
	if (!tracer_recover(attachment.tracer, &was_left_behind, err) ||
	    !find_python(&attachment, pid, err) || !clear_slots(&attachment, err) ||
	    !add_libc_specs(&attachment, err)) {
		attachment_deinit(&attachment);
		return false;
	}
	*ret = attachment;
	return true;
}

/* Could the same attempt succeed later? */
static bool is_worth_waiting(enum error_kind kind, bool is_young, uint64_t waited_ns)
{
	switch (kind) {
	case ERROR_TIMEOUT:
		return waited_ns < RUNTIME_PATIENCE_NS;
	case ERROR_UNSUPPORTED:
	case ERROR_READ:
	case ERROR_FORMAT:
		return is_young && waited_ns < YOUNG_PATIENCE_NS;
	default:
		return false;
	}
}

static uint64_t clock_boottime_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

static bool is_young_process(int pid)
{
	struct process process;
	struct error ignored;
	if (!process_read(pid, &process, &ignored))
		return false;
	return clock_boottime_ns() - process.start_boottime_ns < YOUNG_PATIENCE_NS;
}

bool attachment_init(struct attachment *ret, int pid, bool is_launched,
		     const atomic_bool *is_stop_asked, struct error *err)
{
	bool is_young = is_launched || is_young_process(pid);
	uint64_t start_ns = clock_monotonic_ns();

	while (!recognise(ret, pid, tracer_open, err)) {
		uint64_t waited_ns = clock_monotonic_ns() - start_ns;
		if (is_launched && err->kind == ERROR_NO_PROCESS)
			return error_set(err, ERROR_NO_PROCESS,
					 "process %d ended before it was a CPython interpreter",
					 pid);
		if (!is_worth_waiting(err->kind, is_young, waited_ns) || atomic_load(is_stop_asked))
			return false;
		clock_sleep(RETRY_NS);
	}
	return true;
}

bool attachment_clean_up(int pid, struct error *err)
{
	struct attachment fresh;
	if (!recognise(&fresh, pid, tracer_open_to_undo, err))
		return false;
	attachment_deinit(&fresh);
	return true;
}

void attachment_deinit(struct attachment *attachment)
{
	pyframes_close(attachment->py);
	tracer_close(attachment->tracer);
	*attachment = (struct attachment){ 0 };
}
