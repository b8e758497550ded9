/* SPDX-License-Identifier: MIT */
#ifndef TRACER_REGION_CHOICE_H
#define TRACER_REGION_CHOICE_H

/**
 * @file
 * Which region the gates get: one that an earlier attach left and that fits them, or a new one.
 */

#include "tracer/gates.h"
#include "tracer/region.h"

/** What it is for. */
struct region_wants {
	const struct arch *arch;
	struct target_memory *tm;
	const struct images *images;
	const struct gate_spec *specs;
	size_t spec_count;
	enum region_sharing sharing;
};

struct region_choice {
	struct region region; /* open */
	enum region_state state;
	bool had_region; /* an earlier filtrace has been here: its words may still stand */
};

/** Choose a region, open it and prepare the gates for it: gates_deinit() and region_close() give
 *  them back. It must be our turn (turn.h), and stay so until the gates are installed: one that
 *  somebody else has found blank would be written over. Errors: those of gates_prepare() and
 *  region_open(), ERROR_UNSUPPORTED (no free addresses within reach of the C allocator's code). */
MUST_CHECK bool region_choose(const struct region_wants *wants, struct gates *gates_ret,
			      struct region_choice *ret, struct error *err);

#endif
