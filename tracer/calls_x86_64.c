/* SPDX-License-Identifier: MIT */
#include "tracer/calls.h"

#include <linux/futex.h>
#include <linux/memfd.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "tracer/region_layout.h"

#define CALL(function) .name = #function, .number = SYS_##function
#define ANY(n)	       (1u << (n))

enum { SIGSET_BYTES = 8 };

static const int REGION_FLAGS = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;

static const struct seccomp_call restart[] = {
	{ CALL(restart_syscall), ANY(0) | ANY(1) | ANY(2) | ANY(3) | ANY(4) | ANY(5), { 0 } },
	{ 0 },
};

/* The kernel does not look at the arguments that may be anything here: they are what the program
 * had in its registers. */
static const struct seccomp_call park[] = {
	{ CALL(gettid), ANY(0) | ANY(1) | ANY(2) | ANY(3) | ANY(4) | ANY(5), { 0 } },
	{ CALL(futex), ANY(0) | ANY(3) | ANY(4) | ANY(5), { 0, FUTEX_WAKE, 1 } },
	{ CALL(futex), ANY(0) | ANY(3) | ANY(4) | ANY(5), { 0, FUTEX_WAIT, MAILBOX_POSTED } },
	{ 0 },
};

static const struct seccomp_call trap[] = {
	{ CALL(gettid), ANY(0) | ANY(1) | ANY(2) | ANY(3) | ANY(4) | ANY(5), { 0 } },
	{ CALL(rt_sigprocmask), ANY(2) | ANY(4) | ANY(5), { 0, 0, 0, SIGSET_BYTES } },
	{ CALL(rt_sigaction), ANY(2) | ANY(4) | ANY(5), { SIGTRAP, 0, 0, SIGSET_BYTES } },
	{ CALL(rt_sigaction), ANY(1) | ANY(4) | ANY(5), { SIGTRAP, 0, 0, SIGSET_BYTES } },
	{ CALL(rt_sigreturn), ANY(0) | ANY(1) | ANY(2) | ANY(3) | ANY(4) | ANY(5), { 0 } },
	{ CALL(getpid), ANY(0) | ANY(1) | ANY(2) | ANY(3) | ANY(4) | ANY(5), { 0 } },
	{ CALL(tgkill), ANY(0) | ANY(1) | ANY(3) | ANY(4) | ANY(5), { 0, 0, SIGTRAP } },
	{ 0 },
};

static const struct seccomp_call stub[] = {
	{ CALL(mmap),
	  ANY(0),
	  { 0, REGION_BYTES, PROT_READ | PROT_WRITE, REGION_FLAGS, (uint64_t)-1, 0 } },
	{ CALL(munmap), ANY(0) | ANY(2) | ANY(3) | ANY(4) | ANY(5), { 0, REGION_BYTES } },
	{ CALL(mmap),
	  ANY(0),
	  { 0, CODE_BYTES, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
	    (uint64_t)-1, 0 } },
	{ CALL(madvise), ANY(0) | ANY(3) | ANY(4) | ANY(5), { 0, WIPED_BYTES, MADV_WIPEONFORK } },
	{ CALL(madvise), ANY(0) | ANY(3) | ANY(4) | ANY(5), { 0, WIPED_BYTES, MADV_DONTNEED } },
	{ CALL(ppoll), ANY(2) | ANY(5), { 0, 0, 0, 0, 8 } },
	{ 0 },
};

static const struct seccomp_call memfd[] = {
	{ CALL(memfd_create),
	  ANY(0) | ANY(2) | ANY(3) | ANY(4) | ANY(5),
	  { 0, MFD_CLOEXEC | MFD_ALLOW_SEALING } },
	{ CALL(ftruncate), ANY(0) | ANY(2) | ANY(3) | ANY(4) | ANY(5), { 0, SHARED_BYTES } },
	{ CALL(mmap),
	  ANY(0) | ANY(4),
	  { 0, SHARED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED } },
	{ CALL(close), ANY(0) | ANY(1) | ANY(2) | ANY(3) | ANY(4) | ANY(5), { 0 } },
	{ 0 },
};

static const struct seccomp_call anonymous[] = {
	{ CALL(mmap),
	  ANY(0) | ANY(4),
	  { 0, SHARED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED } },
	{ 0 },
};

const struct seccomp_call *const calls_of[CALLS_COUNT] = {
	[CALLS_RESTART] = restart, [CALLS_PARK] = park,	  [CALLS_TRAP] = trap,
	[CALLS_STUB] = stub,	   [CALLS_MEMFD] = memfd, [CALLS_ANONYMOUS] = anonymous,
};
