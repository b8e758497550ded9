/* SPDX-License-Identifier: MIT */

/*
 * What a refresh of the live view costs, by the size of the call tree: to describe the profile, to
 * make the rows, to draw them, and the bytes that a terminal is sent.
 * usage: refresh NODES..
 */

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <utmp.h>

#include "base/clock.h"
#include "profile/profile.h"
#include "tui/keys.h"
#include "tui/tui.h"

enum { FRAMES = 5000, DEPTH = 18, ROUNDS = 15, WIDTH = 120, HEIGHT = 40 };
enum { REFRESHES = 8, DEADLINE_SECONDS = 120 };
enum { BLOCK_BYTES = 4096, BLOCKS_PER_ROUND = 50 };

static struct frame frames[FRAMES];
static char names[FRAMES][2][48];

static void make_frames(void)
{
	for (int i = 0; i < FRAMES; i++) {
		snprintf(names[i][0], sizeof(names[i][0]), "handler_%d", i);
		snprintf(names[i][1], sizeof(names[i][1]), "/srv/app/package_%d/module_%d.py",
			 i % 40, i % 700);
		frames[i] = (struct frame){ names[i][0], names[i][1], i % 900 + 1 };
	}
}

static uint32_t random_below(uint32_t limit)
{
	static uint32_t state = 20261126;
	state = state * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)state * limit >> 32);
}

/* A profile that is filled as a server's would be. */
struct load {
	struct profile *profile;
	raddr next_block;
	uint64_t start_ns;
	struct snapshot_capture capture;
	atomic_int *refreshes; /* shared with the process that shows the view; NULL: none does */
};

static void add_block(struct load *load)
{
	const struct frame *path[DEPTH];
	for (uint32_t depth = 0; depth < DEPTH; depth++) {
		uint32_t outer = DEPTH - 1 - depth;
		uint32_t choices = outer < 6 ? 1u << 2 * outer : FRAMES;
		path[depth] = &frames[random_below(choices < FRAMES ? choices : FRAMES)];
	}
	struct sample sample = { .time_ns = clock_monotonic_ns(),
				 .block = load->next_block++ * 16,
				 .size_bytes = random_below(BLOCK_BYTES) + 1,
				 .interval_bytes = 65536,
				 .kind = MEMORY_MALLOC,
				 .thread = "worker",
				 .frames = path,
				 .frame_count = DEPTH };
	struct error err;
	if (!profile_add(load->profile, &sample, &err))
		abort();
	load->capture.samples++;
}

static void load_start(struct load *load, size_t nodes)
{
	struct error err;
	*load = (struct load){ .start_ns = clock_monotonic_ns(),
			       .next_block = 1,
			       .capture = { .sample_bytes = 65536, .rss_bytes = 1 << 30 } };
	if (!profile_create(load->start_ns, &load->profile, &err))
		abort();
	for (size_t i = 0; i < nodes / (DEPTH - 3) + 1; i++)
		add_block(load);
}

static bool take_snapshot(void *context, struct snapshot **ret, struct error *err)
{
	struct load *load = context;
	for (int i = 0; i < BLOCKS_PER_ROUND; i++)
		add_block(load);
	if (load->refreshes)
		atomic_fetch_add(load->refreshes, 1);
	const struct snapshot_target target = { .pid = 4121, .python = "3.11.7" };
	uint64_t now_ns = clock_monotonic_ns();
	load->capture.seconds = (double)(now_ns - load->start_ns) / (double)NS_PER_SECOND;
	return profile_snapshot(load->profile, now_ns, &target, &load->capture, ret, err);
}

static int compare(const void *left, const void *right)
{
	const double *a = left, *b = right;
	return (*a > *b) - (*a < *b);
}

static double median(double *values, size_t len)
{
	qsort(values, len, sizeof(*values), compare);
	return values[len / 2];
}

/* CPU time, so that a busy machine does not matter. */
static uint64_t cpu_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

static double ms_since(uint64_t start_ns)
{
	return (double)(cpu_ns() - start_ns) / (double)NS_PER_MS;
}

static void press(struct state *state, const char *pressed)
{
	struct error err;
	for (; *pressed; pressed++)
		if (keys_press(state, *pressed) & REACTION_REBUILD &&
		    !tree_rebuild(&state->tree, &err))
			abort();
}

/* What a refresh consists of. */
enum part { PART_DESCRIBE, PART_ROWS, PART_DRAW, PART_TOGETHER, PART_COUNT };

/* The parts of a refresh, in ms of CPU time, on the page that the keys lead to. */
static void measure(struct load *load, const char *pressed, double ret[PART_COUNT])
{
	struct error err;
	struct state state;
	struct cells cells;
	struct snapshot *shown = NULL;
	double ms[PART_COUNT][ROUNDS];
	state_init(&state);
	if (!cells_init(&cells, WIDTH, HEIGHT, &err))
		abort();
	for (int round = 0; round < ROUNDS; round++) {
		struct snapshot *next;
		uint64_t begin_ns = cpu_ns(), start_ns = begin_ns;
		if (!take_snapshot(load, &next, &err))
			abort();
		ms[PART_DESCRIBE][round] = ms_since(start_ns);
		start_ns = cpu_ns();
		if (!state_show(&state, next, &err))
			abort();
		ms[PART_ROWS][round] = ms_since(start_ns);
		start_ns = cpu_ns();
		state_draw(&state, &cells);
		ms[PART_DRAW][round] = ms_since(start_ns);
		ms[PART_TOGETHER][round] = ms_since(begin_ns);
		if (shown != state.tree.baseline)
			snapshot_destroy(shown);
		shown = next;
		if (round == 0)
			press(&state, pressed);
	}
	for (int part = 0; part < PART_COUNT; part++)
		ret[part] = median(ms[part], ROUNDS);
	if (state.tree.baseline != shown)
		snapshot_destroy((struct snapshot *)state.tree.baseline);
	snapshot_destroy(shown);
	state_deinit(&state);
	cells_deinit(&cells);
}

static bool pump(void *context, struct error *err)
{
	(void)context;
	(void)err;
	return true;
}

static bool is_stopping(void *context)
{
	(void)context;
	return false;
}

static void run_view(struct load *load, int slave)
{
	struct error err;
	const struct tui_source source = {
		.context = load, .pump = pump, .snapshot = take_snapshot, .is_stopping = is_stopping
	};
	if (login_tty(slave) != 0)
		_exit(1);
	setenv("TERM", "xterm-256color", 1);
	_exit(!tui_run(&source, &err));
}

/* Read what the view writes until it has refreshed `count` times. Returns the bytes. */
static size_t read_refreshes(const struct load *load, int master, int count)
{
	char bytes[65536];
	size_t sum = 0;
	uint64_t deadline_ns = clock_monotonic_ns() + DEADLINE_SECONDS * NS_PER_SECOND;
	while (atomic_load(load->refreshes) < count) {
		struct pollfd output = { .fd = master, .events = POLLIN };
		if (clock_monotonic_ns() > deadline_ns)
			abort();
		ssize_t len = poll(&output, 1, 50) > 0 ? read(master, bytes, sizeof(bytes)) : 0;
		sum += len > 0 ? (size_t)len : 0;
	}
	return sum;
}

/* Bytes that a terminal is sent for each refresh, the first pictures not counted. */
static double bytes_per_refresh(struct load *load)
{
	struct winsize size = { .ws_row = HEIGHT, .ws_col = WIDTH };
	int master, slave;
	load->refreshes = mmap(NULL, sizeof(*load->refreshes), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (load->refreshes == MAP_FAILED || openpty(&master, &slave, NULL, NULL, &size) != 0)
		abort();
	pid_t child = fork();
	if (child == 0)
		run_view(load, slave);
	close(slave);
	read_refreshes(load, master, 2);
	size_t sum = read_refreshes(load, master, 2 + REFRESHES);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(master);
	munmap(load->refreshes, sizeof(*load->refreshes));
	load->refreshes = NULL;
	return (double)sum / REFRESHES;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name, *keys;
	} pages_measured[] = {
		{ "sites", "" },       { "tree", "t" },	    { "hot path", "to" },
		{ "threads", "\t\t" }, { "baseline", "b" }, { "filtered", "\\module_1\n" },
		{ "unfolded", "*" },
	};

	make_frames();
	for (int i = 1; i < argc; i++) {
		struct load load;
		for (size_t page = 0; page < ARRAY_LEN(pages_measured); page++) {
			double ms[PART_COUNT];
			load_start(&load, (size_t)atol(argv[i]));
			measure(&load, pages_measured[page].keys, ms);
			profile_destroy(load.profile);
			printf("%s %s: describe %.2f ms, rows %.2f ms, draw %.2f ms, together "
			       "%.2f ms\n",
			       argv[i], pages_measured[page].name, ms[PART_DESCRIBE], ms[PART_ROWS],
			       ms[PART_DRAW], ms[PART_TOGETHER]);
		}
		load_start(&load, (size_t)atol(argv[i]));
		printf("%s sent: %.0f bytes\n", argv[i], bytes_per_refresh(&load));
		fflush(stdout);
		profile_destroy(load.profile);
	}
	return 0;
}
