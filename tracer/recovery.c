/* SPDX-License-Identifier: MIT */
#include "tracer/recovery.h"

#include <linux/futex.h>
#include <string.h>

#include "tracer/gates.h"
#include "tracer/maps.h"
#include "tracer/obstacle.h"
#include "tracer/pads.h"
#include "tracer/process.h"
#include "tracer/region.h"
#include "tracer/trap_action.h"
#include "tracer/world.h"

static bool find_regions(struct target_memory *tm, raddr ret[REGIONS_MAX], size_t *count_ret,
			 struct error *err)
{
	OWNED_MAPS struct maps maps = { 0 };
	if (!maps_read(tm->pid, &maps, err))
		return false;
	*count_ret = regions_find(&tm->memory, &maps, ret, REGIONS_MAX);
	return true;
}

/* A filtrace that lives owns the word in the shared pages and has armed the gates. (In a fork child
 * the gates are not armed: it shares the pages of its parent, not the tracer.) Returns the id of
 * its thread, in its own pid namespace; 0: there is none. */
static uint32_t read_owner(struct target_memory *tm, raddr base)
{
	uint32_t owner, armed;
	struct error ignored;
	bool is_owned =
		region_read_u32(tm, base, SHARED_OFFSET + SHARED_OWNER, &owner, &ignored) &&
		region_read_u32(tm, base, CONTROL_OFFSET + CONTROL_ARMED, &armed, &ignored) &&
		armed && !(owner & FUTEX_OWNER_DIED);
	return is_owned ? owner & FUTEX_TID_MASK : 0;
}

/* The process of the owning thread, if it really is a filtrace that can be seen from here. */
static int find_owner_pid(uint32_t owner)
{
	struct process thread, leader;
	struct error ignored;
	bool is_filtrace = owner && process_read((int)owner, &thread, &ignored) &&
			   process_read(thread.leader_pid, &leader, &ignored) &&
			   strcmp(leader.name, "filtrace") == 0;
	return is_filtrace ? leader.pid : 0;
}

/* How many records the region's journal has; 0 for one that was never completed. */
static uint32_t read_record_count(struct target_memory *tm, raddr base)
{
	uint64_t magic;
	uint32_t count;
	struct error ignored;
	bool is_whole =
		memory_read(&tm->memory, base + ANCHOR_OFFSET, &magic, sizeof(magic), &ignored) &&
		magic == REGION_MAGIC &&
		region_read_u32(tm, base, ANCHOR_OFFSET + ANCHOR_RECORD_COUNT, &count, &ignored);
	return is_whole ? count : 0;
}

/* Records whose change is in place. One that makes no sense, or whose memory is gone, is none. */
static size_t count_gates(struct target_memory *tm, raddr base)
{
	struct patch records[ANCHOR_RECORDS_MAX];
	struct error ignored;
	size_t count = read_record_count(tm, base);
	size_t gates = 0;
	if (count > ANCHOR_RECORDS_MAX)
		count = ANCHOR_RECORDS_MAX;
	if (!memory_read(&tm->memory, base + ANCHOR_OFFSET + ANCHOR_RECORDS, records,
			 count * sizeof(records[0]), &ignored))
		return 0;
	for (size_t i = 0; i < count; i++) {
		uint8_t now[PATCH_BYTES_MAX];
		const struct patch *record = &records[i];
		gates += record->len <= PATCH_BYTES_MAX &&
			 memory_read(&tm->memory, record->address, now, record->len, &ignored) &&
			 memcmp(now, record->after, record->len) == 0;
	}
	return gates;
}

bool recovery_look(struct target_memory *tm, struct tracer_leftovers *ret, struct error *err)
{
	raddr bases[REGIONS_MAX];
	struct tracer_leftovers found = { 0 };
	if (!find_regions(tm, bases, &found.regions, err))
		return false;

	for (size_t i = 0; i < found.regions; i++) {
		uint32_t owner = read_owner(tm, bases[i]);
		found.gates += count_gates(tm, bases[i]);
		if (owner) {
			found.is_owned = true;
			found.owner_pid = find_owner_pid(owner);
		}
	}
	*ret = found;
	return true;
}

/* Refuse what is in use. A journal none of whose changes is in place is not touched: whoever wrote
 * it may be just about to make them. */
static bool check_undoable(struct target_memory *tm, raddr base, bool *has_gates_ret,
			   struct error *err)
{
	const struct obstacle_words words = { .pid = tm->pid };
	*has_gates_ret = count_gates(tm, base) > 0;
	return read_owner(tm, base) == 0 || obstacle_explain(OBSTACLE_OTHER_FILTRACE, &words, err);
}

/* Whether it is in use is asked again with all threads stopped: then nobody else can plant. */
static bool undo_region(struct target_memory *tm, raddr base, bool *found_ret, struct error *err)
{
	bool has_gates;
	if (!check_undoable(tm, base, &has_gates, err))
		return false;
	if (!has_gates)
		return true;

	OWNED_WORLD struct world world = { 0 };
	if (!world_stop(tm->pid, &world, err))
		return error_context(err, "cannot undo what an earlier filtrace left");
	if (!check_undoable(tm, base, &has_gates, err))
		return false;
	*found_ret |= has_gates;
	return !has_gates ||
	       (region_write_u32(tm, base, CONTROL_OFFSET + CONTROL_ARMED, 0, err) &&
		gates_undo(tm, base, err)) ||
	       error_context(err, "cannot undo what an earlier filtrace left");
}

/* The action of SIGTRAP; nobody's who is attached, or that would have been refused before. */
static bool undo_action(struct target_memory *tm, const struct images *images, raddr base,
			bool *found_ret, struct error *err)
{
	bool found;
	if (!trap_action_restore(tm, images, base, &found, err))
		return error_context(err, "cannot undo what an earlier filtrace left");
	*found_ret |= found;
	return true;
}

bool recovery_undo(struct target_memory *tm, const struct images *images, bool *found_ret,
		   struct error *err)
{
	raddr bases[REGIONS_MAX];
	size_t count;
	*found_ret = false;
	if (!find_regions(tm, bases, &count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!undo_region(tm, bases[i], found_ret, err) ||
		    !undo_action(tm, images, bases[i], found_ret, err))
			return false;
	return true;
}

bool recovery_resolve_pad(struct target_memory *tm, raddr function, raddr *ret, struct error *err)
{
	raddr bases[REGIONS_MAX];
	size_t count;
	if (!find_regions(tm, bases, &count, err))
		return false;

	*ret = function;
	for (size_t i = 0; i < count; i++)
		for (size_t number = 0; number < pads_count(); number++)
			if (bases[i] + pads_list[number].offset == function)
				return memory_read(&tm->memory,
						   bases[i] + ANCHOR_OFFSET + ANCHOR_GATES +
							   number * ANCHOR_GATE_BYTES,
						   ret, sizeof(*ret), err);
	return true;
}
