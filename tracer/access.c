/* SPDX-License-Identifier: MIT */
#include "tracer/access.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "tracer/procfs.h"

enum { SECCOMP_FILTERED = 2, NAMESPACE_DEPTH_MAX = 32, STATUS_UNTRIED = 255 };

/* -- judging -- */

enum obstacle access_judge_process(const struct process *process)
{
	if (process->leader_pid && process->leader_pid != process->pid)
		return OBSTACLE_THREAD;
	if (process->is_kernel_thread)
		return OBSTACLE_KERNEL_THREAD;
	if (process->state == 'Z' || process->state == 'X')
		return OBSTACLE_ENDED;
	if (!process->has_memory)
		return OBSTACLE_ENDING;
	return process->tracer_pid ? OBSTACLE_TRACED : OBSTACLE_NONE;
}

/* What CAP_SYS_PTRACE would overcome, in the order in which a person can do something about it. */
static enum obstacle judge_without_capability(const struct access *access)
{
	const struct process *process = &access->process;
	if (access->our_uid == 0)
		return OBSTACLE_ROOT_CAPABILITY;
	if (process->uid != access->our_uid)
		return OBSTACLE_OTHER_USER;
	if (access->yama_scope > 0)
		return access->yama_scope == 1 ? OBSTACLE_YAMA_CHILDREN : OBSTACLE_YAMA_ROOT;
	if (!access->is_dumpable)
		return OBSTACLE_PRIVATE;
	if (process->gid != access->our_gid)
		return OBSTACLE_OTHER_GROUP;
	if (process->capabilities & ~access->our_capabilities)
		return OBSTACLE_MORE_CAPABILITIES;
	return OBSTACLE_NONE;
}

/* "system_u:system_r:container_t:s0" as against "docker-default (enforce)". */
static bool is_selinux_label(const char *label)
{
	const char *role = strchr(label, ':');
	return role && strchr(role + 1, ':');
}

static bool is_confined_by_apparmor(const char *label)
{
	static const char complain[] = "(complain)";
	size_t len = strlen(label);
	bool is_complaining =
		len >= strlen(complain) && strcmp(label + len - strlen(complain), complain) == 0;
	return len > 0 && !is_selinux_label(label) && !is_complaining &&
	       strcmp(label, "unconfined") != 0;
}

static enum obstacle judge_policies(const struct access *access)
{
	if (access->trial_errno > 0 && access->our_seccomp_mode == SECCOMP_FILTERED)
		return OBSTACLE_OWN_SECCOMP;
	if (access->process.pid && !access->is_first_user_namespace &&
	    access->user_namespace != USER_NAMESPACE_SAME &&
	    access->user_namespace != USER_NAMESPACE_BELOW)
		return OBSTACLE_USER_NAMESPACE;
	if (is_confined_by_apparmor(access->our_label))
		return OBSTACLE_APPARMOR;
	if (is_selinux_label(access->our_label))
		return OBSTACLE_SELINUX;
	return OBSTACLE_POLICY;
}

enum obstacle access_judge(const struct access *access)
{
	enum obstacle obstacle = OBSTACLE_NONE;
	if (access->process.pid)
		obstacle = access_judge_process(&access->process);
	bool is_refused = access->is_refused || access->trial_errno > 0;
	if (obstacle != OBSTACLE_NONE || !is_refused)
		return obstacle;

	if (access->yama_scope >= 3)
		return OBSTACLE_YAMA_NOBODY;
	if (access->yama_scope == 2 && !access->can_ptrace_all && !access->process.pid)
		return access->our_uid == 0 ? OBSTACLE_ROOT_CAPABILITY : OBSTACLE_YAMA_ROOT;
	if (access->is_refused && !access->can_ptrace_all)
		obstacle = judge_without_capability(access);
	return obstacle != OBSTACLE_NONE ? obstacle : judge_policies(access);
}

void access_words(const struct access *access, struct obstacle_words *ret)
{
	const struct process *process = &access->process;
	*ret = (struct obstacle_words){
		.pid = process->pid,
		.name = process->name,
		.leader_pid = process->leader_pid,
		.parent_pid = process->parent_pid,
		.tracer_pid = process->tracer_pid,
		.tracer_name = access->tracer_name,
		.uid = process->uid,
		.gid = process->gid,
		.label = access->our_label,
		.missing = "",
		.detail = "",
	};
}

/* -- gathering -- */

/* -1 on a kernel without Yama. */
static int read_yama_scope(void)
{
	OWNED_FILE FILE *file = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
	int scope = -1;
	return file && fscanf(file, "%d", &scope) == 1 ? scope : -1;
}

/* user_namespaces(7): only there do all the ids stand for themselves. */
static bool is_first_user_namespace(void)
{
	OWNED_FILE FILE *file = fopen("/proc/self/uid_map", "re");
	unsigned inside, outside, count;
	return !file || (fscanf(file, "%u %u %u", &inside, &outside, &count) == 3 && inside == 0 &&
			 outside == 0 && count == UINT32_MAX);
}

/* "" where there is no such module: reading gives EINVAL then. */
static void read_label(int pid, char ret[LABEL_BYTES])
{
	OWNED_FREE char *text = NULL;
	size_t unused_len;
	struct error unused;
	*ret = '\0';
	if (procfs_read(pid, "attr/current", &text, &unused_len, &unused))
		snprintf(ret, LABEL_BYTES, "%.*s", (int)strcspn(text, "\n"), text);
}

static int open_user_namespace(int pid)
{
	char path[40];
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static bool is_same_file(int fd, const struct stat *other)
{
	struct stat st;
	return fstat(fd, &st) == 0 && st.st_ino == other->st_ino && st.st_dev == other->st_dev;
}

/* ioctl_nsfs(2): from a namespace up to the one it was made in; EPERM above our own. */
static enum user_namespace compare_user_namespaces(int pid)
{
	OWNED_FD int own = open_user_namespace(getpid());
	OWNED_FD int fd = open_user_namespace(pid);
	struct stat own_stat;
	if (own < 0 || fd < 0 || fstat(own, &own_stat))
		return USER_NAMESPACE_UNKNOWN;
	if (is_same_file(fd, &own_stat))
		return USER_NAMESPACE_SAME;
	for (int i = 0; i < NAMESPACE_DEPTH_MAX; i++) {
		int parent = ioctl(fd, NS_GET_PARENT);
		if (parent < 0)
			return USER_NAMESPACE_OTHER;
		close(fd);
		fd = parent;
		if (is_same_file(fd, &own_stat))
			return USER_NAMESPACE_BELOW;
	}
	return USER_NAMESPACE_UNKNOWN;
}

/* A process that is not dumpable has its private files given to root. */
static bool is_dumpable(const struct process *process)
{
	char path[32];
	struct stat st;
	snprintf(path, sizeof(path), "/proc/%d/environ", process->pid);
	return stat(path, &st) == 0 && st.st_uid == process->uid;
}

void access_read_own(struct access *ret)
{
	struct process own = { 0 };
	struct error unused;
	*ret = (struct access){
		.our_uid = geteuid(),
		.our_gid = getegid(),
		.yama_scope = read_yama_scope(),
		.is_first_user_namespace = is_first_user_namespace(),
		.trial_errno = TRIAL_UNTRIED,
	};
	if (process_read(getpid(), &own, &unused)) {
		ret->our_capabilities = own.effective;
		ret->can_ptrace_all = own.effective >> CAP_SYS_PTRACE & 1;
		ret->our_seccomp_mode = own.seccomp_mode;
	}
	read_label(getpid(), ret->our_label);
}

bool access_read(int pid, struct access *ret, struct error *err)
{
	struct process process;
	if (!process_read(pid, &process, err))
		return false;

	access_read_own(ret);
	ret->process = process;
	ret->is_dumpable = is_dumpable(&process);
	ret->user_namespace = compare_user_namespaces(pid);
	read_label(pid, ret->label);
	process_thread_name(process.tracer_pid, process.tracer_pid, ret->tracer_name,
			    sizeof(ret->tracer_name));
	return true;
}

/* -- the trial -- */

static _Noreturn void wait_to_be_killed(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent)
		pause();
	_exit(0);
}

/* The same calls as on a target; none of them stops anybody. If filtrace is itself run by a
 * debugger that follows its children, nothing can be learnt from them. */
static int try_tracing(pid_t pid)
{
	struct process child;
	struct error ignored;
	if (!process_read(pid, &child, &ignored) || child.tracer_pid)
		return STATUS_UNTRIED;

	static char byte = 'x';
	char copy = 0;
	struct iovec local = { &copy, 1 };
	struct iovec remote = { &byte, 1 };
	if (process_vm_readv(pid, &local, 1, &remote, 1, 0) != 1)
		return errno;
	return ptrace(PTRACE_SEIZE, pid, NULL, NULL) ? errno : 0;
}

static _Noreturn void try_in_child(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid == 0)
		wait_to_be_killed(parent);
	if (pid < 0)
		_exit(STATUS_UNTRIED);
	int result = try_tracing(pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	_exit(result);
}

int access_try_own_child(void)
{
	int status;
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		try_in_child();
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return TRIAL_UNTRIED;
	if (!WIFEXITED(status))
		return EPERM;
	return WEXITSTATUS(status) == STATUS_UNTRIED ? TRIAL_UNTRIED : WEXITSTATUS(status);
}

bool access_explain_denied(int pid, struct error *err)
{
	struct access access;
	struct obstacle_words words;
	if (!access_read(pid, &access, err))
		return false;

	access.is_refused = true;
	enum obstacle obstacle = access_judge(&access);
	if (obstacle == OBSTACLE_POLICY && access.our_seccomp_mode == SECCOMP_FILTERED) {
		access.trial_errno = access_try_own_child();
		obstacle = access_judge(&access);
	}
	access_words(&access, &words);
	return obstacle_explain(obstacle, &words, err);
}
