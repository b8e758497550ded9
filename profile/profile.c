/* SPDX-License-Identifier: MIT */
#include "profile/profile.h"

#include "base/clock.h"
#include "profile/live.h"
#include "profile/snapshot_build.h"
#include "profile/stacks.h"
#include "profile/summary.h"

const struct profile_limits profile_limits_default = {
	.stacks = 3 << 14,
	.nodes = 5 << 16,
	.shown = 10000,
};

struct profile {
	uint64_t start_ns;
	double last_seconds; /* when the latest sample or free happened */
	struct stacks stacks;
	struct live live;
};

bool profile_create(uint64_t start_ns, struct profile **ret, struct error *err)
{
	struct profile *profile = calloc(1, sizeof(*profile));
	if (!profile)
		return error_set(err, ERROR_NO_MEMORY, "no memory for a profile");
	profile->start_ns = start_ns;
	profile_limit(profile, &profile_limits_default);
	*ret = profile;
	return true;
}

void profile_destroy(struct profile *profile)
{
	if (!profile)
		return;
	stacks_deinit(&profile->stacks);
	live_deinit(&profile->live);
	free(profile);
}

void profile_limit(struct profile *profile, const struct profile_limits *limits)
{
	profile->stacks.limits = *limits;
}

/* Seconds since the profile began; what was sampled before counts as sampled then. */
static double profile_seconds(const struct profile *profile, uint64_t time_ns)
{
	if (time_ns <= profile->start_ns)
		return 0;
	return (double)(time_ns - profile->start_ns) / (double)NS_PER_SECOND;
}

static double profile_note_time(struct profile *profile, uint64_t time_ns)
{
	double seconds = profile_seconds(profile, time_ns);
	if (seconds > profile->last_seconds)
		profile->last_seconds = seconds;
	return seconds;
}

void profile_free(struct profile *profile, raddr block, uint64_t time_ns)
{
	struct live_block freed;
	if (!live_remove(&profile->live, block, &freed))
		return;

	double seconds = profile_note_time(profile, time_ns);
	double start = freed.seen.start_seconds;
	history_add(&profile->stacks.items[freed.stack].history, &freed.seen,
		    seconds > start ? seconds : start);
}

static bool make_room(struct profile *profile, size_t frame_count, struct error *err)
{
	return stacks_have_room(&profile->stacks, frame_count) ||
	       stacks_compact(&profile->stacks, &profile->live, err);
}

bool profile_add(struct profile *profile, const struct sample *sample, struct error *err)
{
	profile_free(profile, sample->block, sample->time_ns);

	struct live_block block = {
		.seen = observation_make((double)sample->size_bytes, (double)sample->interval_bytes,
					 profile_note_time(profile, sample->time_ns)),
	};
	return make_room(profile, sample->frame_count, err) &&
	       stacks_intern(&profile->stacks, sample, &block.stack, err) &&
	       live_add(&profile->live, sample->block, &block, err);
}

void profile_drop(struct profile *profile, raddr block)
{
	struct live_block dropped;
	(void)live_remove(&profile->live, block, &dropped);
}

void profile_double(struct profile *profile)
{
	for (size_t i = 0; i < live_len(&profile->live); i++)
		observation_double(&profile->live.blocks[i].seen);
}

void profile_restart_growth(struct profile *profile, uint64_t now_ns)
{
	double now = profile_seconds(profile, now_ns);
	for (size_t i = 0; i < live_len(&profile->live); i++)
		profile->live.blocks[i].seen.start_seconds -= now;
	for (size_t i = 0; i < stacks_len(&profile->stacks); i++)
		profile->stacks.items[i].history = (struct history){ 0 };
	profile->start_ns = now_ns;
	profile->last_seconds = 0;
}

bool profile_snapshot(const struct profile *profile, uint64_t now_ns,
		      const struct snapshot_target *target, const struct snapshot_capture *capture,
		      struct snapshot **ret, struct error *err)
{
	OWNED_SNAPSHOT struct snapshot *snapshot = NULL;
	if (!snapshot_create(&snapshot, err) || !snapshot_copy_target(snapshot, target, err))
		return false;
	snapshot->capture = *capture;

	double now = profile_seconds(profile, now_ns);
	if (now < profile->last_seconds)
		now = profile->last_seconds;
	if (!summary_write(&profile->stacks, &profile->live, now, snapshot, err))
		return false;
	snapshot_sort(snapshot);
	*ret = MOVE_PTR(snapshot);
	return true;
}
