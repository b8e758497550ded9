/* SPDX-License-Identifier: MIT */
#include "cli/listener.h"

#include <string.h>

#include "cli/event.h"

/* A sample leads to at most one more event, of this size or less, when its block is freed or
 * dropped. As samples are refused while less than this is free, no free is ever lost: a block that
 * seems to live for ever would be a false leak. */
static const size_t ROOM_FOR_FREES = 16 << 20;

enum { PYMALLOC_LARGEST = 512 };

/* One mismatch may be the program's own oddity (a thread state that was handed from one thread to
 * another, in an embedding program up to 3.11); so many in a row from the first stop on are ours.
 */
enum { MISMATCHES_MAX = 16 };

bool listener_init(struct listener *ret, int pid, struct event_queue *queue, struct pyframes *py,
		   struct error *err)
{
	struct listener listener = { .queue = queue, .py = py };
	if (!pyframes_intern(py, "[unreadable stack]", "", 0, &listener.unreadable, err) ||
	    !thread_names_create(pid, &listener.names, err))
		return false;
	*ret = listener;
	return true;
}

void listener_deinit(struct listener *listener)
{
	thread_names_destroy(listener->names);
	listener->names = NULL;
}

/* pymalloc's realloc hands a block of the C allocator on to realloc() even if it shrinks to a size
 * of pymalloc's own: the gate of the C allocator sees that one too. */
static bool is_seen_by_another_gate(struct listener *listener, const struct stop *stop)
{
	const struct gate_spec *gate = stop->gate;
	return gate->kind == MEMORY_PYMALLOC && gate->operation == GATE_REALLOC &&
	       gate->max_counted_bytes == PYMALLOC_LARGEST &&
	       !pyframes_is_pymalloc_block(listener->py, stop->block);
}

static struct pyframes_thread thread_of(const struct stop *stop)
{
	return (struct pyframes_thread){ .thread_pointer = stop->thread_pointer,
					 .stack_pointer = stop->stack_pointer,
					 .gate = stop->gate };
}

static void check_stop(struct listener *listener, const struct stop *stop)
{
	const struct pyframes_thread thread = thread_of(stop);
	bool is_telling;
	if (listener->is_checked)
		return;
	if (!pyframes_check_stop(listener->py, &thread, stop->block, &is_telling,
				 &listener->mismatch))
		listener->mismatches++;
	else
		listener->is_checked = is_telling;
}

bool listener_trusts(const struct listener *listener, struct error *err)
{
	if (listener->is_checked || listener->mismatches < MISMATCHES_MAX)
		return true;
	*err = listener->mismatch;
	return false;
}

/* The one frame of a thread that runs no Python. */
static const struct frame *native_frame(struct listener *listener, struct thread_name *name)
{
	if (!name->native_frame) {
		char function[64];
		struct error ignored;
		snprintf(function, sizeof(function), "[native thread %s]", name->text);
		if (!pyframes_intern(listener->py, function, "", 0, &name->native_frame, &ignored))
			return listener->unreadable;
	}
	return name->native_frame;
}

static void read_frames(struct listener *listener, const struct stop *stop,
			struct thread_name *name, struct sample *sample)
{
	struct error ignored;
	const struct pyframes_thread thread = thread_of(stop);
	if (!pyframes_stack(listener->py, &thread, listener->frames, &sample->frame_count,
			    &sample->is_truncated, &ignored)) {
		listener->frames[0] = listener->unreadable;
		sample->frame_count = 1;
	} else if (sample->frame_count == 0) {
		listener->frames[0] = native_frame(listener, name);
		sample->frame_count = 1;
	}
}

static size_t sample_event_bytes(size_t frame_count)
{
	return sizeof(struct sample_event) + frame_count * sizeof(struct frame *);
}

static bool on_stop(void *context, const struct stop *stop)
{
	struct listener *listener = context;
	check_stop(listener, stop);
	if (is_seen_by_another_gate(listener, stop))
		return false;

	struct sample_event *event = NULL;
	if (event_queue_room(listener->queue) >= ROOM_FOR_FREES)
		event = event_queue_reserve(listener->queue, sample_event_bytes(FRAME_DEPTH_MAX));
	if (!event) {
		listener->refused++;
		return false;
	}

	struct thread_name *name = thread_names_find(listener->names, stop->tid);
	event->event.type = EVENT_SAMPLE;
	event->sample = (struct sample){
		.time_ns = stop->time_ns,
		.block = stop->block,
		.size_bytes = stop->size_bytes,
		.interval_bytes = stop->interval_bytes,
		.kind = stop->gate->kind,
		.tid = stop->tid,
		.thread = name->text,
	};
	read_frames(listener, stop, name, &event->sample);
	size_t new_count =
		told_stack_tell(&listener->told, listener->frames, event->sample.frame_count);
	event->new_frame_count = new_count;
	memcpy(event->frames, listener->frames, new_count * sizeof(event->frames[0]));
	event_queue_commit(listener->queue, sample_event_bytes(new_count));
	return true;
}

static void push_block_event(struct listener *listener, enum event_type type, raddr block,
			     uint64_t time_ns)
{
	struct block_event *event = event_queue_reserve(listener->queue, sizeof(*event));
	if (!event)
		return;
	*event = (struct block_event){ { type }, block, time_ns };
	event_queue_commit(listener->queue, sizeof(*event));
}

/* Frees come in batches of one time. What an interpreter frees while it shuts down was kept to the
 * end, and is shown as such. */
static void on_free(void *context, raddr block, uint64_t time_ns)
{
	struct listener *listener = context;
	if (listener->looked_ns != time_ns)
		listener->is_finalizing = pyframes_is_finalizing(listener->py);
	listener->looked_ns = time_ns;
	if (!listener->is_finalizing)
		push_block_event(listener, EVENT_FREE, block, time_ns);
}

static void on_drop(void *context, raddr block)
{
	push_block_event(context, EVENT_DROP, block, 0);
}

static void on_double(void *context)
{
	push_block_event(context, EVENT_DOUBLE, 0, 0);
}

struct tracer_listener listener_callbacks(struct listener *listener)
{
	return (struct tracer_listener){
		.context = listener,
		.on_stop = on_stop,
		.on_free = on_free,
		.on_drop = on_drop,
		.on_double = on_double,
	};
}

void listener_idle(struct listener *listener, const struct tracer *tracer)
{
	thread_names_refresh(listener->names);

	struct stats_event *event = event_queue_reserve(listener->queue, sizeof(*event));
	if (!event)
		return;
	*event = (struct stats_event){ { EVENT_STATS },
				       .refused = listener->refused,
				       .is_crowded = pyframes_is_crowded(listener->py) };
	tracer_stats(tracer, &event->tracer);
	event_queue_commit(listener->queue, sizeof(*event));
}
