/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_STACKS_H
#define PROFILE_STACKS_H

/**
 * @file
 * Every distinct call path and kind of memory gets a number, and what has to be remembered of it.
 */

#include "profile/call_tree.h"
#include "profile/estimate.h"
#include "profile/profile.h"

/** How many nodes the call tree may have. A path that finds no room any more is cut to its
 * innermost frame: sites stay right, and memory stays bounded. */
enum { STACKS_NODES_MAX = 1 << 21 };

struct stack {
	uint32_t node; /* in the call tree */
	enum memory_kind kind;
	bool is_truncated;
	const char *thread; /* interned */
	struct history history;
};

/** All zero: empty. */
struct stacks {
	struct call_tree tree;
	struct numbering paths; /* keys: the node, the kind, whether truncated */
	struct stack *items;	/* by number of the path */
	size_t capacity;
	struct thread_name *names;
};

void stacks_deinit(struct stacks *stacks);

size_t stacks_len(const struct stacks *stacks);

/** Give the number of the stack that a sample was taken on. Errors: ERROR_NO_MEMORY. */
MUST_CHECK bool stacks_intern(struct stacks *stacks, const struct sample *sample, uint32_t *ret,
			      struct error *err);

#endif
