/* SPDX-License-Identifier: MIT */
/*
 * The tracer alone, without Python, on a program whose C allocator is gated: what filtrace does to
 * its target, for targets that are no CPython. Says "attached" on standard error, serves until
 * SIGINT or the time is over, lifts.
 *
 * usage: trace_alloc PID SECONDS SAMPLE_BYTES park|trap
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "tracer/tracer.h"

static volatile sig_atomic_t is_stopping;

static void stop(int number)
{
	(void)number;
	is_stopping = 1;
}

static bool note_stop(void *context, const struct stop *stopped)
{
	(void)context;
	(void)stopped;
	return true;
}

static void note_free(void *context, raddr block, uint64_t time_ns)
{
	(void)context;
	(void)block;
	(void)time_ns;
}

static void note_drop(void *context, raddr block)
{
	(void)context;
	(void)block;
}

static void note_double(void *context)
{
	(void)context;
}

static const struct tracer_listener listener = {
	.on_stop = note_stop,
	.on_free = note_free,
	.on_drop = note_drop,
	.on_double = note_double,
};

/* As filtrace does: a thread that waits long for a processor is tried again. */
static bool recover(struct tracer *tracer, struct error *err)
{
	uint64_t deadline_ns = clock_monotonic_ns() + 10 * NS_PER_SECOND;
	bool found;
	while (!tracer_recover(tracer, &found, err)) {
		if (err->kind != ERROR_TIMEOUT || clock_monotonic_ns() > deadline_ns)
			return false;
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	}
	return true;
}

static bool trace(struct tracer *tracer, uint64_t duration_ns,
		  const struct tracer_options *options, struct error *err)
{
	struct gate_spec specs[TRACER_LIBC_SPECS_MAX];
	size_t len;
	if (!recover(tracer, err) || !tracer_libc_specs(tracer, specs, &len, err) ||
	    !tracer_plant(tracer, specs, len, options, &listener, err))
		return false;

	fprintf(stderr, "attached\n");
	uint64_t deadline_ns = clock_monotonic_ns() + duration_ns;
	while (!is_stopping && clock_monotonic_ns() < deadline_ns)
		if (!tracer_serve(tracer, 10 * NS_PER_MS, err))
			return false;
	return tracer_lift(tracer, err);
}

int main(int argc, char **argv)
{
	struct tracer *tracer = NULL;
	struct error err = { 0 };
	if (argc != 5)
		return 2;
	signal(SIGINT, stop);

	uint64_t duration_ns = (uint64_t)(strtod(argv[2], NULL) * (double)NS_PER_SECOND);
	const struct tracer_options options = {
		.sample_bytes = strtoull(argv[3], NULL, 10),
		.stop_kind = strcmp(argv[4], "trap") == 0 ? TRACER_STOP_TRAP : TRACER_STOP_PARK,
	};
	bool is_ok = tracer_open(atoi(argv[1]), &tracer, &err) &&
		     trace(tracer, duration_ns, &options, &err);
	if (!is_ok)
		fprintf(stderr, "trace_alloc: %s\n", err.context);
	tracer_close(tracer);
	return is_ok ? 0 : 1;
}
