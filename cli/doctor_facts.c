/* SPDX-License-Identifier: MIT */
#include "cli/doctor_facts.h"

#include <pwd.h>
#include <string.h>

#include "cli/python_processes.h"
#include "pyframes/pyframes.h"
#include "tracer/admission.h"
#include "tracer/target_memory.h"

static void read_user_name(uid_t uid, char *ret, size_t size)
{
	const struct passwd *entry = getpwuid(uid);
	snprintf(ret, size, "%s", entry ? entry->pw_name : "");
}

static bool is_foreign_proc(void)
{
	char link[16] = "";
	return readlink("/proc/self", link, sizeof(link) - 1) < 0 || atoi(link) != getpid();
}

static void set_bad(struct doctor_finding *ret, enum obstacle obstacle, const char *text)
{
	*ret = (struct doctor_finding){ .is_known = true, .obstacle = obstacle };
	snprintf(ret->text, sizeof(ret->text), "%s", text);
}

/* -- one that we may read -- */

static void describe_c_library(struct tracer *tracer, struct doctor_finding *ret)
{
	struct symbol allocator, glibc;
	struct symbols *symbols = tracer_symbols(tracer);
	bool is_glibc = symbols_find_first(symbols, "gnu_get_libc_version", &glibc);
	ret->is_known = true;
	if (!symbols_find_first(symbols, "malloc", &allocator))
		snprintf(ret->text, sizeof(ret->text), "no C allocator is exported");
	else if (is_glibc && strcmp(glibc.image, allocator.image) != 0)
		snprintf(ret->text, sizeof(ret->text), "glibc, and the C allocator of %s",
			 allocator.image);
	else
		snprintf(ret->text, sizeof(ret->text), "%s, %s", is_glibc ? "glibc" : "not glibc",
			 allocator.image);
}

static void look_at_c_library(struct tracer *tracer, struct doctor_finding *ret)
{
	struct gate_spec specs[TRACER_LIBC_SPECS_MAX];
	size_t count;
	struct error problem;
	if (tracer_libc_specs(tracer, specs, &count, &problem))
		describe_c_library(tracer, ret);
	else
		set_bad(ret, OBSTACLE_C_LIBRARY, problem.context);
}

/* The likely cause of not finding something is a library that cannot be read. */
static void set_no_python(struct tracer *tracer, const struct error *problem,
			  struct doctor_finding *ret)
{
	const char *skipped = tracer_skipped_file(tracer);
	if (problem->kind == ERROR_TIMEOUT) /* an attach waits for it */
		snprintf(ret->text, sizeof(ret->text), "%s", problem->context);
	else if (problem->kind == ERROR_UNSUPPORTED && skipped)
		set_bad(ret, OBSTACLE_FILES, skipped);
	else
		set_bad(ret, OBSTACLE_NOT_PYTHON,
			problem->context[0] ? problem->context : "its memory cannot be read");
}

/* Gates of an earlier filtrace hide what an attach finds when it has taken them out. */
static void look_at_python(struct tracer *tracer, bool is_gated, struct doctor_finding *ret)
{
	struct gate_spec specs[PYFRAMES_SPECS_MAX];
	struct pyframes *py = NULL;
	size_t count = 0;
	struct error problem;
	bool is_ok = pyframes_open(tracer_memory(tracer), tracer_symbols(tracer),
				   tracer_loads(tracer), &py, &problem) &&
		     (is_gated || pyframes_gate_specs(py, specs, &count, &problem));
	if (is_ok) {
		const char *note = is_gated ? NULL : pyframes_note(py);
		ret->is_known = true;
		snprintf(ret->text, sizeof(ret->text), "CPython %s, initialised%s%s",
			 pyframes_version(py), note ? "; " : "", note ? note : "");
	} else {
		set_no_python(tracer, &problem, ret);
	}
	pyframes_close(py);
}

static void set_closed(const struct error *problem, struct doctor_facts *facts)
{
	if (problem->kind == ERROR_NO_PROCESS)
		facts->exists = false;
	else if (problem->kind == ERROR_UNSUPPORTED)
		set_bad(&facts->files, OBSTACLE_MACHINE, problem->context);
	else
		set_bad(&facts->files, OBSTACLE_FILES, problem->context);
}

static void look_inside(struct doctor_facts *facts)
{
	struct tracer *tracer;
	struct error problem;
	if (!tracer_open_to_undo(facts->pid, &tracer, &problem)) {
		set_closed(&problem, facts);
		return;
	}
	facts->files.is_known = true;
	snprintf(facts->files.text, sizeof(facts->files.text), "x86-64; %s",
		 tracer_skipped_file(tracer) ? tracer_skipped_file(tracer)
					     : "every file that it has mapped can be read");
	facts->has_leftovers = tracer_leftovers(tracer, &facts->leftovers, &problem);
	look_at_c_library(tracer, &facts->c_library);
	look_at_python(tracer, facts->leftovers.gates > 0, &facts->python);
	tracer_close(tracer);
}

/* -- all of it -- */

/* The kernel asks the same for opening this file as for attaching. */
static bool is_refused(int pid)
{
	OWNED(target_memory_deinit) struct target_memory memory = { .mem_fd = -1 };
	struct error problem;
	return !target_memory_init(&memory, pid, &problem) && problem.kind == ERROR_NOT_PERMITTED;
}

static void look_at_seccomp(struct doctor_facts *facts)
{
	struct admission_seccomp seccomp;
	struct process own;
	struct error ignored;
	if (!admission_read_seccomp(facts->pid, &seccomp, &ignored) ||
	    !process_read(getpid(), &own, &ignored))
		return;
	facts->has_seccomp = seccomp.is_strict || seccomp.most_filters > 0;
	facts->seccomp_obstacle = admission_judge_seccomp(&seccomp, &own);
}

static void look_at_process(struct doctor_facts *facts)
{
	struct error problem;
	facts->exists = access_read(facts->pid, &facts->access, &problem);
	if (!facts->exists)
		return;
	read_user_name(facts->access.process.uid, facts->user, sizeof(facts->user));
	if (access_judge_process(&facts->access.process) != OBSTACLE_NONE)
		return;
	look_at_seccomp(facts);
	facts->access.is_refused = is_refused(facts->pid);
	bool is_admitted = admission_judge(&facts->access.process) == OBSTACLE_NONE;
	if (is_admitted && !facts->access.is_refused)
		look_inside(facts);
}

static bool count_pythons(struct doctor_facts *facts, struct error *err)
{
	OWNED(python_processes_deinit) struct python_processes found = { 0 };
	if (!python_processes_find(&found, err))
		return false;
	facts->pythons = found.len;
	for (size_t i = 0; i < found.len; i++)
		facts->attachable += *found.list[i].reason == '\0';
	return true;
}

bool doctor_facts_read(int pid, struct doctor_facts *ret, struct error *err)
{
	int trial_errno = access_try_own_child();
	*ret = (struct doctor_facts){ .pid = pid, .is_foreign_proc = is_foreign_proc() };
	access_read_own(&ret->access);
	machine_read(&ret->machine);
	read_user_name(ret->access.our_uid, ret->our_user, sizeof(ret->our_user));
	if (pid)
		look_at_process(ret);
	else if (!count_pythons(ret, err))
		return false;
	ret->access.trial_errno = trial_errno;
	return true;
}
