/* SPDX-License-Identifier: MIT */
#ifndef TRACER_TARGET_MEMORY_H
#define TRACER_TARGET_MEMORY_H

/**
 * @file
 * The memory of a living process, read and written. Needs the permission to ptrace it, not the
 * attachment (ptrace(2) "PTRACE_MODE_ATTACH_REALCREDS").
 */

#include "base/memory.h"

struct target_memory {
	struct memory memory; /* the seam, by process_vm_readv(2) */
	int pid;
	int mem_fd; /* /proc/PID/mem: stays with this program, even if the target calls execve */
};

/** Open the memory of a process. Errors: ERROR_NO_PROCESS, ERROR_NOT_PERMITTED. */
MUST_CHECK bool target_memory_init(struct target_memory *tm, int pid, struct error *err);
void target_memory_deinit(struct target_memory *tm);

/** Write whatever the protection of the page (proc(5) "/proc/pid/mem"), as long as the mapping is
 *  private: for code. A write inside one page happens whole or not at all.
 *  Errors: ERROR_READ with the address, ERROR_NO_PROCESS. */
MUST_CHECK bool target_memory_write(struct target_memory *tm, raddr address, const void *buffer,
				    size_t len, struct error *err);

#endif
