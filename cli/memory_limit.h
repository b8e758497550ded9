/* SPDX-License-Identifier: MIT */
#ifndef CLI_MEMORY_LIMIT_H
#define CLI_MEMORY_LIMIT_H

/**
 * @file
 * How much memory the control groups of a process let it have.
 */

#include <stdint.h>

/** The smallest limit of a process's group and those above it; 0 if there is none, or none that can
 *  be seen from here. `groups` is the text of /proc/PID/cgroup, cgroups(7); `mount` is where the
 *  hierarchies are, /sys/fs/cgroup. */
uint64_t memory_limit_find(const char *groups, const char *mount);

/** The same for a process as it is now. */
uint64_t memory_limit_read(int pid);

#endif
