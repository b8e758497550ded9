/* SPDX-License-Identifier: MIT */
#include "tracer/tracer.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "tracer/access.h"
#include "tracer/admission.h"
#include "tracer/c_allocator.h"
#include "tracer/countdowns.h"
#include "tracer/gates.h"
#include "tracer/images.h"
#include "tracer/pads.h"
#include "tracer/process.h"
#include "tracer/recovery.h"
#include "tracer/region_choice.h"
#include "tracer/stops.h"
#include "tracer/stub.h"
#include "tracer/target_memory.h"
#include "tracer/trap.h"
#include "tracer/trap_action.h"
#include "tracer/turn.h"
#include "tracer/world.h"

/* For how long it is tried to plant. One try takes longer than an instant if some thread does not
 * stop: all others stand still meanwhile, and run for much longer until the next. */
static const uint64_t PLANT_PATIENCE_NS = 5 * NS_PER_SECOND;
enum { PAUSE_FACTOR = 5 };

static const uint64_t LOOK_NS = NS_PER_SECOND;

/* For how long it is tried to lift, and how long threads may take to leave their mailboxes: between
 * two tries, and at last. */
static const uint64_t LIFT_PATIENCE_NS = 5 * NS_PER_SECOND;
static const uint64_t LIFT_PAUSE_NS = 20 * NS_PER_MS;
static const uint64_t RELEASE_PATIENCE_NS = 2 * NS_PER_SECOND;

struct tracer {
	int pid;
	int pidfd;
	const struct arch *arch;
	struct target_memory memory;
	struct images images;
	struct code_loads loads;
	struct gates gates;
	struct stops stops;
	bool is_planted;
	bool had_region; /* an earlier filtrace has been here: its words may still stand */
	struct admission_seccomp seccomp; /* as it was when it was found to allow our calls */
	uint64_t looked_ns;		  /* when slots and region were last looked at */
	struct tracer_stats stats;	  /* as of the last lift, but for attach_stopped_seconds */
};

static double seconds_since(uint64_t start_ns)
{
	return (double)(clock_monotonic_ns() - start_ns) / (double)NS_PER_SECOND;
}

/* ---- opening --------------------------------------------------------------------------------- */

static bool open_views(struct tracer *tracer, struct error *err)
{
	if (!target_memory_init(&tracer->memory, tracer->pid, err))
		return err->kind == ERROR_NOT_PERMITTED ? access_explain_denied(tracer->pid, err)
							: false;
	if (!images_init(&tracer->images, tracer->pid, &tracer->memory.memory, err))
		return false;

	tracer->arch = arch_find(tracer->images.list[0].machine);
	if (!tracer->arch)
		return error_set(err, ERROR_UNSUPPORTED, "process %d is no x86-64 program",
				 tracer->pid);
	tracer->arch->init_loads(&tracer->loads, &tracer->memory.memory, &tracer->images.maps);
	return true;
}

static bool open_tracer(int pid, struct tracer **ret, struct error *err)
{
	struct tracer *tracer = calloc(1, sizeof(*tracer));
	if (!tracer)
		return error_set(err, ERROR_NO_MEMORY, "tracer");
	tracer->pid = pid;
	tracer->memory.mem_fd = -1;
	tracer->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (tracer->pidfd < 0) {
		error_set_errno(err, ERROR_NO_PROCESS, "cannot open process %d", pid);
		tracer_close(tracer);
		return false;
	}
	if (!open_views(tracer, err)) {
		tracer_close(tracer);
		return false;
	}
	*ret = tracer;
	return true;
}

bool tracer_open(int pid, struct tracer **ret, struct error *err)
{
	world_release_stragglers(); /* of an attempt that took too long */
	return admission_check(pid, err) && open_tracer(pid, ret, err);
}

bool tracer_open_to_undo(int pid, struct tracer **ret, struct error *err)
{
	world_release_stragglers();
	return admission_check_to_undo(pid, err) && open_tracer(pid, ret, err);
}

void tracer_close(struct tracer *tracer)
{
	struct error ignored;
	if (!tracer)
		return;
	if (tracer->is_planted && !tracer_lift(tracer, &ignored))
		tracer->is_planted = false;
	images_deinit(&tracer->images);
	target_memory_deinit(&tracer->memory);
	if (tracer->pidfd >= 0)
		close(tracer->pidfd);
	free(tracer);
}

const char *tracer_skipped_file(const struct tracer *tracer)
{
	return tracer->images.has_skipped ? tracer->images.skipped.context : NULL;
}

struct memory *tracer_memory(struct tracer *tracer)
{
	return &tracer->memory.memory;
}

struct symbols *tracer_symbols(struct tracer *tracer)
{
	return &tracer->images.symbols;
}

struct loads *tracer_loads(struct tracer *tracer)
{
	return &tracer->loads.loads;
}

static bool has_ended(const struct tracer *tracer)
{
	struct pollfd poll_fd = { .fd = tracer->pidfd, .events = POLLIN };
	return poll(&poll_fd, 1, 0) > 0;
}

static bool set_ended(const struct tracer *tracer, struct error *err)
{
	return error_set(err, ERROR_NO_PROCESS, "process %d has ended", tracer->pid);
}

bool tracer_libc_specs(struct tracer *tracer, struct gate_spec *ret, size_t *len_ret,
		       struct error *err)
{
	return c_allocator_specs(tracer->arch, &tracer->images, ret, len_ret, err);
}

/* ---- recovery -------------------------------------------------------------------------------- */

bool tracer_leftovers(struct tracer *tracer, struct tracer_leftovers *ret, struct error *err)
{
	return recovery_look(&tracer->memory, ret, err);
}

bool tracer_recover(struct tracer *tracer, bool *found_ret, struct error *err)
{
	return recovery_undo(&tracer->memory, &tracer->images, found_ret, err);
}

bool tracer_clear_slots(struct tracer *tracer, const struct gate_spec *specs, size_t spec_count,
			bool *found_ret, struct error *err)
{
	*found_ret = false;
	for (size_t i = 0; i < spec_count; i++) {
		raddr original;
		if (specs[i].place != GATE_SLOT)
			continue;
		if (!recovery_resolve_pad(&tracer->memory, specs[i].original, &original, err))
			return false;
		if (original == specs[i].original)
			continue;
		*found_ret = true;
		if (!target_memory_write(&tracer->memory, specs[i].address, &original,
					 sizeof(original), err))
			return error_context(err, "slot of %s", specs[i].name);
	}
	return true;
}

/* ---- planting -------------------------------------------------------------------------------- */

/* The region is gone if the process has called execve, and with it every gate. */
static bool region_stands(struct tracer *tracer)
{
	uint64_t magic;
	struct error ignored;
	return memory_read(&tracer->memory.memory, tracer->gates.base + ANCHOR_OFFSET, &magic,
			   sizeof(magic), &ignored) &&
	       magic == REGION_MAGIC;
}

/* Is the target still the program in which we have the region, and are its pages ours alone? */
static bool check_region(struct tracer *tracer, struct error *err)
{
	if (!region_stands(tracer))
		return has_ended(tracer)
			       ? set_ended(tracer, err)
			       : error_set(
					 err, ERROR_NO_PROCESS,
					 "process %d has replaced itself by another program (exec)",
					 tracer->pid);
	if (!region_is_shared(&tracer->stops.region, &tracer->memory.memory))
		return error_set(err, ERROR_UNSAFE, "somebody else has attached to process %d",
				 tracer->pid);
	return true;
}

/* All threads are stopped: change the target and arm the gates. */
static bool plant_stopped(struct tracer *tracer, struct world *world, struct error *err)
{
	if (countdowns_reset(&tracer->gates, &tracer->memory, world, tracer->had_region, err) &&
	    gates_plant(&tracer->gates, &tracer->memory, world, err) &&
	    stops_arm(&tracer->stops, true, err))
		return true;

	struct error second;
	if (!gates_lift(&tracer->gates, &tracer->memory, &second))
		error_context(err, "and undoing failed (%s)", second.context);
	return false;
}

/* Is there nothing in the way that will go away by itself? */
static bool world_is_ready(struct tracer *tracer, const struct world *world, struct error *err)
{
	struct memory *memory = &tracer->memory.memory;
	if (!gates_are_clear_of_stacks(&tracer->gates, &tracer->memory, world))
		return error_set(err, ERROR_TIMEOUT,
				 "a signal handler of process %d runs on top of its allocator",
				 tracer->pid);
	if (stub_is_running(tracer->gates.base, &tracer->images, memory, world))
		return error_set(err, ERROR_TIMEOUT, "a thread of process %d is still in a stub",
				 tracer->pid);
	return true;
}

/* One try with all threads stopped. ERROR_TIMEOUT: try again. */
static bool try_to_plant(struct tracer *tracer, struct error *err)
{
	uint64_t start_ns = clock_monotonic_ns();
	OWNED_WORLD struct world world = { 0 };
	if (!world_stop(tracer->pid, &world, err) || !world_is_ready(tracer, &world, err))
		return false;
	if (!check_region(tracer, err))
		return false;

	bool is_ok = plant_stopped(tracer, &world, err);
	tracee_keep(is_ok && tracer->stops.kind->keeps_threads);
	world_resume(&world);
	tracer->stats.attach_stopped_seconds = seconds_since(start_ns);
	return is_ok;
}

static void pause_after(uint64_t start_ns)
{
	clock_sleep(PAUSE_FACTOR * (clock_monotonic_ns() - start_ns) + NS_PER_MS);
}

static bool stop_and_plant(struct tracer *tracer, struct error *err)
{
	uint64_t deadline_ns = clock_monotonic_ns() + PLANT_PATIENCE_NS;
	for (;;) {
		uint64_t start_ns = clock_monotonic_ns();
		if (try_to_plant(tracer, err))
			return true;
		if (err->kind != ERROR_TIMEOUT || clock_monotonic_ns() > deadline_ns)
			return false;
		pause_after(start_ns);
	}
}

/* Look at the target once more, then make ready all that can be while it runs. */
static bool prepare(struct tracer *tracer, const struct gate_spec *specs, size_t spec_count,
		    const struct tracer_options *options, const struct tracer_listener *listener,
		    struct error *err)
{
	const struct stop_kind *kind = stop_kind_find(options->stop_kind);
	struct region_choice choice;
	OWNED_FD int turn = -1;
	struct region_wants wants = { .arch = tracer->arch,
				      .tm = &tracer->memory,
				      .images = &tracer->images,
				      .specs = specs,
				      .spec_count = spec_count };
	if (!admission_check(tracer->pid, err) ||
	    (kind->sets_action && !trap_action_check(tracer->pid, err)) ||
	    !admission_read_seccomp(tracer->pid, &tracer->seccomp, err) ||
	    !admission_choose_sharing(tracer->pid, &tracer->images.maps, kind->calls,
				      &wants.sharing, err) ||
	    !turn_take(tracer->pid, &turn, err) ||
	    !region_choose(&wants, &tracer->gates, &choice, err))
		return false;

	tracer->had_region = choice.had_region;
	if (gates_install(&tracer->gates, &tracer->memory, choice.state != REGION_READY, err) &&
	    stops_init(&tracer->stops, &tracer->memory, &choice.region, &tracer->gates, options,
		       listener, err))
		return true;
	region_close(&choice.region);
	gates_deinit(&tracer->gates);
	return false;
}

/* Also what was begun and not finished. */
static bool restore_action(struct tracer *tracer, struct error *err)
{
	bool found;
	return !tracer->stops.kind->sets_action ||
	       trap_action_restore(&tracer->memory, &tracer->images, tracer->gates.base, &found,
				   err);
}

static bool set_action(struct tracer *tracer, struct error *err)
{
	return !tracer->stops.kind->sets_action ||
	       trap_action_set(&tracer->memory, &tracer->images, tracer->gates.base, err);
}

bool tracer_plant(struct tracer *tracer, const struct gate_spec *specs, size_t spec_count,
		  const struct tracer_options *options, const struct tracer_listener *listener,
		  struct error *err)
{
	if (!prepare(tracer, specs, spec_count, options, listener, err))
		return false;
	if (!set_action(tracer, err) || !stop_and_plant(tracer, err)) {
		struct error second;
		if (!has_ended(tracer) && !restore_action(tracer, &second))
			error_context(err, "and undoing failed (%s)", second.context);
		stops_deinit(&tracer->stops);
		gates_deinit(&tracer->gates);
		return has_ended(tracer) ? set_ended(tracer, err) : false;
	}
	tracer->is_planted = true;
	tracer->looked_ns = clock_monotonic_ns();
	return true;
}

/* ---- serving --------------------------------------------------------------------------------- */

static bool look_after(struct tracer *tracer, struct error *err)
{
	uint64_t now_ns = clock_monotonic_ns();
	world_release_stragglers();
	if (has_ended(tracer))
		return set_ended(tracer, err);
	if (now_ns - tracer->looked_ns < LOOK_NS)
		return true;

	tracer->looked_ns = now_ns;
	if (!check_region(tracer, err))
		return false;
	gates_replant_slots(&tracer->gates, &tracer->memory);
	return admission_look_again(tracer->pid, tracer->stops.kind->calls, &tracer->seccomp, err);
}

bool tracer_serve(struct tracer *tracer, uint64_t duration_ns, struct error *err)
{
	uint64_t deadline_ns = clock_monotonic_ns() + duration_ns;
	bool is_served = stops_serve(&tracer->stops, deadline_ns, err);
	if (!is_served && has_ended(tracer))
		return set_ended(tracer, err);
	return is_served && look_after(tracer, err);
}

/* ---- lifting --------------------------------------------------------------------------------- */

/* Another filtrace has taken us for dead, as one that was stopped for long may be, and our gates
 * out. Its own look the same, and are not ours to touch. */
static bool is_taken_over(struct tracer *tracer)
{
	return region_is_taken_over(&tracer->stops.region, &tracer->memory.memory);
}

static bool undo_stopped(struct tracer *tracer, struct error *err)
{
	uint64_t start_ns = clock_monotonic_ns();
	OWNED_WORLD struct world world = { 0 };
	if (!world_stop(tracer->pid, &world, err))
		return false;
	if (!is_taken_over(tracer) && !gates_lift(&tracer->gates, &tracer->memory, err))
		return false;
	for (size_t i = 0; i < world.len; i++)
		if (trap_is_ours(&world.threads[i], tracer->gates.base))
			world.threads[i].signal = 0;
	world_resume(&world);
	tracer->stats.lift_stopped_seconds = seconds_since(start_ns);
	return true;
}

/* Disarmed gates let everything pass: there is time to wait for a thread that does not stop, or for
 * a debugger to leave. */
static bool undo(struct tracer *tracer, struct error *err)
{
	uint64_t deadline_ns = clock_monotonic_ns() + LIFT_PATIENCE_NS;
	if (!stops_arm(&tracer->stops, false, err))
		return false;
	if (tracer->stops.kind->keeps_threads)
		stops_release_all(&tracer->stops, 0); /* nobody can be stopped who waits for us */
	for (;;) {
		uint64_t start_ns = clock_monotonic_ns();
		if (undo_stopped(tracer, err))
			return true;
		bool may_pass = err->kind == ERROR_TIMEOUT || err->kind == ERROR_NOT_PERMITTED;
		if (!may_pass || clock_monotonic_ns() > deadline_ns)
			return false;
		stops_release_all(&tracer->stops, LIFT_PAUSE_NS);
		world_release_stragglers();
		pause_after(start_ns);
	}
}

/* What is said of gates that could not be taken out. */
static bool set_still_planted(struct tracer *tracer, struct error *err)
{
	if (err->kind == ERROR_NOT_PERMITTED)
		access_explain_denied(tracer->pid, err);
	return error_context(err,
			     "the gates let everything pass now, but stay until the next "
			     "attach or: filtrace unstick -p %d",
			     tracer->pid);
}

/* A target that has ended, or replaced itself, has no gates any more, nor anything else that could
 * be written. */
static bool has_gates(struct tracer *tracer)
{
	return !has_ended(tracer) && region_stands(tracer) && !is_taken_over(tracer);
}

/* Threads that are still traced although the gates are gone, or cannot be taken out. */
static void release_kept(struct tracer *tracer)
{
	OWNED_WORLD struct world world = { 0 };
	struct error ignored;
	stops_release_all(&tracer->stops, 0);
	if (tracer->stops.kind->keeps_threads && !has_ended(tracer) &&
	    !world_stop(tracer->pid, &world, &ignored))
		world_release_stragglers();
}

bool tracer_lift(struct tracer *tracer, struct error *err)
{
	if (!tracer->is_planted)
		return true;

	tracee_keep(false);
	bool is_undone = !has_ended(tracer) && !is_taken_over(tracer) && undo(tracer, err);
	bool is_ok = is_undone || !has_gates(tracer) || set_still_planted(tracer, err);
	if (!is_undone)
		release_kept(tracer);
	if (!has_ended(tracer))
		stops_release_all(&tracer->stops, RELEASE_PATIENCE_NS);
	if (is_ok && has_gates(tracer))
		is_ok = restore_action(tracer, err) || !has_gates(tracer);
	stops_describe(&tracer->stops, &tracer->stats);
	stops_deinit(&tracer->stops);
	gates_deinit(&tracer->gates);
	tracer->is_planted = false;
	return is_ok;
}

void tracer_stats(const struct tracer *tracer, struct tracer_stats *ret)
{
	*ret = tracer->stats;
	if (tracer->is_planted)
		stops_describe(&tracer->stops, ret);
}
