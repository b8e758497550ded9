/* SPDX-License-Identifier: MIT */
#include "cli/doctor_checks.h"

#include <stdarg.h>
#include <string.h>

#include "tracer/admission.h"

/* -- what stands in the way -- */

static void find_obstacles_of_process(const struct doctor_facts *facts, bool found[OBSTACLE_COUNT])
{
	if (!facts->exists) {
		found[OBSTACLE_NO_PROCESS] = true;
		return;
	}
	found[admission_judge(&facts->access.process)] = true;
	found[facts->seccomp_obstacle] = true;
	found[facts->files.obstacle] = true;
	found[facts->c_library.obstacle] = true;
	found[facts->python.obstacle] = true;
	if (facts->has_leftovers && facts->leftovers.is_owned)
		found[OBSTACLE_OTHER_FILTRACE] = true;
}

static void find_obstacles(const struct doctor_facts *facts, bool found[OBSTACLE_COUNT])
{
	if (facts->pid)
		find_obstacles_of_process(facts, found);
	if (!facts->pid || facts->exists)
		found[access_judge(&facts->access)] = true;
	found[facts->is_foreign_proc ? OBSTACLE_FOREIGN_PROC : OBSTACLE_NONE] = true;
	found[*facts->machine.missing ? OBSTACLE_KERNEL : OBSTACLE_NONE] = true;
	found[facts->machine.is_known ? OBSTACLE_NONE : OBSTACLE_MACHINE] = true;
	found[OBSTACLE_NONE] = false;
}

/* -- what is the case -- */

/* Write a check's text; returns `state`. */
static enum doctor_state PRINTF_LIKE(3, 4)
	say(struct doctor_check *ret, enum doctor_state state, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(ret->text, sizeof(ret->text), format, args);
	va_end(args);
	return state;
}

static enum doctor_state describe_proc(const struct doctor_facts *facts, struct doctor_check *ret)
{
	return say(ret, DOCTOR_OK, "%s",
		   facts->is_foreign_proc ? "/proc is that of another pid namespace"
					  : "/proc is that of filtrace's own pid namespace");
}

static enum doctor_state describe_process(const struct doctor_facts *facts,
					  struct doctor_check *ret)
{
	const struct process *process = &facts->access.process;
	if (!facts->exists)
		return say(ret, DOCTOR_OK, "there is no process %d", facts->pid);
	return say(ret, DOCTOR_OK, "%s, %d thread%s, state %c", process->name,
		   process->thread_count, process->thread_count == 1 ? "" : "s", process->state);
}

static enum doctor_state describe_namespace(const struct doctor_facts *facts,
					    struct doctor_check *ret)
{
	const struct process *process = &facts->access.process;
	if (process->namespace_pid == process->pid)
		return say(ret, DOCTOR_OK, "its number is %d inside as well", process->pid);
	return say(ret, DOCTOR_OK, "it lives in one of its own, as number %d: no matter",
		   process->namespace_pid);
}

static enum doctor_state describe_stopped(const struct doctor_facts *facts,
					  struct doctor_check *ret)
{
	char state = facts->access.process.state;
	bool is_stopped = state == 'T' || state == 't';
	return say(ret, DOCTOR_OK, is_stopped ? "it stands still" : "it runs");
}

static enum doctor_state describe_tracer(const struct doctor_facts *facts, struct doctor_check *ret)
{
	int tracer = facts->access.process.tracer_pid;
	if (tracer)
		return say(ret, DOCTOR_OK, "process %d (%s)", tracer, facts->access.tracer_name);
	return say(ret, DOCTOR_OK, "nobody that can be seen from here");
}

static enum doctor_state describe_user(const struct doctor_facts *facts, struct doctor_check *ret)
{
	const struct access *access = &facts->access;
	if (!facts->pid)
		return say(ret, access->can_ptrace_all ? DOCTOR_OK : DOCTOR_UNKNOWN,
			   "filtrace runs as %u (%s)%s", access->our_uid, facts->our_user,
			   access->can_ptrace_all ? "" : ": only its own processes, without sudo");
	return say(ret, DOCTOR_OK, "it runs as %u (%s), group %u; filtrace as %u (%s), group %u",
		   access->process.uid, facts->user, access->process.gid, access->our_uid,
		   facts->our_user, access->our_gid);
}

static enum doctor_state describe_capability(const struct doctor_facts *facts,
					     struct doctor_check *ret)
{
	const struct access *access = &facts->access;
	if (access->can_ptrace_all)
		return say(ret, DOCTOR_OK, "filtrace has CAP_SYS_PTRACE");
	return say(ret, facts->pid ? DOCTOR_OK : DOCTOR_UNKNOWN, "filtrace has no CAP_SYS_PTRACE%s",
		   facts->pid ? "" : ": it needs it for other users' processes");
}

static enum doctor_state describe_user_namespace(const struct doctor_facts *facts,
						 struct doctor_check *ret)
{
	switch (facts->access.user_namespace) {
	case USER_NAMESPACE_SAME:
		return say(ret, DOCTOR_OK, "the same as filtrace's");
	case USER_NAMESPACE_BELOW:
		return say(ret, DOCTOR_OK, "made inside filtrace's, whose rights count there");
	case USER_NAMESPACE_OTHER:
		return say(ret, DOCTOR_UNKNOWN, "not filtrace's, whose capabilities do not count");
	case USER_NAMESPACE_UNKNOWN:
		break;
	}
	return say(ret, DOCTOR_UNKNOWN, "it cannot be told");
}

static enum doctor_state describe_dumpable(const struct doctor_facts *facts,
					   struct doctor_check *ret)
{
	if (facts->access.process.uid == 0)
		return say(ret, DOCTOR_OK, "root's processes do not tell");
	return say(ret, DOCTOR_OK,
		   facts->access.is_dumpable
			   ? "yes"
			   : "no: it has made itself private, or gained privileges at its start");
}

static enum doctor_state describe_yama(const struct doctor_facts *facts, struct doctor_check *ret)
{
	static const char *const scopes[] = {
		"every process of one's own",
		"only one's own children, without CAP_SYS_PTRACE",
		"nothing, without CAP_SYS_PTRACE",
		"nothing",
	};
	int scope = facts->access.yama_scope;
	if (scope < 0)
		return say(ret, DOCTOR_OK, "this kernel has no Yama");
	bool is_open = scope == 0 || (scope < 3 && facts->access.can_ptrace_all);
	return say(ret, facts->pid || is_open ? DOCTOR_OK : DOCTOR_UNKNOWN,
		   "kernel.yama.ptrace_scope is %d: %s may be traced", scope,
		   scopes[scope < 3 ? scope : 3]);
}

static enum doctor_state describe_own_seccomp(const struct doctor_facts *facts,
					      struct doctor_check *ret)
{
	static const char *const modes[] = { "no filter", "strict mode", "a filter" };
	int mode = facts->access.our_seccomp_mode;
	const char *name = modes[mode >= 0 && mode < 2 ? mode : 2];
	switch (facts->access.trial_errno) {
	case TRIAL_UNTRIED:
		return say(ret, DOCTOR_UNKNOWN, "%s; tracing a child of filtrace's was not tried",
			   name);
	case 0:
		return say(ret, DOCTOR_OK, "%s; filtrace may trace a child of its own", name);
	default:
		return say(ret, DOCTOR_UNKNOWN, "%s; filtrace may not trace a child of its own: %s",
			   name, strerror(facts->access.trial_errno));
	}
}

static enum doctor_state describe_policy(const struct doctor_facts *facts, struct doctor_check *ret)
{
	const struct access *access = &facts->access;
	if (!*access->our_label && !*access->label)
		return say(ret, DOCTOR_OK, "neither AppArmor nor SELinux");
	if (!facts->pid)
		return say(ret, DOCTOR_OK, "filtrace is %s", access->our_label);
	return say(ret, DOCTOR_OK, "filtrace is %s, the process %s",
		   *access->our_label ? access->our_label : "without label",
		   *access->label ? access->label : "without one that can be read");
}

static enum doctor_state describe_memory(const struct doctor_facts *facts, struct doctor_check *ret)
{
	const struct access *access = &facts->access;
	if (access->is_refused || (!facts->pid && access->trial_errno > 0))
		return say(ret, DOCTOR_NO, "the kernel refuses it");
	return say(ret, DOCTOR_OK,
		   facts->pid ? "the kernel lets filtrace in"
			      : "the kernel lets filtrace into its children's");
}

static enum doctor_state describe_seccomp(const struct doctor_facts *facts,
					  struct doctor_check *ret)
{
	return say(ret, DOCTOR_OK,
		   facts->has_seccomp ? "a filter decides on its system calls; attaching will tell "
					"whether it allows what is needed"
				      : "no filter");
}

static enum doctor_state describe_kernel(const struct doctor_facts *facts, struct doctor_check *ret)
{
	const struct machine *machine = &facts->machine;
	if (*machine->missing)
		return say(ret, DOCTOR_OK, "Linux %s, without %s", machine->release,
			   machine->missing);
	return say(ret, DOCTOR_OK, "Linux %s", machine->release);
}

static enum doctor_state describe_machine(const struct doctor_facts *facts,
					  struct doctor_check *ret)
{
	if (facts->files.obstacle == OBSTACLE_MACHINE)
		return say(ret, DOCTOR_OK, "%s", facts->files.text);
	return say(ret, DOCTOR_OK, "%s", facts->machine.architecture);
}

static enum doctor_state describe_finding(const struct doctor_finding *finding,
					  struct doctor_check *ret)
{
	if (!finding->is_known)
		return say(ret, DOCTOR_UNKNOWN, "%s",
			   *finding->text ? finding->text : "cannot be looked at yet");
	return say(ret, DOCTOR_OK, "%s", finding->text);
}

static enum doctor_state describe_files(const struct doctor_facts *facts, struct doctor_check *ret)
{
	return describe_finding(&facts->files, ret);
}

static enum doctor_state describe_c_library(const struct doctor_facts *facts,
					    struct doctor_check *ret)
{
	return describe_finding(&facts->c_library, ret);
}

static enum doctor_state describe_python(const struct doctor_facts *facts, struct doctor_check *ret)
{
	return describe_finding(&facts->python, ret);
}

static enum doctor_state describe_filtrace(const struct doctor_facts *facts,
					   struct doctor_check *ret)
{
	const struct tracer_leftovers *left = &facts->leftovers;
	if (!facts->has_leftovers)
		return say(ret, DOCTOR_UNKNOWN, "cannot be looked at yet");
	if (left->is_owned)
		return say(ret, DOCTOR_OK, "another one is attached");
	if (left->gates)
		return say(ret, DOCTOR_OK,
			   "a killed one left %zu gates: the next attach takes them out, and so "
			   "does filtrace unstick -p %d",
			   left->gates, facts->pid);
	return say(ret, DOCTOR_OK,
		   left->regions ? "an earlier one left memory that the next one uses again"
				 : "nothing of an earlier one");
}

/* -- the table -- */

enum { ROW_OBSTACLES_MAX = 6 };

/* In this order things are to be put right. */
static const struct {
	const char *name;
	bool is_general; /* makes sense without a process */
	bool is_basic;	 /* if this one says no, the others make no sense */
	enum doctor_state (*describe)(const struct doctor_facts *facts, struct doctor_check *ret);
	enum obstacle obstacles[ROW_OBSTACLES_MAX];
} rows[] = {
	{ "/proc", true, true, describe_proc, { OBSTACLE_FOREIGN_PROC } },
	{ "process",
	  false,
	  true,
	  describe_process,
	  { OBSTACLE_NO_PROCESS, OBSTACLE_THREAD, OBSTACLE_ENDED, OBSTACLE_ENDING,
	    OBSTACLE_KERNEL_THREAD } },
	{ "pid namespace", false, false, describe_namespace, { OBSTACLE_NONE } },
	{ "stopped", false, false, describe_stopped, { OBSTACLE_STOPPED } },
	{ "tracer", false, false, describe_tracer, { OBSTACLE_TRACED } },
	{ "user", true, false, describe_user, { OBSTACLE_OTHER_USER, OBSTACLE_OTHER_GROUP } },
	{ "capability",
	  true,
	  false,
	  describe_capability,
	  { OBSTACLE_ROOT_CAPABILITY, OBSTACLE_MORE_CAPABILITIES } },
	{ "user namespace", false, false, describe_user_namespace, { OBSTACLE_USER_NAMESPACE } },
	{ "dumpable", false, false, describe_dumpable, { OBSTACLE_PRIVATE } },
	{ "yama",
	  true,
	  false,
	  describe_yama,
	  { OBSTACLE_YAMA_NOBODY, OBSTACLE_YAMA_CHILDREN, OBSTACLE_YAMA_ROOT } },
	{ "own seccomp", true, false, describe_own_seccomp, { OBSTACLE_OWN_SECCOMP } },
	{ "policy", true, false, describe_policy, { OBSTACLE_APPARMOR, OBSTACLE_SELINUX } },
	{ "memory", true, false, describe_memory, { OBSTACLE_POLICY } },
	{ "seccomp",
	  false,
	  false,
	  describe_seccomp,
	  { OBSTACLE_SECCOMP_STRICT, OBSTACLE_SECCOMP_HIDDEN } },
	{ "kernel", true, false, describe_kernel, { OBSTACLE_KERNEL } },
	{ "machine", true, false, describe_machine, { OBSTACLE_MACHINE } },
	{ "files", false, false, describe_files, { OBSTACLE_FILES } },
	{ "C library", false, false, describe_c_library, { OBSTACLE_C_LIBRARY } },
	{ "Python", false, false, describe_python, { OBSTACLE_NOT_PYTHON } },
	{ "filtrace", false, false, describe_filtrace, { OBSTACLE_OTHER_FILTRACE } },
};

_Static_assert(ARRAY_LEN(rows) <= DOCTOR_CHECKS_MAX, "room for every check");

static enum obstacle find_row_obstacle(size_t row, const bool found[OBSTACLE_COUNT])
{
	for (size_t i = 0; i < ROW_OBSTACLES_MAX; i++)
		if (found[rows[row].obstacles[i]])
			return rows[row].obstacles[i];
	return OBSTACLE_NONE;
}

static void fill_checks(const struct doctor_facts *facts, const bool found[OBSTACLE_COUNT],
			struct doctor_diagnosis *ret)
{
	bool is_over = false;
	for (size_t i = 0; i < ARRAY_LEN(rows) && !is_over; i++) {
		struct doctor_check *check = &ret->checks[ret->check_count];
		enum obstacle obstacle = find_row_obstacle(i, found);
		if (!facts->pid && !rows[i].is_general)
			continue;
		check->name = rows[i].name;
		check->state = rows[i].describe(facts, check);
		if (obstacle != OBSTACLE_NONE)
			check->state = DOCTOR_NO;
		if (ret->obstacle == OBSTACLE_NONE)
			ret->obstacle = obstacle;
		ret->check_count++;
		is_over = obstacle != OBSTACLE_NONE && rows[i].is_basic;
	}
}

/* -- the cause -- */

static const char *find_detail(const struct doctor_facts *facts, enum obstacle obstacle)
{
	const struct doctor_finding *findings[] = { &facts->files, &facts->c_library,
						    &facts->python };
	for (size_t i = 0; i < ARRAY_LEN(findings); i++)
		if (findings[i]->obstacle == obstacle)
			return findings[i]->text;
	return "this version knows x86-64 machines only";
}

static void fill_cause(const struct doctor_facts *facts, struct doctor_diagnosis *ret)
{
	struct obstacle_words words;
	access_words(&facts->access, &words);
	words.pid = facts->pid;
	words.missing = facts->machine.missing;
	words.detail = find_detail(facts, ret->obstacle);
	words.owner_pid = facts->leftovers.owner_pid;
	obstacle_explain(ret->obstacle, &words, &ret->cause);
	ret->code = exit_code_of_error(obstacle_kind(ret->obstacle));
	for (enum place place = 0; place < PLACE_COUNT; place++)
		obstacle_fix(ret->obstacle, place, &words, ret->fixes[place].text);
}

void doctor_judge(const struct doctor_facts *facts, struct doctor_diagnosis *ret)
{
	static const char *const places[PLACE_COUNT] = {
		[PLACE_HOST] = "host",
		[PLACE_DOCKER] = "docker",
		[PLACE_COMPOSE] = "compose",
		[PLACE_KUBERNETES] = "kubernetes",
	};
	bool found[OBSTACLE_COUNT] = { false };
	*ret = (struct doctor_diagnosis){ .code = EXIT_DONE };
	for (enum place place = 0; place < PLACE_COUNT; place++)
		ret->fixes[place].place = places[place];
	find_obstacles(facts, found);
	fill_checks(facts, found, ret);
	if (ret->obstacle != OBSTACLE_NONE)
		fill_cause(facts, ret);
}

static const char *verdict_of(enum exit_code code)
{
	switch (code) {
	case EXIT_DONE:
		return "attachable";
	case EXIT_NO_PROCESS:
		return "no process";
	case EXIT_UNSUPPORTED:
		return "unsupported";
	default:
		return "not permitted";
	}
}

void doctor_describe(const struct doctor_facts *facts, const struct doctor_diagnosis *diagnosis,
		     struct report_doctor *ret)
{
	bool is_fine = diagnosis->obstacle == OBSTACLE_NONE;
	*ret = (struct report_doctor){
		.pid = facts->pid,
		.code = (int)diagnosis->code,
		.verdict = verdict_of(diagnosis->code),
		.checks = diagnosis->checks,
		.check_count = diagnosis->check_count,
		.cause_name = is_fine ? NULL : obstacle_name(diagnosis->obstacle),
		.cause = diagnosis->cause.context,
		.fixes = diagnosis->fixes,
		.fix_count = PLACE_COUNT,
		.pythons = facts->pythons,
		.attachable = facts->attachable,
	};
}
