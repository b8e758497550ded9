/* SPDX-License-Identifier: MIT */
#include "tracer/obstacle.h"

#include <string.h>

/* Words in braces are filled in. */
struct obstacle_text {
	const char *name;
	enum error_kind kind;
	const char *cause;
	const char *advice; /* what helps; NULL: nothing does, or the cause says it */
	const char *fixes[PLACE_COUNT];
};

/* A command that helps wherever the target is. */
#define COMMAND(line)                                                                \
	{                                                                            \
		[PLACE_HOST] = line, [PLACE_DOCKER] = "docker exec CONTAINER " line, \
		[PLACE_COMPOSE] = "docker compose exec SERVICE " line,               \
		[PLACE_KUBERNETES] = "kubectl exec POD -- " line,                    \
	}

#define ON_THE_HOST "sudo filtrace -p PID # on the host; its own PIDs: sudo filtrace ps"

/* Root with CAP_SYS_PTRACE may attach to everybody. */
#define BE_ROOT                                                                               \
	{                                                                                     \
		[PLACE_HOST] = "sudo filtrace -p {pid}",                                      \
		[PLACE_DOCKER] = "docker run --user 0 --cap-add=SYS_PTRACE ...",              \
		[PLACE_COMPOSE] = "user: \"0\"\ncap_add: [SYS_PTRACE]",                       \
		[PLACE_KUBERNETES] =                                                          \
			"securityContext: {runAsUser: 0, capabilities: {add: [SYS_PTRACE]}}", \
	}

/* A target that is started so has no filter that could forbid something. */
#define WITHOUT_SECCOMP(on_the_host)                                                          \
	{                                                                                     \
		[PLACE_HOST] = on_the_host,                                                   \
		[PLACE_DOCKER] = "docker run --security-opt seccomp=unconfined ...",          \
		[PLACE_COMPOSE] = "security_opt: [\"seccomp:unconfined\"]",                   \
		[PLACE_KUBERNETES] = "securityContext: {seccompProfile: {type: Unconfined}}", \
	}

/* Sources: "docker run" and "Compose file reference" of docs.docker.com; SecurityContext and
 * PodSpec of the Kubernetes API v1; Documentation/admin-guide/LSM/Yama.rst; ptrace(2) "Ptrace
 * access mode checking"; aa-exec(1); the SELinux boolean deny_ptrace. */
static const struct obstacle_text texts[OBSTACLE_COUNT] = {
	[OBSTACLE_NONE] = { .name = "none", .kind = ERROR_INTERNAL, .cause = "nothing" },
	[OBSTACLE_FOREIGN_PROC] = {
		"foreign-proc", ERROR_NOT_PERMITTED,
		"/proc shows the processes of another pid namespace",
		"run filtrace in that one",
		{
			[PLACE_HOST] = "sudo mount -t proc proc /proc",
			[PLACE_DOCKER] = "docker run --pid=host ...",
			[PLACE_COMPOSE] = "pid: host",
			[PLACE_KUBERNETES] = "hostPID: true # in the pod's spec",
		},
	},
	[OBSTACLE_NO_PROCESS] = {
		"no-process", ERROR_NO_PROCESS, "there is no process {pid}",
		"another container's has to be shared first",
		{
			[PLACE_HOST] = "sudo filtrace ps",
			[PLACE_DOCKER] = "docker run --pid=container:NAME --cap-add=SYS_PTRACE ...",
			[PLACE_COMPOSE] = "pid: \"service:NAME\"\ncap_add: [SYS_PTRACE]",
			[PLACE_KUBERNETES] = "shareProcessNamespace: true # in the pod's spec",
		},
	},
	[OBSTACLE_THREAD] = {
		"thread", ERROR_NO_PROCESS, "{pid} is a thread of process {leader}",
		"use -p {leader}", COMMAND("filtrace -p {leader}"),
	},
	[OBSTACLE_ENDED] = {
		"ended", ERROR_NO_PROCESS,
		"process {pid} has ended; its parent {parent} has not collected it yet", NULL,
		{ NULL },
	},
	[OBSTACLE_ENDING] = {
		"ending", ERROR_NO_PROCESS,
		"process {pid} ({name}) is just ending: its memory is gone", NULL, { NULL },
	},
	[OBSTACLE_KERNEL_THREAD] = {
		"kernel-thread", ERROR_UNSUPPORTED, "process {pid} ({name}) is a kernel thread",
		"there is nothing to trace", { NULL },
	},
	[OBSTACLE_STOPPED] = {
		"stopped", ERROR_NOT_PERMITTED, "process {pid} is stopped (Ctrl-Z or SIGSTOP)",
		"let it run on first, with kill -CONT {pid}", COMMAND("kill -CONT {pid}"),
	},
	[OBSTACLE_TRACED] = {
		"traced", ERROR_NOT_PERMITTED,
		"process {pid} is being traced by process {tracer} ({tracer_name})",
		"end that first", COMMAND("kill {tracer}"),
	},
	[OBSTACLE_YAMA_NOBODY] = {
		"yama", ERROR_NOT_PERMITTED,
		"kernel.yama.ptrace_scope is 3, so no process may be traced",
		"set it to 1 in /etc/sysctl.d and reboot",
		{
			[PLACE_HOST] = "echo kernel.yama.ptrace_scope=1 | "
				       "sudo tee /etc/sysctl.d/99-ptrace.conf; sudo reboot",
		},
	},
	[OBSTACLE_ROOT_CAPABILITY] = {
		"capability", ERROR_NOT_PERMITTED, "root has no CAP_SYS_PTRACE here",
		"start the container with --cap-add=SYS_PTRACE, or run filtrace on the host",
		{
			[PLACE_HOST] = ON_THE_HOST,
			[PLACE_DOCKER] = "docker run --cap-add=SYS_PTRACE ...",
			[PLACE_COMPOSE] = "cap_add: [SYS_PTRACE]",
			[PLACE_KUBERNETES] =
				"securityContext: {capabilities: {add: [SYS_PTRACE]}}",
		},
	},
	[OBSTACLE_OTHER_USER] = {
		"user", ERROR_NOT_PERMITTED, "process {pid} belongs to user {uid}",
		"run filtrace as that user, or with sudo", BE_ROOT,
	},
	[OBSTACLE_YAMA_CHILDREN] = {
		"yama", ERROR_NOT_PERMITTED, "kernel.yama.ptrace_scope is 1",
		"run filtrace with sudo, or allow it by: sudo sysctl kernel.yama.ptrace_scope=0",
		BE_ROOT,
	},
	[OBSTACLE_YAMA_ROOT] = {
		"yama", ERROR_NOT_PERMITTED, "kernel.yama.ptrace_scope is 2",
		"run filtrace with sudo", BE_ROOT,
	},
	[OBSTACLE_PRIVATE] = {
		"dumpable", ERROR_NOT_PERMITTED,
		"process {pid} has made itself private (prctl PR_SET_DUMPABLE, or privileges "
		"gained at its start)",
		"run filtrace with sudo", BE_ROOT,
	},
	[OBSTACLE_OTHER_GROUP] = {
		"group", ERROR_NOT_PERMITTED,
		"process {pid} runs with group {gid}, which filtrace does not", "run it with sudo",
		BE_ROOT,
	},
	[OBSTACLE_MORE_CAPABILITIES] = {
		"capability", ERROR_NOT_PERMITTED,
		"process {pid} has capabilities that filtrace has not", "run it with sudo", BE_ROOT,
	},
	[OBSTACLE_OWN_SECCOMP] = {
		"own-seccomp", ERROR_NOT_PERMITTED,
		"the seccomp profile that filtrace runs under refuses ptrace",
		"give the container another one, or run filtrace on the host",
		{
			[PLACE_HOST] = ON_THE_HOST,
			[PLACE_DOCKER] = "docker run --cap-add=SYS_PTRACE "
					 "--security-opt seccomp=unconfined ...",
			[PLACE_COMPOSE] =
				"cap_add: [SYS_PTRACE]\nsecurity_opt: [\"seccomp:unconfined\"]",
			[PLACE_KUBERNETES] =
				"securityContext: {capabilities: {add: [SYS_PTRACE]}, "
				"seccompProfile: {type: Unconfined}}",
		},
	},
	[OBSTACLE_USER_NAMESPACE] = {
		"user-namespace", ERROR_NOT_PERMITTED,
		"process {pid} lives in a user namespace in which filtrace has no rights",
		"run filtrace as root on the host",
		{
			[PLACE_HOST] = ON_THE_HOST,
			[PLACE_DOCKER] = "docker run --userns=host --cap-add=SYS_PTRACE ...",
			[PLACE_COMPOSE] = "userns_mode: host\ncap_add: [SYS_PTRACE]",
			[PLACE_KUBERNETES] = "hostUsers: true # in the pod's spec",
		},
	},
	[OBSTACLE_APPARMOR] = {
		"apparmor", ERROR_NOT_PERMITTED,
		"AppArmor, by the profile {label} of filtrace, refuses to let process {pid} be "
		"traced",
		"run filtrace unconfined",
		{
			[PLACE_HOST] = "sudo aa-exec -p unconfined -- filtrace -p {pid}",
			[PLACE_DOCKER] = "docker run --security-opt apparmor=unconfined ...",
			[PLACE_COMPOSE] = "security_opt: [\"apparmor:unconfined\"]",
			[PLACE_KUBERNETES] =
				"securityContext: {appArmorProfile: {type: Unconfined}}",
		},
	},
	[OBSTACLE_SELINUX] = {
		"selinux", ERROR_NOT_PERMITTED,
		"SELinux refuses to let process {pid} be traced from {label}",
		"allow it by: sudo setsebool deny_ptrace off",
		{
			[PLACE_HOST] = "sudo setsebool deny_ptrace off",
			[PLACE_DOCKER] = "docker run --security-opt label=disable ...",
			[PLACE_COMPOSE] = "security_opt: [\"label:disable\"]",
			[PLACE_KUBERNETES] = "securityContext: {seLinuxOptions: {type: spc_t}}",
		},
	},
	[OBSTACLE_POLICY] = {
		"policy", ERROR_NOT_PERMITTED,
		"a security policy (AppArmor, SELinux, seccomp or a user namespace) refuses to let "
		"process {pid} be traced",
		"run filtrace as root on the host",
		{
			[PLACE_HOST] = ON_THE_HOST,
			[PLACE_DOCKER] = "docker run --privileged --pid=host ...",
			[PLACE_COMPOSE] = "privileged: true\npid: host",
			[PLACE_KUBERNETES] = "securityContext: {privileged: true} "
					     "# and hostPID: true in the pod's spec",
		},
	},
	[OBSTACLE_SECCOMP_STRICT] = {
		"seccomp", ERROR_NOT_PERMITTED,
		"process {pid} is under seccomp in strict mode, which would kill it for any system "
		"call but read and write",
		NULL, { NULL },
	},
	[OBSTACLE_SECCOMP_HIDDEN] = {
		"seccomp", ERROR_NOT_PERMITTED,
		"process {pid} runs under seccomp, and what its filter allows is shown only to who "
		"has CAP_SYS_ADMIN and runs under no seccomp",
		"run filtrace with sudo on the host", WITHOUT_SECCOMP(ON_THE_HOST),
	},
	[OBSTACLE_SECCOMP] = {
		"seccomp", ERROR_NOT_PERMITTED,
		"the seccomp filter of process {pid} {detail}, which filtrace needs there",
		"let the filter allow it",
		WITHOUT_SECCOMP("sudo systemctl edit UNIT # [Service] SystemCallFilter="),
	},
	[OBSTACLE_KERNEL] = {
		"kernel", ERROR_UNSUPPORTED, "here is no {missing}",
		"a newer kernel is needed, and no seccomp profile that refuses it",
		{
			[PLACE_HOST] = "uname -r # Linux 5.3 or newer",
			[PLACE_DOCKER] = "docker run --security-opt seccomp=unconfined ...",
			[PLACE_COMPOSE] = "security_opt: [\"seccomp:unconfined\"]",
			[PLACE_KUBERNETES] =
				"securityContext: {seccompProfile: {type: Unconfined}}",
		},
	},
	[OBSTACLE_MACHINE] = { "machine", ERROR_UNSUPPORTED, "{detail}", NULL, { NULL } },
	[OBSTACLE_FILES] = { "files", ERROR_NOT_PERMITTED, "{detail}", NULL, BE_ROOT },
	[OBSTACLE_C_LIBRARY] = {
		"c-library", ERROR_UNSUPPORTED, "process {pid}: {detail}", NULL,
		{
			[PLACE_DOCKER] = "FROM python:3-slim # instead of python:3-alpine",
			[PLACE_COMPOSE] = "image: python:3-slim # instead of python:3-alpine",
			[PLACE_KUBERNETES] = "image: python:3-slim # instead of python:3-alpine",
		},
	},
	[OBSTACLE_NOT_PYTHON] = {
		"python", ERROR_UNSUPPORTED, "process {pid}: {detail}", NULL,
		{ [PLACE_HOST] = "sudo filtrace ps" },
	},
	[OBSTACLE_OTHER_FILTRACE] = {
		"filtrace", ERROR_NOT_PERMITTED, "another filtrace is attached to process {pid}",
		"end that first", COMMAND("kill {owner}"),
	},
	[OBSTACLE_SIGTRAP_USED] = {
		"sigtrap", ERROR_UNSUPPORTED, "process {pid} handles or ignores SIGTRAP itself",
		"leave out --stop=trap", { NULL },
	},
	[OBSTACLE_SIGTRAP_BLOCKED] = {
		"sigtrap-blocked", ERROR_UNSUPPORTED,
		"a thread of process {pid} blocks SIGTRAP, and a trap could end it",
		"leave out --stop=trap", { NULL },
	},
};

/* -- filling in -- */

struct line {
	char *text;
	size_t size;
	size_t len;
};

static void append(struct line *line, const char *text, size_t len)
{
	size_t room = line->size - line->len - 1;
	if (len > room)
		len = room;
	memcpy(line->text + line->len, text, len);
	line->len += len;
	line->text[line->len] = '\0';
}

/* The value of the word between the braces; NULL if there is none of that name. */
static const char *find_word(const char *word, size_t len, const struct obstacle_words *words,
			     char number[24])
{
	const struct {
		const char *word;
		const char *text;
		int64_t number;
	} values[] = {
		{ "pid", NULL, words->pid },	       { "name", words->name, 0 },
		{ "leader", NULL, words->leader_pid }, { "parent", NULL, words->parent_pid },
		{ "tracer", NULL, words->tracer_pid }, { "tracer_name", words->tracer_name, 0 },
		{ "uid", NULL, words->uid },	       { "gid", NULL, words->gid },
		{ "label", words->label, 0 },	       { "missing", words->missing, 0 },
		{ "detail", words->detail, 0 },	       { "owner", NULL, words->owner_pid },
	};
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		if (strlen(values[i].word) != len || strncmp(values[i].word, word, len) != 0)
			continue;
		if (values[i].text)
			return values[i].text;
		if (i == 0 && words->pid == 0)
			return "PID";
		snprintf(number, 24, "%" PRId64, values[i].number);
		return number;
	}
	return NULL;
}

/* YAML has braces too: only what is a word of ours is filled in. */
static void fill_in(struct line *line, const char *pattern, const struct obstacle_words *words)
{
	while (*pattern) {
		char number[24];
		size_t plain = strcspn(pattern, "{");
		append(line, pattern, plain);
		pattern += plain;
		if (!*pattern)
			return;
		size_t len = strcspn(pattern + 1, "}");
		const char *value = find_word(pattern + 1, len, words, number);
		if (value) {
			append(line, value, strlen(value));
			pattern += len + 2;
		} else {
			append(line, pattern++, 1);
		}
	}
}

const char *obstacle_name(enum obstacle obstacle)
{
	return texts[obstacle].name;
}

enum error_kind obstacle_kind(enum obstacle obstacle)
{
	return texts[obstacle].kind;
}

bool obstacle_explain(enum obstacle obstacle, const struct obstacle_words *words, struct error *err)
{
	const struct obstacle_text *text = &texts[obstacle];
	*err = (struct error){ .kind = text->kind };
	struct line line = { err->context, sizeof(err->context), 0 };
	fill_in(&line, text->cause, words);
	if (text->advice) {
		append(&line, ": ", 2);
		fill_in(&line, text->advice, words);
	}
	return false;
}

/* Who cannot be named cannot be ended. */
static bool is_nameless(enum obstacle obstacle, const struct obstacle_words *words)
{
	return (obstacle == OBSTACLE_OTHER_FILTRACE && words->owner_pid <= 0) ||
	       (obstacle == OBSTACLE_TRACED && words->tracer_pid <= 0);
}

char *obstacle_fix(enum obstacle obstacle, enum place place, const struct obstacle_words *words,
		   char ret[OBSTACLE_LINE_BYTES])
{
	const char *pattern = texts[obstacle].fixes[place];
	struct line line = { ret, OBSTACLE_LINE_BYTES, 0 };
	*ret = '\0';
	if (pattern && !is_nameless(obstacle, words))
		fill_in(&line, pattern, words);
	return ret;
}
