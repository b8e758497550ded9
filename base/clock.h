/* SPDX-License-Identifier: MIT */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

/**
 * @file
 * Time as nanoseconds.
 */

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define NS_PER_SECOND UINT64_C(1000000000)
#define NS_PER_MS     UINT64_C(1000000)

/** Nanoseconds of CLOCK_MONOTONIC: for durations. */
static inline uint64_t clock_monotonic_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

/** Nanoseconds since 1970, UTC: for people. */
static inline uint64_t clock_realtime_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

/** A duration as the kernel takes it. */
static inline struct timespec clock_timespec(uint64_t ns)
{
	return (struct timespec){ (time_t)(ns / NS_PER_SECOND), (long)(ns % NS_PER_SECOND) };
}

/** Sleep for so long, or until a signal comes. */
static inline void clock_sleep(uint64_t ns)
{
	const struct timespec duration = clock_timespec(ns);
	nanosleep(&duration, NULL);
}

#endif
