/* SPDX-License-Identifier: MIT */
/*
 * A thread inside the target that notices how long it was held up. To be loaded with ctypes; the
 * thread never takes the GIL.
 *
 *	pulse_start(PULSE_BEAT)		take the time in a tight loop: a gap means that all threads
 *					stood still
 *	pulse_start(PULSE_ALLOCATE)	time each call of malloc, with pauses between rounds: a long
 *					call means that this thread was stopped. The blocks of slow
 *					calls are kept, and so those of stops: a tracer that counts
 *					what this thread keeps tells how often it stopped it
 *	pulse_stop(gaps, max)		end it; the gaps in seconds. Returns how many there were.
 *
 * What the thread spent waiting for a processor, as the kernel counts it (/proc/PID/schedstat), is
 * taken off every gap: other programs' load is not what is looked for.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { PULSE_BEAT, PULSE_ALLOCATE };

enum { GAPS_MAX = 1 << 20, KEPT_MAX = 1 << 16, BLOCK_BYTES = 1000, BATCH = 100 };

static const uint64_t GAP_NS = 10000;

int pulse_start(int kind);
size_t pulse_stop(double *ret, size_t max);

static pthread_t thread;
static atomic_bool has_begun, is_stopping;
static double gaps[GAPS_MAX];
static size_t gap_count;
static void *kept[KEPT_MAX];
static size_t kept_count;

static uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* How long this thread has waited for a processor so far. */
static uint64_t waited_ns(int fd)
{
	char text[128] = "";
	unsigned long long waited = 0;
	if (fd >= 0 && pread(fd, text, sizeof(text) - 1, 0) > 0)
		sscanf(text, "%*u %llu", &waited);
	return waited;
}

/* Note a gap that begins at `before_ns`, if it is one. Returns whether it seemed to be. */
static bool note(int fd, uint64_t before_ns, uint64_t after_ns, uint64_t *waited_before)
{
	uint64_t gap_ns = after_ns - before_ns;
	if (gap_ns < GAP_NS)
		return false;
	uint64_t waited = waited_ns(fd);
	uint64_t waiting_ns = waited - *waited_before;
	*waited_before = waited;
	gap_ns = gap_ns > waiting_ns ? gap_ns - waiting_ns : 0;
	if (gap_ns >= GAP_NS && gap_count < GAPS_MAX)
		gaps[gap_count++] = (double)gap_ns / 1e9;
	return true;
}

static void *beat(void *unused)
{
	(void)unused;
	int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	uint64_t waited = waited_ns(fd);
	uint64_t before_ns = now_ns();
	atomic_store(&has_begun, true);
	for (bool is_last = false; !is_last;) {
		/* Asked first: the gap in which the end was asked for counts too. */
		is_last = atomic_load(&is_stopping);
		uint64_t at_ns = now_ns();
		note(fd, before_ns, at_ns, &waited);
		before_ns = at_ns - before_ns < GAP_NS ? at_ns : now_ns();
	}
	close(fd);
	return NULL;
}

static void *allocate(void *unused)
{
	static void *blocks[BATCH];
	(void)unused;
	pthread_setname_np(pthread_self(), "pulse");
	int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	atomic_store(&has_begun, true);
	while (!atomic_load(&is_stopping)) {
		uint64_t waited = waited_ns(fd);
		for (size_t i = 0; i < BATCH; i++) {
			uint64_t before_ns = now_ns();
			blocks[i] = malloc(BLOCK_BYTES);
			if (note(fd, before_ns, now_ns(), &waited) && kept_count < KEPT_MAX) {
				kept[kept_count++] = blocks[i];
				blocks[i] = NULL;
			}
		}
		for (size_t i = 0; i < BATCH; i++)
			free(blocks[i]);
		usleep(1000);
	}
	close(fd);
	return NULL;
}

int pulse_start(int kind)
{
	atomic_store(&has_begun, false);
	atomic_store(&is_stopping, false);
	gap_count = 0;
	int error = pthread_create(&thread, NULL, kind == PULSE_BEAT ? beat : allocate, NULL);
	while (!error && !atomic_load(&has_begun))
		sched_yield();
	return error;
}

size_t pulse_stop(double *ret, size_t max)
{
	atomic_store(&is_stopping, true);
	pthread_join(thread, NULL);
	for (size_t i = 0; i < gap_count && i < max; i++)
		ret[i] = gaps[i];
	while (kept_count > 0)
		free(kept[--kept_count]);
	return gap_count;
}
