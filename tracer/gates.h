/* SPDX-License-Identifier: MIT */
#ifndef TRACER_GATES_H
#define TRACER_GATES_H

/**
 * @file
 * Gates: which pad stands for which function, the code they need in the region, the journal of what
 * is changed in the target, and the changes themselves. A change is one write; each is journalled
 * in the target before the first is made, so that whoever comes next can undo them.
 */

#include "base/gate_spec.h"
#include "tracer/arch.h"
#include "tracer/images.h"
#include "tracer/region_layout.h"
#include "tracer/target_memory.h"
#include "tracer/world.h"

enum { PATCH_BYTES_MAX = 16 };

/** One change: `len` bytes at `address`. As it stands in the journal. */
struct patch {
	uint32_t reserved;
	uint32_t len;
	raddr address;
	uint8_t before[PATCH_BYTES_MAX];
	uint8_t after[PATCH_BYTES_MAX];
};

struct gate {
	struct gate_spec spec;
	size_t number;	/* of its pad, which is the target's name for the gate */
	raddr original; /* what its pad goes on to */
	struct patch patch;
	struct hook_plan plan; /* of a code entry */
};

struct gates {
	const struct arch *arch;
	raddr base; /* of the region */
	struct gate *list;
	size_t len;
	uint8_t *code; /* [CODE_BYTES]: what the region's code shall be, but for stubs */
};

/** Tell whether the code entry of this spec can be hooked at all; its file decides.
 *  Errors: ERROR_UNSUPPORTED, ERROR_FORMAT: it cannot. */
bool gates_can_hook(const struct arch *arch, const struct images *images,
		    const struct gate_spec *spec, struct error *err);

/** Work out all of it for a region at `base`, without touching the target. Errors:
 *  ERROR_UNSUPPORTED (a function that cannot be gated, or no pad for it), ERROR_UNSAFE (somebody
 *  else has changed the bytes), ERROR_READ. gates_deinit() frees. */
MUST_CHECK bool gates_prepare(struct gates *gates, const struct arch *arch,
			      struct target_memory *tm, const struct images *images, raddr base,
			      const struct gate_spec *specs, size_t spec_count, struct error *err);
void gates_deinit(struct gates *gates);

/** Tell whether a region that stands holds just this code and these originals: then it may be used
 *  again. Threads may still be inside it, so nothing of it is ever rewritten. */
bool gates_fit_region(const struct gates *gates, struct target_memory *tm);

/** Write code, if the region is fresh, originals, journal and, last of all, the magic. */
MUST_CHECK bool gates_install(const struct gates *gates, struct target_memory *tm, bool is_fresh,
			      struct error *err);

/** False if some stack holds an address in the middle of what a hook will cover: a thread was
 *  interrupted there by a signal whose handler runs. Then resume the world and try again. */
MUST_CHECK bool gates_are_clear_of_stacks(const struct gates *gates, struct target_memory *tm,
					  const struct world *world);

/** Make every change; the world must be stopped. Threads inside a prologue go on in its copy. What
 *  was changed before a failure stays, for gates_lift(). */
MUST_CHECK bool gates_plant(const struct gates *gates, struct target_memory *tm,
			    struct world *world, struct error *err);

/** Undo every change of these gates that still is as it was made, and empty the journal, which is
 *  not read: the target may have written anything there. All threads must be stopped. */
MUST_CHECK bool gates_lift(const struct gates *gates, struct target_memory *tm, struct error *err);

/** The same for the region at `base`, whose journal is all that an earlier filtrace left. */
MUST_CHECK bool gates_undo(struct target_memory *tm, raddr base, struct error *err);

/** Put gates back whose slot somebody has set back to the original (allocator set-up code of the
 *  program does that). One aligned word each: threads may run. */
void gates_replant_slots(const struct gates *gates, struct target_memory *tm);

#endif
