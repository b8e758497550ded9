/* SPDX-License-Identifier: MIT */

/*
 * A week of a large server, without the server: samples on ever new stacks pass through all that
 * filtrace keeps of a target: frames, queue, profile, and either a capture or the view with three
 * snapshots at a time, all unfolded. At the end every site's figures are held against sums of their
 * own. Prints what it measured as "name=value", and exits with 1 if a figure is wrong. usage:
 * endless SNAPSHOTS SAMPLES_PER_SNAPSHOT STACKS LIVE_BLOCKS [CAPTURE]
 */

#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/event_queue.h"
#include "profile/capture.h"
#include "profile/profile.h"
#include "pyframes/intern.h"
#include "tui/state.h"

enum {
	LINES = 20000, /* of the server's code that are ever met */
	SITES = 5000,  /* those that allocate */
	DEPTH_MIN = 20,
	DEPTH_SPREAD = 41,
	DEPTH_COMMON = 8, /* outer frames that all stacks share */
	HOT_STACKS = 2000,
	QUEUE_BYTES = 32 << 20,
	MAPPED_BYTES_MIN = 64 << 10, /* as in cli/main.c */
};

static const double week_seconds = 7 * 86400;

/* What is known of one line without any of filtrace's statistics. */
struct truth {
	double live_bytes;
	double live_blocks;
	double moments[2]; /* of freed blocks, as in profile/estimate.h */
};

struct block {
	raddr address;
	uint32_t size_bytes;
	uint32_t line;
	double start_seconds;
};

struct event {
	struct sample sample; /* of no size: its block was freed */
	const struct frame *frames[DEPTH_MIN + DEPTH_SPREAD];
};

struct load {
	size_t snapshots;
	size_t samples_per_snapshot;
	uint32_t stacks;
	size_t blocks_max;

	struct interner interner;
	struct event_queue *queue;
	struct profile *profile;
	struct capture *capture;
	struct state view;
	struct snapshot *shown, *baseline;
	struct block *blocks;
	size_t block_count;
	raddr next_address;
	struct truth truth[LINES];
	double slowest_ms[2]; /* to describe, to write */
	double sum_ms[2];
};

static struct error error;

static void must(bool is_ok)
{
	if (is_ok)
		return;
	fprintf(stderr, "endless: %s\n", error.context);
	exit(70);
}

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static uint64_t random_bits(void)
{
	static uint64_t state = 20261126;
	return mix(state += UINT64_C(0x9e3779b97f4a7c15));
}

/* Half of all samples come from a few hot stacks. */
static uint32_t random_stack(const struct load *load)
{
	uint64_t bits = random_bits();
	uint32_t stacks = bits & 1 && load->stacks > HOT_STACKS ? HOT_STACKS : load->stacks;
	return (uint32_t)((bits >> 32) * stacks >> 32);
}

static uint32_t stack_depth(uint32_t stack)
{
	return DEPTH_MIN + (uint32_t)(mix(stack + 1) % DEPTH_SPREAD);
}

/* The line at a depth, counted from the outermost frame: stacks part ways bit by bit. */
static uint32_t stack_line(uint32_t stack, uint32_t depth, uint32_t level)
{
	uint32_t bits =
		level < DEPTH_COMMON ? 0 : 20 * (level - DEPTH_COMMON + 1) / (depth - DEPTH_COMMON);
	uint64_t prefix = bits ? mix(stack) >> (64 - 20) >> (20 - bits) : 0;
	if (level == depth - 1)
		return (uint32_t)(mix(stack) % SITES);
	return (uint32_t)(mix(prefix << 16 | level << 8 | depth) % LINES);
}

static const struct frame *line_frame(struct load *load, uint32_t line)
{
	char function[64], file[128];
	const struct frame *ret;
	snprintf(function, sizeof(function), "Handler%u.process_request", line / 8);
	snprintf(file, sizeof(file), "/srv/app/lib/python3.11/site-packages/package_%u/module.py",
		 line / 200);
	must(interner_frame(&load->interner, function, file, (int)line + 1, &ret, &error));
	return ret;
}

static void forget(struct load *load, size_t number, double now)
{
	struct block block = load->blocks[number];
	struct truth *truth = &load->truth[block.line];
	double lived = now - block.start_seconds;
	truth->live_bytes -= block.size_bytes;
	truth->live_blocks--;
	truth->moments[0] += block.size_bytes * lived;
	truth->moments[1] += block.size_bytes * lived * (now + block.start_seconds);
	load->blocks[number] = load->blocks[--load->block_count];

	struct event *event = event_queue_reserve(load->queue, sizeof(event->sample));
	must(event != NULL);
	event->sample = (struct sample){ .time_ns = (uint64_t)(now * NS_PER_SECOND),
					 .block = block.address };
	event_queue_commit(load->queue, sizeof(event->sample));
}

static void push_sample(struct load *load, double now)
{
	uint32_t stack = random_stack(load);
	uint32_t depth = stack_depth(stack);
	struct event *event = event_queue_reserve(load->queue, sizeof(*event));
	must(event != NULL);
	struct block *block = &load->blocks[load->block_count++];
	*block = (struct block){ .address = load->next_address += 16,
				 .size_bytes = 16 + (uint32_t)(random_bits() % 8192),
				 .line = stack_line(stack, depth, depth - 1),
				 .start_seconds = now };
	for (uint32_t i = 0; i < depth; i++)
		event->frames[i] = line_frame(load, stack_line(stack, depth, depth - 1 - i));
	event->sample = (struct sample){ .time_ns = (uint64_t)(now * NS_PER_SECOND),
					 .block = block->address,
					 .size_bytes = block->size_bytes,
					 .interval_bytes = 1,
					 .kind = (enum memory_kind)(stack % 2),
					 .tid = 1,
					 .thread = "worker",
					 .frame_count = depth };
	load->truth[block->line].live_bytes += block->size_bytes;
	load->truth[block->line].live_blocks++;
	event_queue_commit(load->queue, sizeof(*event));
}

static void pump(struct load *load)
{
	size_t len;
	const struct event *event;
	while ((event = event_queue_peek(load->queue, &len))) {
		struct sample sample = event->sample;
		sample.frames = event->frames;
		if (sample.size_bytes)
			must(profile_add(load->profile, &sample, &error));
		else
			profile_free(load->profile, sample.block, sample.time_ns);
		event_queue_pop(load->queue);
	}
}

static double cpu_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void note_ms(struct load *load, int what, double start_ms)
{
	double spent = cpu_ms() - start_ms;
	load->sum_ms[what] += spent;
	load->slowest_ms[what] = fmax(load->slowest_ms[what], spent);
}

/* In the view, the one shown before is there until the new one is, and a baseline stays. */
static void take_snapshot(struct load *load, double now)
{
	char *command[] = { (char[]){ "python3" }, NULL };
	const struct snapshot_target target = { .pid = 1, .command = command, .python = "3.11.7" };
	const struct snapshot_capture capture = { .seconds = now, .sample_bytes = 1 };
	struct snapshot *next;
	if (load->capture) {
		snapshot_destroy(load->shown);
		load->shown = NULL;
	}
	double start_ms = cpu_ms();
	must(profile_snapshot(load->profile, (uint64_t)(now * NS_PER_SECOND), &target, &capture,
			      &next, &error));
	note_ms(load, 0, start_ms);
	start_ms = cpu_ms();
	must(!load->capture || capture_write(load->capture, next, &error));
	note_ms(load, 1, start_ms);
	must(load->capture || state_show(&load->view, next, &error));
	if (load->shown != load->baseline)
		snapshot_destroy(load->shown);
	load->shown = next;
	if (load->block_count == load->blocks_max && !load->baseline && !load->capture)
		load->view.tree.baseline = load->baseline = next;
}

static void run(struct load *load)
{
	for (size_t i = 1; i <= load->snapshots; i++) {
		double now = week_seconds * (double)i / (double)load->snapshots;
		for (size_t j = 0; j < load->samples_per_snapshot; j++) {
			if (load->block_count == load->blocks_max)
				forget(load, random_bits() % load->block_count, now);
			push_sample(load, now);
			if (j % 1000 == 999)
				pump(load);
		}
		pump(load);
		take_snapshot(load, now);
	}
}

/* The slope of a line's live bytes, from moments of its own. */
static void add_living(struct load *load)
{
	for (size_t i = 0; i < load->block_count; i++) {
		const struct block *block = &load->blocks[i];
		struct truth *truth = &load->truth[block->line];
		double lived = week_seconds - block->start_seconds;
		truth->moments[0] += block->size_bytes * lived;
		truth->moments[1] +=
			block->size_bytes * lived * (week_seconds + block->start_seconds);
	}
}

static double slope(const double moments[2])
{
	return 6 / (week_seconds * week_seconds * week_seconds) *
	       (moments[1] - week_seconds * moments[0]);
}

static bool is_near(double a, double b, double scale)
{
	return fabs(a - b) <= 1e-6 * fmax(fabs(scale), 1);
}

/* How many figures are wrong. */
static size_t judge(struct load *load)
{
	const struct snapshot *snapshot = load->shown;
	struct truth total = { 0 };
	size_t wrong = 0;
	double stack_bytes = 0;
	add_living(load);
	for (size_t i = 0; i < LINES; i++) {
		total.live_bytes += load->truth[i].live_bytes;
		total.moments[0] += load->truth[i].moments[0];
		total.moments[1] += load->truth[i].moments[1];
	}
	for (size_t i = 0; i < snapshot->site_count; i++) {
		const struct snapshot_site *site = &snapshot->sites[i];
		const struct truth *truth = &load->truth[site->frame->line - 1];
		const struct figures *figures = &site->figures;
		double scale = truth->moments[0] / (week_seconds * week_seconds);
		wrong += figures->live_bytes.value != truth->live_bytes ||
			 !is_near(figures->live_blocks, truth->live_blocks, truth->live_blocks) ||
			 !is_near(figures->growth_bytes_per_second.value, slope(truth->moments),
				  scale);
		total.live_bytes -= figures->live_bytes.value;
	}
	for (size_t i = 0; i < snapshot->stack_count; i++)
		stack_bytes += snapshot->stacks[i].figures.live_bytes.value;
	wrong += total.live_bytes != 0;
	wrong += stack_bytes != snapshot->total.live_bytes.value;
	wrong += !is_near(snapshot->total.growth_bytes_per_second.value, slope(total.moments),
			  total.moments[0] / (week_seconds * week_seconds));
	return wrong;
}

static long peak_kib(void)
{
	char line[256];
	long ret = 0;
	FILE *status = fopen("/proc/self/status", "r");
	while (status && fgets(line, sizeof(line), status))
		(void)sscanf(line, "VmHWM: %ld", &ret);
	fclose(status);
	return ret;
}

int main(int argc, char **argv)
{
	static struct load load;
	struct stat file = { 0 };
	if (argc < 5)
		return 2;
	mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES_MIN);
	load.snapshots = (size_t)atol(argv[1]);
	load.samples_per_snapshot = (size_t)atol(argv[2]);
	load.stacks = (uint32_t)atol(argv[3]);
	load.blocks_max = (size_t)atol(argv[4]);
	load.blocks = calloc(load.blocks_max, sizeof(*load.blocks));
	must(load.blocks && profile_create(0, &load.profile, &error) &&
	     event_queue_create(QUEUE_BYTES, &load.queue, &error) &&
	     (argc == 5 || capture_create(argv[5], false, &load.capture, &error)));

	state_init(&load.view);
	load.view.tree.is_all_open = true;
	run(&load);
	size_t wrong = judge(&load);
	size_t stacks = load.shown->stack_count, sites = load.shown->site_count;
	must(capture_close(load.capture, &error));
	(void)stat(argc > 5 ? argv[5] : "", &file);
	/* The program's own account of what is true is no memory of filtrace's. */
	long own_kib = (long)((load.blocks_max * sizeof(*load.blocks) + sizeof(load)) / 1024);
	printf("peak_kib=%ld file_kib=%ld wrong=%zu stacks=%zu sites=%zu\n", peak_kib() - own_kib,
	       (long)(file.st_size / 1024), wrong, stacks, sites);
	printf("describe_ms=%.1f describe_most_ms=%.1f write_ms=%.1f write_most_ms=%.1f\n",
	       load.sum_ms[0] / (double)load.snapshots, load.slowest_ms[0],
	       load.sum_ms[1] / (double)load.snapshots, load.slowest_ms[1]);

	state_deinit(&load.view);
	if (load.baseline != load.shown)
		snapshot_destroy(load.baseline);
	snapshot_destroy(load.shown);
	profile_destroy(load.profile);
	event_queue_destroy(load.queue);
	interner_deinit(&load.interner);
	free(load.blocks);
	return wrong ? 1 : 0;
}
