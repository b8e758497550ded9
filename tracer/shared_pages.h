/* SPDX-License-Identifier: MIT */
#ifndef TRACER_SHARED_PAGES_H
#define TRACER_SHARED_PAGES_H

/**
 * @file
 * The pages that the target's pads and the tracer both have mapped: region_layout.h as C types.
 * The target may write anything here at any time: every value is read once and checked.
 */

#include <stdint.h>

#include "tracer/region_layout.h"

/** What a waiting thread says of itself. */
struct mailbox {
	uint64_t block;
	uint64_t size_bytes;
	uint64_t interval_id;
	uint64_t gate;
	uint64_t thread_pointer;
	uint32_t tid;
	uint32_t reserved;
	uint64_t posted_ticks;
	uint64_t rsp, rbx, rbp, r12, r13, r14, r15;
	uint64_t unused[2];
};

struct shared_pages {
	uint32_t doorbell;
	uint8_t pad0[SHARED_OWNER - 4];
	uint32_t owner;
	uint32_t reserved;
	uint64_t cookie;
	uint64_t patience_ticks;
	uint64_t leg_bytes;
	uint32_t stop_kind;
	uint32_t reserved2;
	uint64_t spin_ticks;
	uint8_t pad1[SHARED_LOST - SHARED_SPIN - 8];
	uint32_t lost;
	uint32_t timeouts;
	uint8_t pad2[SHARED_STOPPED - SHARED_TIMEOUTS - 4];
	uint64_t stopped_ticks;
	uint64_t longest_ticks;
	uint8_t pad3[SHARED_DRAW_NEXT - SHARED_LONGEST - 8];
	uint64_t draw_next;
	uint8_t pad4[SHARED_RING_HEAD - SHARED_DRAW_NEXT - 8];
	uint64_t ring_head;
	uint8_t pad5[SHARED_TIMES - SHARED_RING_HEAD - 8];
	uint32_t stop_times[TIMES_COUNT];
	uint8_t pad6[SHARED_STATES - SHARED_TIMES - TIMES_COUNT * 4];
	uint32_t states[MAILBOX_COUNT];
	uint64_t draws[DRAW_COUNT];
	struct mailbox mailboxes[MAILBOX_COUNT];
	uint8_t pad7[SHARED_RING - SHARED_MAILBOXES - MAILBOX_COUNT * MAILBOX_BYTES];
	uint64_t ring[RING_COUNT];
};

#define SHARED_PAGES_AT(field, offset) \
	_Static_assert(__builtin_offsetof(struct shared_pages, field) == (offset), #field)

SHARED_PAGES_AT(owner, SHARED_OWNER);
SHARED_PAGES_AT(cookie, SHARED_COOKIE);
SHARED_PAGES_AT(patience_ticks, SHARED_PATIENCE);
SHARED_PAGES_AT(leg_bytes, SHARED_LEG);
SHARED_PAGES_AT(stop_kind, SHARED_KIND);
SHARED_PAGES_AT(spin_ticks, SHARED_SPIN);
SHARED_PAGES_AT(lost, SHARED_LOST);
SHARED_PAGES_AT(timeouts, SHARED_TIMEOUTS);
SHARED_PAGES_AT(stopped_ticks, SHARED_STOPPED);
SHARED_PAGES_AT(longest_ticks, SHARED_LONGEST);
SHARED_PAGES_AT(draw_next, SHARED_DRAW_NEXT);
SHARED_PAGES_AT(ring_head, SHARED_RING_HEAD);
SHARED_PAGES_AT(stop_times, SHARED_TIMES);
SHARED_PAGES_AT(states, SHARED_STATES);
SHARED_PAGES_AT(draws, SHARED_DRAWS);
SHARED_PAGES_AT(mailboxes, SHARED_MAILBOXES);
SHARED_PAGES_AT(ring, SHARED_RING);
_Static_assert(sizeof(struct shared_pages) == SHARED_BYTES, "shared_pages");
_Static_assert(sizeof(struct mailbox) == MAILBOX_BYTES, "mailbox");
_Static_assert(__builtin_offsetof(struct mailbox, tid) == MAIL_TID, "tid");
_Static_assert(__builtin_offsetof(struct mailbox, posted_ticks) == MAIL_POSTED, "posted_ticks");
_Static_assert(__builtin_offsetof(struct mailbox, r15) == MAIL_R15, "r15");

#endif
