/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_REPORT_DIFFS_H
#define TESTS_UNIT_REPORT_DIFFS_H

/**
 * @file
 * Diffs to report on.
 */

#include "report/diff.h"
#include "tests/unit/profile/versions.h"
#include "tests/unit/report/output.h"

/* A leak that doubled and moved, a mended one, a new one with a hostile name, and some steady sites
 * besides. */
static inline void make_leaky_versions(struct version *old, struct version *new, int steady_count)
{
	static const struct frame old_main = { "<module>", "/srv/app-v1/main.py", 90 };
	static const struct frame new_main = { "<module>", "/srv/app-v2/main.py", 97 };
	const uint64_t start_ns = UINT64_C(1795348800) * NS_PER_SECOND;
	version_init(old, 100, 1024);
	version_init(new, 50, 1024);
	old->snapshot.capture.start_realtime_ns = new->snapshot.capture.start_realtime_ns =
		start_ns;
	size_t leak = version_add(old, &(struct frame){ "render", "/srv/app-v1/views.py", 20 },
				  5000000, 50000, 2000);
	version_add_caller(old, leak, &old_main);
	version_add(old, &(struct frame){ "put", "/srv/app-v1/cache.py", 7 }, 400000, 8000, 500);
	leak = version_add(new, &(struct frame){ "render", "/srv/app-v2/views.py", 23 }, 5200000,
			   100000, 3000);
	version_add_caller(new, leak, &new_main);
	version_add(new, &(struct frame){ HOSTILE_NAME, "/srv/app-v2/" HOSTILE_NAME, 5 }, 300000,
		    6000, 500);
	for (int i = 0; i < steady_count; i++) {
		const struct frame frame = { "steady", "/srv/steady.py", 10 + i };
		version_add(old, &frame, 1000, 10, 5);
		version_add(new, &frame, 1000, 10, 5);
	}
}

#endif
