/* SPDX-License-Identifier: MIT */
#include "cli/python_processes.h"

#include <elf.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/python_files.h"
#include "tracer/access.h"
#include "tracer/admission.h"
#include "tracer/process.h"
#include "tracer/target_memory.h"

enum { CANDIDATES_MAX = 8 };

struct search {
	struct python_processes found;
	struct python_files files;
	size_t capacity;
	uint64_t now_boottime_ns;
};

/* How much is known of a process. */
enum finding {
	FOUND_NOTHING, /* no Python, or it has ended */
	FOUND_PYTHON,
	FOUND_CLOSED, /* we may not look */
};

static void search_deinit(struct search *search)
{
	python_processes_deinit(&search->found);
	python_files_deinit(&search->files);
}

const char *python_processes_reason(const char *context, int pid)
{
	char prefix[32];
	int len = snprintf(prefix, sizeof(prefix), "process %d ", pid);
	return strncmp(context, prefix, (size_t)len) ? context : context + len;
}

static void set_reason(struct report_process *process, const char *context)
{
	snprintf(process->reason, sizeof(process->reason), "%s",
		 python_processes_reason(context, process->pid));
}

/* -- may we attach? -- */

/* The kernel asks the same for reading memory as for attaching (ptrace(2)
 * "PTRACE_MODE_ATTACH_REALCREDS"), Yama included. */
static bool is_permitted(int pid, raddr header, struct error *err)
{
	OWNED(target_memory_deinit) struct target_memory memory = { .mem_fd = -1 };
	char magic[SELFMAG];
	if (target_memory_init(&memory, pid, err) &&
	    memory_read(&memory.memory, header, magic, sizeof(magic), err))
		return true;
	return err->kind == ERROR_READ; /* allowed, only not there any more */
}

/* Sudo is what helps, whatever else stands in the way of a process of another user. */
static void explain_closed(const struct process *process, struct report_process *ret)
{
	struct error why;
	char uid[16];
	snprintf(uid, sizeof(uid), "%u", process->uid);
	if (geteuid() != 0 && process->uid != geteuid())
		snprintf(ret->reason, sizeof(ret->reason), "belongs to user %s: run with sudo",
			 *ret->user ? ret->user : uid);
	else if (!access_explain_denied(process->pid, &why))
		set_reason(ret, why.context);
}

static void judge(const struct process *process, raddr header, struct report_process *ret)
{
	struct error why;
	if (*ret->reason) /* already known from its file */
		return;
	if (!admission_check(process->pid, &why))
		set_reason(ret, why.context);
	else if (!is_permitted(process->pid, header, &why))
		explain_closed(process, ret);
}

/* -- is it Python? -- */

/* What a candidate is, the better the later. */
enum rank {
	RANK_NONE,
	RANK_UNREADABLE, /* called Python, but nobody can tell */
	RANK_UNSUPPORTED,
	RANK_SUPPORTED,
};

static enum rank rank_file(struct search *search, int pid, const struct mapping *mapping,
			   struct python_file *ret)
{
	const struct python_file *file;
	struct error problem;
	if (python_files_look(&search->files, pid, mapping, &file, &problem)) {
		*ret = *file;
		if (!file->is_python)
			return RANK_NONE;
		return *file->refusal ? RANK_UNSUPPORTED : RANK_SUPPORTED;
	}
	*ret = (struct python_file){ 0 };
	memcpy(ret->refusal, problem.context, sizeof(ret->refusal));
	return python_files_is_named(mapping->path) ? RANK_UNREADABLE : RANK_NONE;
}

static const char *read_executable(int pid, char ret[PATH_MAX + 1])
{
	char link[32];
	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	ssize_t len = readlink(link, ret, PATH_MAX);
	if (len < 0)
		return NULL;
	ret[len] = '\0';
	return ret;
}

/* Find the file with the interpreter and say what it is; NULL if there is none. */
static const struct mapping *find_interpreter(struct search *search, const struct maps *maps,
					      struct report_process *ret)
{
	char executable[PATH_MAX + 1];
	const struct mapping *candidates[CANDIDATES_MAX];
	size_t count = python_files_candidates(maps, read_executable(ret->pid, executable),
					       candidates, CANDIDATES_MAX);

	const struct mapping *best = NULL;
	enum rank best_rank = RANK_NONE;
	for (size_t i = 0; i < count && best_rank != RANK_SUPPORTED; i++) {
		struct python_file file;
		enum rank rank = rank_file(search, ret->pid, candidates[i], &file);
		if (rank <= best_rank)
			continue;
		best = candidates[i];
		best_rank = rank;
		snprintf(ret->python, sizeof(ret->python), "%s", file.version);
		snprintf(ret->reason, sizeof(ret->reason), "%s", file.refusal);
	}
	return best;
}

/* What cannot be looked into is told by its name: the kernel's, or the one it was called by. */
static bool is_called_python(const struct report_process *process)
{
	return python_files_is_program(process->name) ||
	       (process->command && *process->command &&
		python_files_is_program(*process->command));
}

static enum finding look_into(struct search *search, const struct process *process,
			      struct report_process *ret)
{
	struct error problem;
	OWNED_MAPS struct maps maps = { 0 };
	if (process->state == 'Z' || process->state == 'X') {
		if (!is_called_python(ret) || access_explain_denied(ret->pid, &problem))
			return FOUND_NOTHING;
		set_reason(ret, problem.context);
		return FOUND_PYTHON;
	}
	if (maps_read(ret->pid, &maps, &problem)) {
		const struct mapping *interpreter = find_interpreter(search, &maps, ret);
		if (!interpreter)
			return FOUND_NOTHING;
		judge(process, interpreter->start, ret);
		return FOUND_PYTHON;
	}
	if (problem.kind != ERROR_NOT_PERMITTED)
		return FOUND_NOTHING;
	if (!is_called_python(ret))
		return FOUND_CLOSED;
	explain_closed(process, ret);
	return FOUND_PYTHON;
}

/* -- all of them -- */

static const char *user_name(uid_t uid)
{
	const struct passwd *entry = getpwuid(uid);
	return entry ? entry->pw_name : "";
}

static void describe(struct search *search, const struct process *process,
		     struct report_process *ret)
{
	struct error unused;
	uint64_t age_ns = search->now_boottime_ns - process->start_boottime_ns;
	bool is_newer = process->start_boottime_ns > search->now_boottime_ns;
	*ret = (struct report_process){
		.pid = process->pid,
		.uid = process->uid,
		.rss_bytes = process->rss_bytes,
		.uptime_seconds = is_newer ? 0 : (double)age_ns / (double)NS_PER_SECOND,
	};
	memcpy(ret->name, process->name, sizeof(ret->name));
	snprintf(ret->user, sizeof(ret->user), "%s", user_name(process->uid));
	if (!process_read_command(process->pid, &ret->command, &unused))
		ret->command = NULL;
}

/* A reason that was found while the process ended may be about its end. The memory goes first, the
 * zombie comes later. */
static bool has_ended_since(const struct process *before)
{
	struct process now;
	struct error unused;
	bool was_zombie = before->state == 'Z' || before->state == 'X';
	if (!process_read(before->pid, &now, &unused) ||
	    now.start_boottime_ns != before->start_boottime_ns)
		return true;
	bool has_lost_memory = before->rss_bytes != 0 && now.rss_bytes == 0;
	return has_lost_memory || (!was_zombie && (now.state == 'Z' || now.state == 'X'));
}

static bool add(struct search *search, struct report_process *process, struct error *err)
{
	struct python_processes *found = &search->found;
	if (found->len == search->capacity) {
		size_t capacity = search->capacity ? 2 * search->capacity : 64;
		struct report_process *larger =
			reallocarray(found->list, capacity, sizeof(*larger));
		if (!larger)
			return error_set(err, ERROR_NO_MEMORY, "list of processes");
		found->list = larger;
		search->capacity = capacity;
	}
	found->list[found->len++] = *process;
	process->command = NULL;
	return true;
}

static bool look_at(struct search *search, int pid, struct error *err)
{
	struct process process;
	struct error unused;
	if (pid == getpid() || !process_read(pid, &process, &unused))
		return true;

	struct report_process candidate;
	describe(search, &process, &candidate);
	enum finding finding = look_into(search, &process, &candidate);
	bool is_ok = true;
	if (finding == FOUND_CLOSED && process.uid != geteuid())
		search->found.unseen++;
	else if (finding == FOUND_PYTHON && (!*candidate.reason || !has_ended_since(&process)))
		is_ok = add(search, &candidate, err);
	free(candidate.command);
	return is_ok;
}

static int compare(const void *a, const void *b)
{
	const struct report_process *left = a;
	const struct report_process *right = b;
	if (left->rss_bytes != right->rss_bytes)
		return left->rss_bytes < right->rss_bytes ? 1 : -1;
	return (left->pid > right->pid) - (left->pid < right->pid);
}

static uint64_t clock_boottime_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

bool python_processes_find(struct python_processes *ret, struct error *err)
{
	OWNED(search_deinit)
	struct search search = { .now_boottime_ns = clock_boottime_ns() };
	OWNED_FREE int *pids = NULL;
	size_t count;
	if (!process_list(&pids, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!look_at(&search, pids[i], err))
			return false;
	}
	if (search.found.len > 0)
		qsort(search.found.list, search.found.len, sizeof(*search.found.list), compare);
	*ret = search.found;
	search.found = (struct python_processes){ 0 };
	return true;
}

void python_processes_deinit(struct python_processes *processes)
{
	for (size_t i = 0; i < processes->len; i++)
		free(processes->list[i].command);
	free(processes->list);
	*processes = (struct python_processes){ 0 };
}
