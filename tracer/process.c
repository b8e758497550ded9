/* SPDX-License-Identifier: MIT */
#include "tracer/process.h"

#include <dirent.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "tracer/procfs.h"

/* PF_KTHREAD, in the flags of proc(5)'s stat (include/linux/sched.h). */
enum { KERNEL_THREAD_FLAG = 0x00200000 };

/* A command line may be as long as the process likes: prctl(2) "PR_SET_MM". */
enum { ARGUMENTS_MAX = 4096 };

/* -- the status file -- */

/* The value of a line "key:\tvalue", up to the line's end; NULL if there is none. */
static const char *find_value(const char *status, const char *key)
{
	size_t len = strlen(key);
	for (const char *line = status; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, len) && line[len] == ':')
			return line + len + 1 + strspn(line + len + 1, " \t");
	}
	return NULL;
}

static uint64_t number_value(const char *status, const char *key, int base)
{
	const char *value = find_value(status, key);
	return value ? strtoull(value, NULL, base) : 0;
}

/* "NSpid:\t4121\t12\t1": the innermost namespace is the last; absent before Linux 4.1. */
static int namespace_pid(const char *status, int pid)
{
	const char *value = find_value(status, "NSpid");
	if (!value)
		return pid;

	long last = pid;
	for (char *end; *value && *value != '\n'; value = end) {
		long number = strtol(value, &end, 10);
		if (end == value)
			break;
		last = number;
		end += strspn(end, " \t");
	}
	return (int)last;
}

static void copy_line(const char *line, char *ret, size_t size)
{
	size_t len = line ? strcspn(line, "\n") : 0;
	if (len > size - 1)
		len = size - 1;
	memcpy(ret, line ? line : "", len);
	ret[len] = '\0';
}

static int filter_count(const char *status)
{
	if (find_value(status, "Seccomp_filters"))
		return (int)number_value(status, "Seccomp_filters", 10);
	return number_value(status, "Seccomp", 10) == SECCOMP_MODE_FILTER;
}

/* Field `number` of stat; they are counted from behind the name, which may hold anything. */
static uint64_t stat_field(const char *stat, int number)
{
	const char *field = strrchr(stat, ')');
	for (int i = 2; field && i < number; i++)
		field = strchr(field + 1, ' ');
	return field ? strtoull(field, NULL, 10) : 0;
}

/* The second number of "real effective saved file-system". */
static unsigned effective_id(const char *status, const char *key)
{
	const char *ids = find_value(status, key);
	const char *effective = ids ? strchr(ids, '\t') : NULL;
	return effective ? (unsigned)strtoul(effective, NULL, 10) : 0;
}

bool process_read(int pid, struct process *ret, struct error *err)
{
	OWNED_FREE char *status = NULL;
	OWNED_FREE char *stat = NULL;
	size_t unused;
	if (!procfs_read(pid, "status", &status, &unused, err) ||
	    !procfs_read(pid, "stat", &stat, &unused, err))
		return false;

	const char *state = find_value(status, "State");
	*ret = (struct process){
		.pid = pid,
		.state = state ? *state : '?',
		.leader_pid = (int)number_value(status, "Tgid", 10),
		.parent_pid = (int)number_value(status, "PPid", 10),
		.tracer_pid = (int)number_value(status, "TracerPid", 10),
		.namespace_pid = namespace_pid(status, pid),
		.thread_count = (int)number_value(status, "Threads", 10),
		.seccomp_mode = (int)number_value(status, "Seccomp", 10),
		.seccomp_filters = filter_count(status),
		.uid = effective_id(status, "Uid"),
		.gid = effective_id(status, "Gid"),
		.capabilities = number_value(status, "CapPrm", 16),
		.effective = number_value(status, "CapEff", 16),
		.is_kernel_thread = stat_field(stat, 9) & KERNEL_THREAD_FLAG,
		.has_memory = find_value(status, "VmRSS") != NULL,
		.rss_bytes = number_value(status, "VmRSS", 10) * 1024,
		.start_boottime_ns =
			stat_field(stat, 22) * (NS_PER_SECOND / (uint64_t)sysconf(_SC_CLK_TCK)),
	};
	copy_line(find_value(status, "Name"), ret->name, sizeof(ret->name));
	return true;
}

bool process_read_command(int pid, char ***ret, struct error *err)
{
	OWNED_FREE char *text = NULL;
	size_t len;
	if (!procfs_read_head(pid, "cmdline", &text, &len, err))
		return false;

	size_t count = 0;
	for (size_t at = 0; at < len && count < ARGUMENTS_MAX; at += strlen(text + at) + 1)
		count++;
	size_t vector_bytes = (count + 1) * sizeof(char *);
	char **vector = malloc(vector_bytes + len + 1);
	if (!vector)
		return error_set(err, ERROR_NO_MEMORY, "command line of process %d", pid);

	char *copy = (char *)vector + vector_bytes;
	memcpy(copy, text, len + 1);
	for (size_t i = 0; i < count; i++) {
		vector[i] = copy;
		copy += strlen(copy) + 1;
	}
	vector[count] = NULL;
	*ret = vector;
	return true;
}

/* -- threads -- */

static void close_directory(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

/* List the numbers among the names in a directory. Errors: ERROR_NO_PROCESS (no such directory),
 * ERROR_NO_MEMORY. */
static bool list_numbers(const char *path, int **ret, size_t *len_ret, struct error *err)
{
	OWNED(close_directory) DIR *directory = opendir(path);
	if (!directory)
		return error_set(err, ERROR_NO_PROCESS, "there is no %s", path);

	OWNED_FREE int *numbers = NULL;
	size_t len = 0;
	size_t capacity = 0;
	for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
		int number = atoi(entry->d_name);
		if (number <= 0)
			continue;
		if (len == capacity) {
			capacity = capacity ? 2 * capacity : 64;
			int *larger = reallocarray(numbers, capacity, sizeof(*numbers));
			if (!larger)
				return error_set(err, ERROR_NO_MEMORY, "list of %s", path);
			numbers = larger;
		}
		numbers[len++] = number;
	}
	*ret = MOVE_PTR(numbers);
	*len_ret = len;
	return true;
}

bool process_list(int **ret, size_t *len_ret, struct error *err)
{
	return list_numbers("/proc", ret, len_ret, err);
}

bool process_threads(int pid, int **ret, size_t *len_ret, struct error *err)
{
	char path[32];
	OWNED_FREE int *tids = NULL;
	size_t len;
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	if (!list_numbers(path, &tids, &len, err))
		return err->kind == ERROR_NO_PROCESS
			       ? error_set(err, ERROR_NO_PROCESS, "there is no process %d", pid)
			       : false;
	if (len == 0)
		return error_set(err, ERROR_NO_PROCESS, "process %d has ended", pid);
	*ret = MOVE_PTR(tids);
	*len_ret = len;
	return true;
}

/* Read /proc/PID/task/TID/`file`; NULL if the thread is gone. The caller frees. */
static char *read_thread_file(int pid, int tid, const char *file, struct error *err)
{
	char name[64];
	char *text;
	size_t unused;
	snprintf(name, sizeof(name), "task/%d/%s", tid, file);
	return procfs_read(pid, name, &text, &unused, err) ? text : NULL;
}

const char *process_thread_name(int pid, int tid, char *ret, size_t size)
{
	struct error unused;
	OWNED_FREE char *name = read_thread_file(pid, tid, "comm", &unused);
	copy_line(name, ret, size);
	return ret;
}

int process_find_thread(int pid, int namespace_tid)
{
	OWNED_FREE int *tids = NULL;
	size_t tid_count;
	struct error unused;
	if (!process_threads(pid, &tids, &tid_count, &unused))
		return 0;
	/* Whoever is new is asked for most often, and stands last. */
	for (size_t i = tid_count; i-- > 0;) {
		OWNED_FREE char *status = read_thread_file(pid, tids[i], "status", &unused);
		if (status && namespace_pid(status, tids[i]) == namespace_tid)
			return tids[i];
	}
	return 0;
}

static char thread_state(int pid, int tid)
{
	struct error unused;
	OWNED_FREE char *status = read_thread_file(pid, tid, "status", &unused);
	const char *state = status ? find_value(status, "State") : NULL;
	return state ? *state : 'X';
}

bool process_is_our_child(int pid)
{
	struct process process;
	struct error ignored;
	return process_read(pid, &process, &ignored) && process.parent_pid == getpid() &&
	       process.leader_pid == pid; /* its other threads have no parent that waits */
}

bool process_thread_is_dead(int pid, int tid)
{
	char state = thread_state(pid, tid);
	return state == 'Z' || state == 'X';
}

bool process_thread_is_stuck(int pid, int tid)
{
	return thread_state(pid, tid) == 'D';
}

bool process_thread_wait(int pid, int tid, struct thread_wait *ret, struct error *err)
{
	OWNED_FREE char *text = read_thread_file(pid, tid, "syscall", err);
	if (!text)
		return false;
	if (!strncmp(text, "running", strlen("running"))) {
		*ret = (struct thread_wait){ .is_running = true };
		return true;
	}

	/* "NUMBER [six arguments] SP PC"; the number is -1 outside of system calls. */
	char *next;
	struct thread_wait wait = { .system_call = strtol(text, &next, 10) };
	uint64_t fields[8];
	size_t count = 0;
	for (char *end; count < ARRAY_LEN(fields); count++, next = end) {
		fields[count] = strtoull(next, &end, 16);
		if (end == next)
			break;
	}
	if (count < 2)
		return error_set(err, ERROR_FORMAT, "system call of thread %d: %.40s", tid, text);
	wait.stack_pointer = fields[count - 2];
	wait.instruction_pointer = fields[count - 1];
	*ret = wait;
	return true;
}

bool process_thread_waits_for_vfork(int pid, int tid)
{
	struct thread_wait wait;
	struct error unused;
	/* The kernel waits with TASK_KILLABLE, which shows as D. */
	if (thread_state(pid, tid) != 'D' || !process_thread_wait(pid, tid, &wait, &unused))
		return false;
	return !wait.is_running &&
	       (wait.system_call == SYS_vfork || wait.system_call == SYS_clone ||
		wait.system_call == SYS_clone3);
}

/* Actions by default that do nothing (signal(7) "Standard signals"). */
static const uint64_t IGNORED_BY_DEFAULT =
	UINT64_C(1) << (SIGCHLD - 1) | UINT64_C(1) << (SIGURG - 1) | UINT64_C(1) << (SIGWINCH - 1) |
	UINT64_C(1) << (SIGCONT - 1);

bool process_read_signals(int pid, int tid, struct process_signals *ret, struct error *err)
{
	OWNED_FREE char *status = read_thread_file(pid, tid, "status", err);
	if (!status)
		return false;
	*ret = (struct process_signals){
		.blocked = number_value(status, "SigBlk", 16),
		.ignored = number_value(status, "SigIgn", 16),
		.caught = number_value(status, "SigCgt", 16),
		.pending = number_value(status, "SigPnd", 16) | number_value(status, "ShdPnd", 16),
	};
	return true;
}

static uint64_t ignored_signals(const struct process_signals *signals)
{
	return signals->ignored | (IGNORED_BY_DEFAULT & ~signals->caught);
}

bool process_thread_has_pending_signal(int pid, int tid)
{
	struct process_signals signals;
	struct error unused;
	return process_read_signals(pid, tid, &signals, &unused) &&
	       (signals.pending & ~signals.blocked & ~ignored_signals(&signals)) != 0;
}

bool process_ignores_signal(int pid, int number)
{
	struct process_signals signals;
	struct error unused;
	return process_read_signals(pid, pid, &signals, &unused) &&
	       (ignored_signals(&signals) >> (number - 1) & 1);
}
