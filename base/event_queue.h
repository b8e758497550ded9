/* SPDX-License-Identifier: MIT */
#ifndef BASE_EVENT_QUEUE_H
#define BASE_EVENT_QUEUE_H

/**
 * @file
 * A queue of records from one thread to one other, one way. The producer never blocks and, once the
 * queue has grown to what its consumer's pauses need, never allocates. Knows nothing of what the
 * records mean.
 *
 * Records lie in chunks of fixed size that are linked, read and used again. What does not fit
 * within the bound is refused.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct event_queue;

enum {
	EVENT_QUEUE_CHUNK_BYTES = 64 * 1024,
	EVENT_QUEUE_RECORD_MAX = 32 * 1024, /* bytes of one record */
};

/** Make an empty queue of at most about `max_bytes` (rounded to whole chunks, two at least).
 *  Errors: ERROR_NO_MEMORY. event_queue_destroy() gives it back. */
MUST_CHECK bool event_queue_create(size_t max_bytes, struct event_queue **ret, struct error *err);

/** Give back a queue that neither thread uses any more. Takes NULL. */
void event_queue_destroy(struct event_queue *queue);

/** Producer: get room for a record of at most `max_len` bytes (EVENT_QUEUE_RECORD_MAX at most),
 *  aligned to 8, to be filled in and committed. A second reservation replaces the first. Returns
 *  NULL if the queue is full, or the record longer than that. */
void *event_queue_reserve(struct event_queue *queue, size_t max_len);

/** Producer: pass on the first `len` bytes of what was reserved. */
void event_queue_commit(struct event_queue *queue, size_t len);

/** Producer: how many bytes the queue can still take, without the chunk in hand. A producer that
 *  holds back what can be lost keeps room for what cannot. */
size_t event_queue_room(const struct event_queue *queue);

/** Consumer: the oldest record, valid until event_queue_pop(); NULL if there is none. */
const void *event_queue_peek(struct event_queue *queue, size_t *len_ret);

/** Consumer: done with the record that event_queue_peek() returned. */
void event_queue_pop(struct event_queue *queue);

#endif
