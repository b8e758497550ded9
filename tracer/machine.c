/* SPDX-License-Identifier: MIT */
#include "tracer/machine.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tracer/arch.h"

static bool has_pidfd(void)
{
	OWNED_FD int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	return fd >= 0;
}

static bool has_memfd(void)
{
	OWNED_FD int fd = (int)syscall(SYS_memfd_create, "filtrace", MFD_CLOEXEC);
	return fd >= 0;
}

static bool has_wipe_on_fork(void)
{
	size_t len = (size_t)sysconf(_SC_PAGESIZE);
	void *page = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return false;
	bool is_there = madvise(page, len, MADV_WIPEONFORK) == 0;
	munmap(page, len);
	return is_there;
}

static bool has_robust_futexes(void)
{
	void *head;
	size_t len;
	return syscall(SYS_get_robust_list, 0, &head, &len) == 0;
}

/* Versions: the manual pages of section 2. */
static const struct {
	const char *name;
	bool (*is_there)(void);
} features[] = {
	{ "robust futexes (Linux 2.6.17)", has_robust_futexes },
	{ "memfd_create (Linux 3.17)", has_memfd },
	{ "MADV_WIPEONFORK (Linux 4.14)", has_wipe_on_fork },
	{ "pidfd_open (Linux 5.3)", has_pidfd },
};

void machine_read(struct machine *ret)
{
	struct utsname name;
	*ret = (struct machine){ 0 };
	if (uname(&name) == 0) {
		snprintf(ret->architecture, sizeof(ret->architecture), "%s", name.machine);
		snprintf(ret->release, sizeof(ret->release), "%s", name.release);
	}
	ret->is_known = strcmp(ret->architecture, "x86_64") == 0 && arch_find(EM_X86_64);
	for (size_t i = 0; i < ARRAY_LEN(features); i++) {
		size_t len = strlen(ret->missing);
		if (!features[i].is_there())
			snprintf(ret->missing + len, sizeof(ret->missing) - len, "%s%s",
				 len ? ", " : "", features[i].name);
	}
}
