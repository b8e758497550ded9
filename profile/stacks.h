/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_STACKS_H
#define PROFILE_STACKS_H

/**
 * @file
 * Every distinct call path and kind of memory gets a number, and what has to be remembered of it.
 *
 * There is no end to the stacks of a server, but there is to these: when they fill up, those that
 * hold least are *cut* to their innermost frame, and become one with all that are cut there. So a
 * site's stacks always hold its whole history, however many of them were forgotten.
 */

#include "profile/call_tree.h"
#include "profile/estimate.h"
#include "profile/live.h"
#include "profile/profile.h"

struct stack {
	uint32_t node;	/* in the call tree */
	uint32_t site;	/* the number of its innermost frame plus 1; 0: no frame is known */
	uint16_t depth; /* how many frames it has */
	bool is_truncated;
	enum memory_kind kind;
	const char *thread; /* interned */
	struct history history;
};

/** All zero but for the limits: empty. */
struct stacks {
	struct profile_limits limits;
	struct call_tree tree;
	struct numbering paths; /* keys: the node, the kind, whether truncated */
	struct stack *items;	/* by number of the path */
	size_t capacity;
	struct thread_name *names;
};

void stacks_deinit(struct stacks *stacks);

size_t stacks_len(const struct stacks *stacks);

/** Tell whether a stack of so many frames finds room, whatever is known of it. */
bool stacks_have_room(const struct stacks *stacks, size_t frame_count);

/** Give the number of the stack that a sample was taken on. Where no room is left, it is cut.
 *  Errors: ERROR_NO_MEMORY. */
MUST_CHECK bool stacks_intern(struct stacks *stacks, const struct sample *sample, uint32_t *ret,
			      struct error *err);

/** Make room: keep the stacks with most live bytes, cut the others. All numbers change, those of
 *  the live blocks too. On failure nothing has changed. Errors: ERROR_NO_MEMORY. */
MUST_CHECK bool stacks_compact(struct stacks *stacks, struct live *live, struct error *err);

/** Tell whether this is what stacks are cut to. */
static inline bool stack_is_cut(const struct stack *stack)
{
	return stack->is_truncated && stack->depth <= 1;
}

/** The name of the thread of two stacks that become one. */
const char *stack_thread(const char *one, const char *other);

#endif
