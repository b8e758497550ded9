/* SPDX-License-Identifier: MIT */
/* Any bytes as a capture file, and as the log beside it: {u32 bytes of the log, file, log}. What
 * can be read of it is reported as text and JSON. */
#include "profile/capture.h"
#include "profile/timeline.h"

#include <fcntl.h>
#include <string.h>

#include "report/report.h"
#include "tests/fuzz/fuzz.h"

/* SQLite insists on files. */
static struct {
	char folder[64];
	char file[80];
	char log[80];
	char index[80];
} place;

static FILE *nowhere;

static void place_remove(void)
{
	unlink(place.log);
	unlink(place.index);
	unlink(place.file);
	rmdir(place.folder);
}

static void place_make(void)
{
	strcpy(place.folder, "/dev/shm/filtrace-fuzz-XXXXXX");
	FUZZ_CHECK(mkdtemp(place.folder));
	snprintf(place.file, sizeof(place.file), "%s/c", place.folder);
	snprintf(place.log, sizeof(place.log), "%s/c-wal", place.folder);
	snprintf(place.index, sizeof(place.index), "%s/c-shm", place.folder);
	atexit(place_remove);
	nowhere = fopen("/dev/null", "w");
	FUZZ_CHECK(nowhere);
}

static void put(const char *path, const uint8_t *bytes, size_t len)
{
	OWNED_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FUZZ_CHECK(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
}

static void check_estimate(const struct estimate *estimate)
{
	FUZZ_CHECK(__builtin_isfinite(estimate->value) && __builtin_isfinite(estimate->low) &&
		   __builtin_isfinite(estimate->high));
}

static void check_frame(const struct frame *frame)
{
	FUZZ_CHECK(frame->line >= 0);
	FUZZ_CHECK(strlen(frame->function) + strlen(frame->file) < SIZE_MAX);
}

static void check_snapshot(const struct snapshot *snapshot)
{
	struct error err;
	for (size_t i = 0; i < snapshot->stack_count; i++) {
		const struct snapshot_stack *stack = &snapshot->stacks[i];
		FUZZ_CHECK(stack->kind < MEMORY_KIND_COUNT && stack->thread);
		check_estimate(&stack->figures.live_bytes);
		for (size_t depth = 0; depth < stack->frame_count; depth++)
			check_frame(stack->frames[depth]);
	}
	for (size_t i = 0; i < snapshot->site_count; i++)
		check_frame(snapshot->sites[i].frame);
	check_estimate(&snapshot->total.growth_bytes_per_second);

	const struct report_text_options options = { 0 };
	FUZZ_CHECK(report_text(snapshot, &options, nowhere, &err));
	FUZZ_CHECK(report_json(snapshot, nowhere, &err));
}

/* The past, as of the beginning and of the middle. */
static void check_past(void)
{
	struct error err;
	OWNED_TIMELINE struct timeline *timeline = NULL;
	if (!capture_load_timeline(place.file, &timeline, &err)) {
		FUZZ_CHECK(!timeline && err.context[0] && !strchr(err.context, '\n'));
		return;
	}
	for (size_t i = 0; i < timeline->instant_count; i += 1 + timeline->instant_count / 2) {
		OWNED_SNAPSHOT struct snapshot *snapshot = NULL;
		if (timeline_snapshot(timeline, TIMELINE_ATTACH, i, &snapshot, &err))
			check_snapshot(snapshot);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!place.folder[0])
		place_make();
	struct fuzz_input input = { data, size };
	size_t log_len = (size_t)fuzz_take(&input, 4), len;
	log_len = log_len < input.len ? log_len : 0;
	const uint8_t *file = fuzz_take_bytes(&input, input.len - log_len, &len);
	put(place.file, file, len);
	if (log_len)
		put(place.log, input.bytes, log_len);

	struct error err;
	OWNED_SNAPSHOT struct snapshot *snapshot = NULL;
	if (capture_load(place.file, &snapshot, &err))
		check_snapshot(snapshot);
	else
		FUZZ_CHECK(!snapshot && err.kind == ERROR_FILE && err.context[0] &&
			   !strchr(err.context, '\n'));
	check_past();
	unlink(place.log);
	unlink(place.index);
	return 0;
}
