/* SPDX-License-Identifier: MIT */
/*
 * Kills its own process, with SIGKILL, right before the n-th step by which it touches another one.
 * To be preloaded into a tracer (LD_PRELOAD), which need not know.
 *
 * A step is one call of ptrace, a write into another process's memory, a status taken by waitpid
 * or waitid (the kill comes after it), an opening of /proc/PID/fd/N, sealing or mapping what was
 * opened there, a wake of a futex, and a change of the robust list. A run of reads of memory is one
 * step, too: it changes nothing in the target, and how long it is depends on polling.
 *
 *	KILL_AT=N	before which step; 0 or unset: only count
 *	KILL_FROM=FILE	count only from when this file exists
 *	KILL_REPORT=FILE  keeps a struct report up to date, also over the kill
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

struct report {
	_Atomic uint64_t steps;
	char last[24]; /* the name of the last step's call */
};

enum { FDS_MAX = 1024 };

static uint64_t kill_at;
static const char *kill_from;
static struct report in_memory;
static struct report *report = &in_memory;
static atomic_bool is_reading; /* the step before was a read */
static atomic_bool has_begun;

/* What a descriptor of /proc/PID is. */
static enum { FD_OTHER, FD_MEMORY, FD_OF_TARGET } fds[FDS_MAX];

#define REAL(name)                     \
	static __typeof__(name) *real; \
	if (!real)                     \
	real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void begin(void)
{
	const char *at = getenv("KILL_AT");
	const char *path = getenv("KILL_REPORT");
	kill_at = at ? strtoull(at, NULL, 10) : 0;
	kill_from = getenv("KILL_FROM");
	if (!path)
		return;
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	void *pages = MAP_FAILED;
	if (fd >= 0 && ftruncate(fd, sizeof(*report)) == 0)
		pages = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (pages == MAP_FAILED) {
		fprintf(stderr, "kill_at: cannot make %s\n", path);
		abort();
	}
	close(fd);
	report = pages;
}

static bool is_counting(void)
{
	if (kill_from && !has_begun)
		has_begun = access(kill_from, F_OK) == 0;
	return !kill_from || has_begun;
}

static void step(const char *name)
{
	if (!is_counting())
		return;
	atomic_store(&is_reading, false);
	snprintf(report->last, sizeof(report->last), "%s", name);
	if (atomic_fetch_add(&report->steps, 1) + 1 != kill_at)
		return;
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

static void step_of_reading(const char *name)
{
	if (!is_counting() || atomic_load(&is_reading))
		return;
	step(name);
	atomic_store(&is_reading, true);
}

static bool is_kind(int fd, int kind)
{
	return fd >= 0 && fd < FDS_MAX && (int)fds[fd] == kind;
}

static void note_open(int fd, const char *path)
{
	if (fd < 0 || fd >= FDS_MAX)
		return;
	int pid, number, len = 0;
	fds[fd] = FD_OTHER;
	if (sscanf(path, "/proc/%d/mem%n", &pid, &len) == 1 && len && !path[len])
		fds[fd] = FD_MEMORY;
	else if (sscanf(path, "/proc/%d/fd/%d", &pid, &number) == 2)
		fds[fd] = FD_OF_TARGET;
}

/* ---- the calls ------------------------------------------------------------------------------- */

long ptrace(enum __ptrace_request request, ...)
{
	static const struct {
		int request;
		const char *name;
	} names[] = {
		{ PTRACE_SEIZE, "ptrace SEIZE" },     { PTRACE_INTERRUPT, "ptrace INTERRUPT" },
		{ PTRACE_GETREGS, "ptrace GETREGS" }, { PTRACE_POKEUSER, "ptrace POKEUSER" },
		{ PTRACE_DETACH, "ptrace DETACH" },
	};
	const char *name = "ptrace";
	va_list list;
	va_start(list, request);
	pid_t pid = va_arg(list, pid_t);
	void *address = va_arg(list, void *);
	void *data = va_arg(list, void *);
	va_end(list);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].request == (int)request)
			name = names[i].name;
	REAL(ptrace);
	step(name);
	return real(request, pid, address, data);
}

ssize_t process_vm_readv(pid_t pid, const struct iovec *local, unsigned long local_count,
			 const struct iovec *remote, unsigned long remote_count,
			 unsigned long flags)
{
	REAL(process_vm_readv);
	step_of_reading("process_vm_readv");
	return real(pid, local, local_count, remote, remote_count, flags);
}

ssize_t process_vm_writev(pid_t pid, const struct iovec *local, unsigned long local_count,
			  const struct iovec *remote, unsigned long remote_count,
			  unsigned long flags)
{
	REAL(process_vm_writev);
	step("process_vm_writev");
	return real(pid, local, local_count, remote, remote_count, flags);
}

ssize_t pwrite(int fd, const void *buffer, size_t len, off_t offset)
{
	REAL(pwrite);
	if (is_kind(fd, FD_MEMORY))
		step("pwrite");
	return real(fd, buffer, len, offset);
}

ssize_t pwrite64(int fd, const void *buffer, size_t len, off64_t offset)
{
	REAL(pwrite64);
	if (is_kind(fd, FD_MEMORY))
		step("pwrite");
	return real(fd, buffer, len, offset);
}

pid_t waitpid(pid_t pid, int *status, int options)
{
	REAL(waitpid);
	pid_t result = real(pid, status, options);
	if (result > 0)
		step("waitpid");
	return result;
}

int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
	REAL(waitid);
	int result = real(type, id, info, options);
	if (result == 0 && info && info->si_pid)
		step("waitid");
	return result;
}

int open(const char *path, int flags, ...)
{
	va_list list;
	va_start(list, flags);
	mode_t mode = va_arg(list, mode_t);
	va_end(list);

	REAL(open);
	int pid, number;
	if (sscanf(path, "/proc/%d/fd/%d", &pid, &number) == 2)
		step("open of a descriptor");
	int fd = real(path, flags, mode);
	note_open(fd, path);
	return fd;
}

int close(int fd)
{
	REAL(close);
	if (fd >= 0 && fd < FDS_MAX)
		fds[fd] = FD_OTHER;
	return real(fd);
}

int fcntl(int fd, int command, ...)
{
	va_list list;
	va_start(list, command);
	void *argument = va_arg(list, void *);
	va_end(list);

	REAL(fcntl);
	if (is_kind(fd, FD_OF_TARGET))
		step("fcntl");
	return real(fd, command, argument);
}

void *mmap(void *address, size_t len, int protection, int flags, int fd, off_t offset)
{
	REAL(mmap);
	if (is_kind(fd, FD_OF_TARGET))
		step("mmap");
	return real(address, len, protection, flags, fd, offset);
}

long syscall(long number, ...)
{
	long arguments[6];
	va_list list;
	va_start(list, number);
	for (size_t i = 0; i < 6; i++)
		arguments[i] = va_arg(list, long);
	va_end(list);

	REAL(syscall);
	if (number == SYS_futex && (arguments[1] & FUTEX_CMD_MASK) == FUTEX_WAKE)
		step("futex wake");
	if (number == SYS_set_robust_list)
		step("set_robust_list");
	return real(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
		    arguments[5]);
}
