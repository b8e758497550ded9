/* SPDX-License-Identifier: MIT */
#ifndef TRACER_OWNER_H
#define TRACER_OWNER_H

/**
 * @file
 * The word by which the target's gates learn that filtrace has died: a robust futex in the shared
 * pages. The kernel marks it when the thread that owns it ends, however it ends.
 * Source: set_robust_list(2), Documentation/locking/robust-futex-ABI.
 */

#include <linux/futex.h>
#include <stdint.h>

#include "base/error.h"

struct owner {
	/* The kernel walks this list in our memory; futex_offset leads from the entry to the word.
	 */
	struct robust_list_head head;
	struct robust_list entry;
	volatile uint32_t *word;
	struct robust_list_head *replaced;
	size_t replaced_len;
};

/** Register the calling thread as owner of `word`. It must call owner_release() itself, before
 *  `owner` or the word goes away. Its own robust mutexes, if any, lose their protection. */
MUST_CHECK bool owner_acquire(struct owner *owner, volatile uint32_t *word, struct error *err);
void owner_release(struct owner *owner);

#endif
