/* SPDX-License-Identifier: MIT */
#include "tracer/countdowns.h"

#include "tracer/region_layout.h"

static bool some_gate_uses_them(const struct gates *gates)
{
	for (size_t i = 0; i < gates->len; i++)
		if (gates->list[i].spec.guard == GATE_UNGUARDED &&
		    gates->list[i].spec.operation != GATE_FREE)
			return true;
	return false;
}

static bool reset(struct target_memory *tm, const struct tracee *thread, bool had_region,
		  struct error *err)
{
	static const uint64_t nothing[2];
	uint64_t words[2];
	raddr address = thread->fs_base + TCB_COUNTDOWN;
	if (!memory_read(&tm->memory, address, words, sizeof(words), err))
		return error_context(err, "control block of thread %d", thread->tid);
	if (!had_region && (words[0] || words[1]))
		return error_set(err, ERROR_UNSAFE,
				 "thread %d uses the words of its control block that glibc leaves "
				 "free",
				 thread->tid);
	return target_memory_write(tm, address, nothing, sizeof(nothing), err);
}

bool countdowns_reset(const struct gates *gates, struct target_memory *tm,
		      const struct world *world, bool had_region, struct error *err)
{
	if (!some_gate_uses_them(gates))
		return true;
	for (size_t i = 0; i < world->len; i++) {
		const struct tracee *thread = &world->threads[i];
		if (thread->is_stopped && thread->fs_base && !reset(tm, thread, had_region, err))
			return false;
	}
	return true;
}
