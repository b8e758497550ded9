/* SPDX-License-Identifier: MIT */
#include "tracer/bus_guard.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>

#include "tracer/maps.h"

/* Put an empty page in the place of the one that is missing. */
static void on_bus_error(int number, siginfo_t *info, void *context)
{
	(void)context;
	int os_errno = errno;
	void *page = (void *)((uintptr_t)info->si_addr & -(uintptr_t)PAGE_BYTES);
	if (info->si_code != BUS_ADRERR ||
	    mmap(page, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		 -1, 0) != page)
		signal(number, SIG_DFL); /* the access is made again, and ends the process */
	errno = os_errno;
}

void bus_guard_install(void)
{
	struct sigaction action = { .sa_sigaction = on_bus_error,
				    .sa_flags = SA_SIGINFO | SA_RESTART };
	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, NULL);
}
