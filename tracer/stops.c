/* SPDX-License-Identifier: MIT */
#include "tracer/stops.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include <x86intrin.h>

#include "base/clock.h"
#include "tracer/pads.h"
#include "tracer/stop_times.h"

/* facts of measurement: 700 to 1000 stops a second cost 1% of a processor. */
static const double STOPS_PER_SECOND_DEFAULT = 500;
static const double BUDGET_DEFAULT = 0.01;

static const uint64_t STRETCH_NS = 100 * NS_PER_MS;
/* A stretch ends early when so many stops come four times faster than they may. */
enum { BURST_STOPS = 32, BURST_FACTOR = 4 };

/* How long a stop waits for a tracer that lives but is silent (it may be stopped itself). */
static const uint64_t PATIENCE_NS = 5 * NS_PER_SECOND;

/* How long it looks out for an answer before it sleeps: being woken up is as long as a stop. */
static const uint64_t SPIN_NS = 250000;

enum { LATE_MAX = 4096 };

/* No program has memory from here on, nor blocks so large (Documentation/arch/x86/x86_64/mm.rst,
 * with five levels of page tables). */
#define ADDRESSES_END (UINT64_C(1) << 56)

_Static_assert(TRACER_STOP_PARK == STOP_PARK && TRACER_STOP_TRAP == STOP_TRAP,
	       "pads number the kinds of stops");

const struct stop_kind *stop_kind_find(enum tracer_stop_kind kind)
{
	return kind == TRACER_STOP_TRAP ? &stop_kind_trap : &stop_kind_park;
}

/* ---- draws ----------------------------------------------------------------------------------- */

static void replace_draws(struct stops *stops, uint64_t first, uint64_t count)
{
	uint64_t *draws = stops->region.shared->draws;
	for (uint64_t i = 0; i < count; i++)
		__atomic_store_n(&draws[(first + i) % DRAW_COUNT], interval_draw(&stops->interval),
				 __ATOMIC_RELAXED);
}

/* Make T known to the target. */
static void publish_interval(struct stops *stops)
{
	__atomic_store_n(&stops->region.shared->leg_bytes, interval_leg_bytes(&stops->interval),
			 __ATOMIC_RELAXED);
	replace_draws(stops, 0, DRAW_COUNT);
}

/* A ring of draws that comes round again is a fixed error of scale: replace what was taken. */
static void refresh_draws(struct stops *stops)
{
	uint64_t next = __atomic_load_n(&stops->region.shared->draw_next, __ATOMIC_RELAXED);
	uint64_t taken = next - stops->draws_taken;
	replace_draws(stops, stops->draws_taken, taken < DRAW_COUNT ? taken : DRAW_COUNT);
	stops->draws_taken = next;
}

/* ---- frees ----------------------------------------------------------------------------------- */

static void note_free(struct stops *stops, raddr block, uint64_t now_ns)
{
	if (followed_remove(&stops->followed, block))
		stops->listener.on_free(stops->listener.context, block, now_ns);
}

static bool take_ring_entry(struct stops *stops, uint32_t index, uint64_t now_ns)
{
	uint64_t *entry = &stops->region.shared->ring[index];
	raddr block = __atomic_exchange_n(entry, 0, __ATOMIC_ACQUIRE);
	if (block)
		note_free(stops, block, now_ns);
	return block != 0;
}

/* Take all frees out of the ring. An entry may have been claimed but not written by a thread that
 * lost its processor in between; it is looked at again the next time. */
static void drain_ring(struct stops *stops)
{
	uint64_t head = __atomic_load_n(&stops->region.shared->ring_head, __ATOMIC_ACQUIRE);
	if (head == stops->ring_taken && stops->late_len == 0)
		return;

	uint64_t now_ns = clock_monotonic_ns();
	size_t still_late = 0;
	for (size_t i = 0; i < stops->late_len; i++)
		if (!take_ring_entry(stops, stops->late[i], now_ns))
			stops->late[still_late++] = stops->late[i];
	stops->late_len = still_late;

	if (head - stops->ring_taken > RING_COUNT)
		stops->ring_taken = head - RING_COUNT;
	for (; stops->ring_taken != head; stops->ring_taken++) {
		uint32_t index = (uint32_t)(stops->ring_taken % RING_COUNT);
		if (!take_ring_entry(stops, index, now_ns) && stops->late_len < LATE_MAX)
			stops->late[stops->late_len++] = index;
	}
}

/* ---- one stop -------------------------------------------------------------------------------- */

static const struct gate *find_gate(const struct gates *gates, uint64_t number)
{
	for (size_t i = 0; i < gates->len; i++)
		if (gates->list[i].number == number)
			return &gates->list[i];
	return NULL;
}

/* See to it that the block's free is noticed. */
static bool follow(struct stops *stops, raddr block, struct error *err)
{
	bool is_full;
	if (!followed_add(&stops->followed, block, &is_full, err))
		return false;
	if (is_full) {
		stops->bucket_full_count++;
		stops->listener.on_drop(stops->listener.context, block);
	}
	return true;
}

/* Tell the listener. What makes no sense is the target's own doing, and no sample. */
static bool take_sample(struct stops *stops, const struct mailbox *mail, struct error *err)
{
	const struct gate *gate = find_gate(stops->gates, mail->gate);
	struct stop stop = {
		.time_ns = clock_monotonic_ns(),
		.tid = (int)mail->tid,
		.thread_pointer = mail->thread_pointer,
		.stack_pointer = mail->rsp,
		.gate = gate ? &gate->spec : NULL,
		.block = mail->block,
		.size_bytes = mail->size_bytes,
		.interval_bytes = interval_bytes(&stops->interval, mail->interval_id),
	};
	stops->stop_count++;
	stops->stretch_stop_count++;
	if (!gate || !stop.block || !stop.size_bytes || stop.size_bytes >= ADDRESSES_END ||
	    !stop.interval_bytes)
		return true;
	if (!stops->listener.on_stop(stops->listener.context, &stop))
		return true;
	return follow(stops, stop.block, err);
}

/* Returns whether the thread was still there. One that waited for too long (we stood still
 * ourselves) has taken its post back, and the mailbox is free, or another's. */
static bool release(struct stops *stops, size_t box)
{
	uint32_t posted = MAILBOX_POSTED;
	if (!__atomic_compare_exchange_n(&stops->region.shared->states[box], &posted,
					 MAILBOX_RELEASED, false, __ATOMIC_RELEASE,
					 __ATOMIC_RELAXED))
		return false;
	stops->kind->resume(stops, box);
	return true;
}

/* What was read of a thread that ran meanwhile is worth nothing. */
static void forget_sample(struct stops *stops, raddr block)
{
	if (followed_remove(&stops->followed, block))
		stops->listener.on_drop(stops->listener.context, block);
}

static bool serve_mailbox(struct stops *stops, size_t box, struct error *err)
{
	uint64_t seen_ticks = __rdtsc();
	struct mailbox mail;
	memcpy(&mail, &stops->region.shared->mailboxes[box], sizeof(mail));

	/* The address may have been freed and handed out again: the free comes first. */
	drain_ring(stops);
	bool is_ok = take_sample(stops, &mail, err);
	if (!release(stops, box))
		forget_sample(stops, mail.block);
	stop_times_count(stops->seen_times, seen_ticks - mail.posted_ticks);
	stop_times_count(stops->look_times, __rdtsc() - seen_ticks);
	return is_ok;
}

/* Once round, from where the last round has ended: that may be before all were served, for a target
 * that posts all the time must not keep us beyond the deadline. */
static bool serve_mailboxes(struct stops *stops, uint64_t deadline_ns, bool *found_ret,
			    struct error *err)
{
	const uint32_t *states = stops->region.shared->states;
	*found_ret = false;
	for (size_t i = 0; i < MAILBOX_COUNT; i++) {
		size_t box = stops->next_box;
		stops->next_box = (box + 1) % MAILBOX_COUNT;
		if (__atomic_load_n(&states[box], __ATOMIC_ACQUIRE) != MAILBOX_POSTED)
			continue;
		*found_ret = true;
		if (!serve_mailbox(stops, box, err))
			return false;
		if (clock_monotonic_ns() >= deadline_ns)
			break;
	}
	return true;
}

static bool thin(struct stops *stops, struct error *err)
{
	const struct tracer_listener *listener = &stops->listener;
	bool is_ok = followed_thin(&stops->followed, &stops->interval, listener->on_drop,
				   listener->context, err);
	listener->on_double(listener->context);
	return is_ok;
}

/* ---- the budget ------------------------------------------------------------------------------ */

static double ticks_to_seconds(const struct stops *stops, uint64_t ticks)
{
	uint64_t elapsed = __rdtsc() - stops->first_ticks;
	double ns_per_tick =
		elapsed ? (double)(clock_monotonic_ns() - stops->first_ns) / (double)elapsed : 0;
	return (double)ticks * ns_per_tick / (double)NS_PER_SECOND;
}

static bool stretch_is_over(const struct stops *stops, uint64_t elapsed_ns)
{
	double rate_limit = BURST_FACTOR * stops->interval.max_stops_per_second;
	return elapsed_ns >= STRETCH_NS ||
	       (stops->stretch_stop_count >= BURST_STOPS &&
		(double)stops->stretch_stop_count * (double)NS_PER_SECOND >
			rate_limit * (double)elapsed_ns);
}

static void keep_to_budget(struct stops *stops, uint64_t now_ns)
{
	uint64_t elapsed_ns = now_ns - stops->stretch_start_ns;
	if (!stretch_is_over(stops, elapsed_ns))
		return;

	const struct shared_pages *shared = stops->region.shared;
	uint64_t ticks = __atomic_load_n(&shared->stopped_ticks, __ATOMIC_RELAXED);
	double seconds = (double)elapsed_ns / (double)NS_PER_SECOND;
	double stopped_seconds = ticks_to_seconds(stops, ticks - stops->stretch_ticks);
	struct interval_cost cost = {
		.seconds = seconds,
		.stops = (double)stops->stretch_stop_count,
		/* More cannot be: so many threads can wait at a time. */
		.stopped_seconds = fmin(stopped_seconds, seconds * MAILBOX_COUNT),
	};
	if (interval_adapt(&stops->interval, &cost))
		publish_interval(stops);

	double weight = cost.seconds < 1 ? cost.seconds : 1; /* a mean over about a second */
	stops->stops_per_second += weight * (cost.stops / cost.seconds - stops->stops_per_second);
	stops->stretch_start_ns = now_ns;
	stops->stretch_stop_count = 0;
	stops->stretch_ticks = ticks;
}

/* A stop that gave up waiting has disarmed the gates. We are here: arm them again. */
static bool arm_again(struct stops *stops, struct error *err)
{
	uint32_t timeouts = __atomic_load_n(&stops->region.shared->timeouts, __ATOMIC_RELAXED);
	if (timeouts == stops->timeouts_seen || !stops->is_armed)
		return true;
	stops->timeouts_seen = timeouts;
	return stops_arm(stops, true, err);
}

/* Of the time-stamp counter, from watching it for a millisecond. */
static double measure_ticks_per_ns(void)
{
	uint64_t start_ns = clock_monotonic_ns();
	uint64_t start_ticks = __rdtsc();
	clock_sleep(NS_PER_MS);
	double ticks = (double)(__rdtsc() - start_ticks);
	return ticks / (double)(clock_monotonic_ns() - start_ns);
}

/* Tell the target how long to wait, and how. On a single processor nobody answers while one looks
 * out. */
static void publish_patience(struct stops *stops)
{
	struct shared_pages *shared = stops->region.shared;
	double ticks_per_ns = measure_ticks_per_ns();
	shared->patience_ticks = (uint64_t)((double)PATIENCE_NS * ticks_per_ns);
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		shared->spin_ticks = (uint64_t)((double)SPIN_NS * ticks_per_ns);
}

/* ---- life ------------------------------------------------------------------------------------ */

bool stops_init(struct stops *stops, struct target_memory *tm, struct region *region,
		const struct gates *gates, const struct tracer_options *options,
		const struct tracer_listener *listener, struct error *err)
{
	uint64_t seed;
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return error_set_errno(err, ERROR_INTERNAL, "getrandom");

	*stops = (struct stops){
		.tm = tm,
		.region = *region,
		.gates = gates,
		.kind = stop_kind_find(options->stop_kind),
		.listener = *listener,
		.late = calloc(LATE_MAX, sizeof(*stops->late)),
		.trapped = calloc(MAILBOX_COUNT, sizeof(*stops->trapped)),
		.first_ns = clock_monotonic_ns(),
		.first_ticks = __rdtsc(),
	};
	*region = (struct region){ 0 };
	stops->stretch_start_ns = stops->first_ns;
	interval_init(&stops->interval, options->sample_bytes,
		      options->budget > 0 ? options->budget : BUDGET_DEFAULT,
		      options->max_stops_per_second > 0 ? options->max_stops_per_second
							: STOPS_PER_SECOND_DEFAULT,
		      seed);
	publish_interval(stops);
	publish_patience(stops);
	stops->region.shared->stop_kind = stops->kind->number;

	if (!stops->late || !stops->trapped) {
		stops_deinit(stops);
		return error_set(err, ERROR_NO_MEMORY, "lists of frees and threads");
	}
	if (!followed_init(&stops->followed, tm, stops->region.base, err) ||
	    !owner_acquire(&stops->owner, &stops->region.shared->owner, err)) {
		stops_deinit(stops);
		return false;
	}
	return true;
}

void stops_deinit(struct stops *stops)
{
	owner_release(&stops->owner);
	followed_deinit(&stops->followed);
	region_close(&stops->region);
	free(stops->late);
	free(stops->trapped);
	*stops = (struct stops){ 0 };
}

bool stops_arm(struct stops *stops, bool is_armed, struct error *err)
{
	stops->is_armed = is_armed;
	return region_write_u32(stops->tm, stops->region.base, CONTROL_OFFSET + CONTROL_ARMED,
				is_armed, err);
}

static bool serve_once(struct stops *stops, uint64_t deadline_ns, bool *found_ret,
		       struct error *err)
{
	if (!serve_mailboxes(stops, deadline_ns, found_ret, err))
		return false;
	drain_ring(stops);
	refresh_draws(stops);
	keep_to_budget(stops, clock_monotonic_ns());
	if (followed_is_full(&stops->followed) && !thin(stops, err))
		return false;
	return followed_tidy(&stops->followed, err) && arm_again(stops, err);
}

bool stops_serve(struct stops *stops, uint64_t deadline_ns, struct error *err)
{
	const uint32_t *doorbell = &stops->region.shared->doorbell;
	uint64_t now_ns;

	while ((now_ns = clock_monotonic_ns()) < deadline_ns) {
		uint32_t rings = __atomic_load_n(doorbell, __ATOMIC_ACQUIRE);
		bool found;
		if (!serve_once(stops, deadline_ns, &found, err))
			return false;

		now_ns = clock_monotonic_ns();
		if (now_ns < deadline_ns)
			stops->kind->wait(stops, rings, found ? 0 : deadline_ns - now_ns);
	}
	return true;
}

/* Once round. Returns whether some thread may not have left its mailbox yet. */
static bool release_posted(struct stops *stops)
{
	const uint32_t *states = stops->region.shared->states;
	bool is_waiting = false;
	for (size_t box = 0; box < MAILBOX_COUNT; box++) {
		uint32_t state = __atomic_load_n(&states[box], __ATOMIC_ACQUIRE);
		is_waiting |= state == MAILBOX_POSTED || state == MAILBOX_CLAIMED;
		if (state == MAILBOX_POSTED)
			(void)release(stops, box);
	}
	stops->kind->wait(stops, 0, 0);
	return is_waiting;
}

void stops_release_all(struct stops *stops, uint64_t patience_ns)
{
	uint64_t deadline = clock_monotonic_ns() + patience_ns;
	while (release_posted(stops) && clock_monotonic_ns() < deadline)
		clock_sleep(NS_PER_MS / 10);
}

static double quantile_seconds(const struct stops *stops, const uint32_t *times, double share)
{
	return ticks_to_seconds(stops, stop_times_quantile(times, share));
}

void stops_describe(const struct stops *stops, struct tracer_stats *ret)
{
	const struct shared_pages *shared = stops->region.shared;
	ret->stops = stops->stop_count;
	ret->lost = stops->bucket_full_count + shared->lost + shared->timeouts;
	ret->sample_bytes = interval_bytes(&stops->interval, stops->interval.id);
	ret->stops_per_second = stops->stops_per_second;
	ret->stopped_seconds = ticks_to_seconds(stops, shared->stopped_ticks);
	ret->longest_stop_seconds = ticks_to_seconds(stops, shared->longest_ticks);
	ret->median_stop_seconds = quantile_seconds(stops, shared->stop_times, 0.5);
	/* Its class may reach beyond the longest of all. */
	ret->p99_stop_seconds =
		fmin(quantile_seconds(stops, shared->stop_times, 0.99), ret->longest_stop_seconds);
	ret->median_seen_seconds = quantile_seconds(stops, stops->seen_times, 0.5);
	ret->p99_seen_seconds = quantile_seconds(stops, stops->seen_times, 0.99);
	ret->median_look_seconds = quantile_seconds(stops, stops->look_times, 0.5);
	ret->p99_look_seconds = quantile_seconds(stops, stops->look_times, 0.99);
	stop_times_classify(shared->stop_times, ticks_to_seconds(stops, 1), ret->stop_counts);
}
