/* SPDX-License-Identifier: MIT */
#include "base/event_queue.h"

#include <stdatomic.h>

/* A chunk is written by the producer until it links the next one, and belongs to the consumer from
 * then on. */
struct chunk {
	_Atomic(struct chunk *) next;
	atomic_size_t written_bytes; /* of data; all of it can be read */
	_Alignas(8) unsigned char data[];
};

enum { DATA_BYTES = EVENT_QUEUE_CHUNK_BYTES - sizeof(struct chunk) };

/* In front of each record; keeps it aligned. */
struct header {
	uint64_t len;
};

struct event_queue {
	size_t max_chunks;
	atomic_size_t chunk_count;	  /* those linked, the one in hand included */
	_Atomic(struct chunk *) recycled; /* from the consumer back to the producer */

	/* The producer's. */
	struct chunk *tail;
	struct chunk *spare; /* linked by next */

	/* The consumer's. */
	_Alignas(64) struct chunk *head;
	size_t read_bytes; /* of the head */
};

static size_t record_bytes(size_t len)
{
	return sizeof(struct header) + (len + 7) / 8 * 8;
}

static struct chunk *chunk_init(struct chunk *chunk)
{
	atomic_init(&chunk->next, NULL);
	atomic_init(&chunk->written_bytes, 0);
	return chunk;
}

static void chunks_free(struct chunk *chunk)
{
	while (chunk) {
		struct chunk *next = atomic_load(&chunk->next);
		free(chunk);
		chunk = next;
	}
}

bool event_queue_create(size_t max_bytes, struct event_queue **ret, struct error *err)
{
	struct event_queue *queue = aligned_alloc(64, sizeof(*queue));
	struct chunk *chunk = malloc(EVENT_QUEUE_CHUNK_BYTES);
	if (!queue || !chunk) {
		free(queue);
		free(chunk);
		return error_set(err, ERROR_NO_MEMORY, "event queue");
	}

	size_t max_chunks = max_bytes / EVENT_QUEUE_CHUNK_BYTES;
	*queue = (struct event_queue){
		.max_chunks = max_chunks > 2 ? max_chunks : 2,
		.tail = chunk_init(chunk),
		.head = chunk,
	};
	atomic_store(&queue->chunk_count, 1);
	*ret = queue;
	return true;
}

void event_queue_destroy(struct event_queue *queue)
{
	if (!queue)
		return;
	chunks_free(queue->head);
	chunks_free(queue->spare);
	chunks_free(atomic_load(&queue->recycled));
	free(queue);
}

/* Take a chunk that was read, or make one. All that the consumer gave back is taken at once, so
 * that nobody can push the same chunk again meanwhile. */
static struct chunk *take_chunk(struct event_queue *queue)
{
	if (!queue->spare)
		queue->spare =
			atomic_exchange_explicit(&queue->recycled, NULL, memory_order_acquire);
	struct chunk *chunk = queue->spare;
	if (!chunk)
		return malloc(EVENT_QUEUE_CHUNK_BYTES);
	queue->spare = atomic_load_explicit(&chunk->next, memory_order_relaxed);
	return chunk;
}

static bool link_chunk(struct event_queue *queue)
{
	if (event_queue_room(queue) == 0)
		return false;
	struct chunk *chunk = take_chunk(queue);
	if (!chunk)
		return false;

	atomic_fetch_add_explicit(&queue->chunk_count, 1, memory_order_relaxed);
	struct chunk *full = queue->tail;
	queue->tail = chunk_init(chunk);
	atomic_store_explicit(&full->next, chunk, memory_order_release);
	return true;
}

void *event_queue_reserve(struct event_queue *queue, size_t max_len)
{
	size_t written = atomic_load_explicit(&queue->tail->written_bytes, memory_order_relaxed);
	if (max_len > EVENT_QUEUE_RECORD_MAX)
		return NULL;
	if (written + record_bytes(max_len) > DATA_BYTES) {
		if (!link_chunk(queue))
			return NULL;
		written = 0;
	}
	return queue->tail->data + written + sizeof(struct header);
}

void event_queue_commit(struct event_queue *queue, size_t len)
{
	struct chunk *chunk = queue->tail;
	size_t written = atomic_load_explicit(&chunk->written_bytes, memory_order_relaxed);
	*(struct header *)(chunk->data + written) = (struct header){ .len = len };
	atomic_store_explicit(&chunk->written_bytes, written + record_bytes(len),
			      memory_order_release);
}

size_t event_queue_room(const struct event_queue *queue)
{
	size_t count = atomic_load_explicit(&queue->chunk_count, memory_order_relaxed);
	return (queue->max_chunks - count) * DATA_BYTES;
}

static void recycle(struct event_queue *queue, struct chunk *chunk)
{
	struct chunk *top = atomic_load_explicit(&queue->recycled, memory_order_relaxed);
	do {
		atomic_store_explicit(&chunk->next, top, memory_order_relaxed);
	} while (!atomic_compare_exchange_weak_explicit(&queue->recycled, &top, chunk,
							memory_order_release,
							memory_order_relaxed));
	atomic_fetch_sub_explicit(&queue->chunk_count, 1, memory_order_relaxed);
}

const void *event_queue_peek(struct event_queue *queue, size_t *len_ret)
{
	for (;;) {
		struct chunk *chunk = queue->head;
		/* Asked first: what a chunk with a successor holds is final. */
		struct chunk *next = atomic_load_explicit(&chunk->next, memory_order_acquire);
		size_t written = atomic_load_explicit(&chunk->written_bytes, memory_order_acquire);

		if (queue->read_bytes < written) {
			const struct header *header =
				(const void *)(chunk->data + queue->read_bytes);
			*len_ret = header->len;
			return header + 1;
		}
		if (!next)
			return NULL;
		queue->head = next;
		queue->read_bytes = 0;
		recycle(queue, chunk);
	}
}

void event_queue_pop(struct event_queue *queue)
{
	const struct header *header = (const void *)(queue->head->data + queue->read_bytes);
	queue->read_bytes += record_bytes(header->len);
}
