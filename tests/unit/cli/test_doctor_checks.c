/* SPDX-License-Identifier: MIT */
#include "cli/doctor_checks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* A server that can be attached to by root, with nothing in the way. */
static struct doctor_facts good_facts(void)
{
	return (struct doctor_facts){
		.pid = 4121,
		.exists = true,
		.user = "www-data",
		.our_user = "root",
		.machine = { "x86_64", "6.1.0", true, "" },
		.access = {
			.process = {
				.pid = 4121, .leader_pid = 4121, .parent_pid = 7,
				.namespace_pid = 1, .thread_count = 4, .name = "python3",
				.state = 'S', .uid = 33, .gid = 33, .has_memory = true,
			},
			.is_dumpable = true,
			.user_namespace = USER_NAMESPACE_SAME,
			.our_capabilities = ~UINT64_C(0),
			.can_ptrace_all = true,
			.is_first_user_namespace = true,
			.yama_scope = 1,
		},
		.files = { .is_known = true, .text = "x86-64" },
		.c_library = { .is_known = true, .text = "glibc" },
		.python = { .is_known = true, .text = "CPython 3.11.7" },
		.has_leftovers = true,
	};
}

/* What is not known of somebody who keeps us out. */
static void close_facts(struct doctor_facts *facts, uid_t our_uid)
{
	facts->access.is_refused = true;
	facts->access.our_uid = our_uid;
	facts->access.our_gid = our_uid;
	facts->access.our_capabilities = 0;
	facts->access.can_ptrace_all = false;
	facts->files.is_known = facts->c_library.is_known = facts->python.is_known = false;
	facts->has_leftovers = false;
}

/* -- one change each -- */

static void no_change(struct doctor_facts *facts)
{
	(void)facts;
}

static void is_missing(struct doctor_facts *facts)
{
	facts->exists = false;
}

static void has_foreign_proc(struct doctor_facts *facts)
{
	facts->is_foreign_proc = true;
	facts->exists = false;
}

static void is_thread(struct doctor_facts *facts)
{
	facts->access.process.leader_pid = 4000;
}

static void is_zombie(struct doctor_facts *facts)
{
	facts->access.process.state = 'Z';
	facts->access.process.has_memory = false;
}

static void is_ending(struct doctor_facts *facts)
{
	facts->access.process.has_memory = false;
}

static void is_kernel_thread(struct doctor_facts *facts)
{
	facts->access.process.is_kernel_thread = true;
}

static void is_stopped(struct doctor_facts *facts)
{
	facts->access.process.state = 'T';
	facts->python.is_known = false;
}

static void is_traced(struct doctor_facts *facts)
{
	facts->access.process.tracer_pid = 77;
	strcpy(facts->access.tracer_name, "gdb");
}

static void is_of_other_user(struct doctor_facts *facts)
{
	close_facts(facts, 1000);
}

static void is_of_other_group(struct doctor_facts *facts)
{
	close_facts(facts, 33);
	facts->access.our_gid = 5;
	facts->access.yama_scope = 0;
}

static void lacks_capability(struct doctor_facts *facts)
{
	close_facts(facts, 0);
}

static void has_more_capabilities(struct doctor_facts *facts)
{
	close_facts(facts, 33);
	facts->access.yama_scope = -1;
	facts->access.process.capabilities = 1 << 10;
}

static void is_private(struct doctor_facts *facts)
{
	close_facts(facts, 33);
	facts->access.yama_scope = 0;
	facts->access.is_dumpable = false;
}

static void yama_is_1(struct doctor_facts *facts)
{
	close_facts(facts, 33);
}

static void yama_is_2(struct doctor_facts *facts)
{
	close_facts(facts, 33);
	facts->access.yama_scope = 2;
}

static void yama_is_3(struct doctor_facts *facts)
{
	facts->access.is_refused = true;
	facts->access.yama_scope = 3;
}

static void has_own_seccomp(struct doctor_facts *facts)
{
	facts->access.our_seccomp_mode = 2;
	facts->access.trial_errno = 1;
}

static void is_in_other_user_namespace(struct doctor_facts *facts)
{
	facts->access.is_refused = true;
	facts->access.user_namespace = USER_NAMESPACE_OTHER;
	facts->access.is_first_user_namespace = false;
}

static void has_apparmor(struct doctor_facts *facts)
{
	facts->access.is_refused = true;
	strcpy(facts->access.our_label, "docker-default (enforce)");
}

static void has_selinux(struct doctor_facts *facts)
{
	facts->access.is_refused = true;
	strcpy(facts->access.our_label, "system_u:system_r:container_t:s0");
}

static void is_refused_by_nobody_knows(struct doctor_facts *facts)
{
	facts->access.is_refused = true;
}

static void has_seccomp(struct doctor_facts *facts)
{
	facts->has_seccomp = true;
	facts->seccomp_obstacle = OBSTACLE_SECCOMP_HIDDEN;
}

static void has_strict_seccomp(struct doctor_facts *facts)
{
	facts->has_seccomp = true;
	facts->seccomp_obstacle = OBSTACLE_SECCOMP_STRICT;
}

static void has_old_kernel(struct doctor_facts *facts)
{
	strcpy(facts->machine.missing, "pidfd_open (Linux 5.3)");
}

static void is_on_other_machine(struct doctor_facts *facts)
{
	facts->machine.is_known = false;
	strcpy(facts->machine.architecture, "aarch64");
}

static void set_bad(struct doctor_finding *finding, enum obstacle obstacle, const char *text)
{
	finding->obstacle = obstacle;
	strcpy(finding->text, text);
}

static void is_of_other_machine(struct doctor_facts *facts)
{
	set_bad(&facts->files, OBSTACLE_MACHINE, "process 4121 is no x86-64 program");
}

static void has_lost_its_file(struct doctor_facts *facts)
{
	set_bad(&facts->files, OBSTACLE_FILES, "/usr/bin/python3 was replaced");
}

static void has_musl(struct doctor_facts *facts)
{
	set_bad(&facts->c_library, OBSTACLE_C_LIBRARY, "the C allocator is ld-musl");
}

static void is_no_python(struct doctor_facts *facts)
{
	set_bad(&facts->python, OBSTACLE_NOT_PYTHON, "not a CPython process");
}

static void is_attached_to(struct doctor_facts *facts)
{
	facts->leftovers = (struct tracer_leftovers){ 1, 16, true, 99 };
}

static const struct {
	void (*change)(struct doctor_facts *facts);
	const char *check; /* the first that says no */
	int code;
	const char *cause;
	const char *says;
	const char *fixes[PLACE_COUNT]; /* "": there is none */
} cases[] = {
	{ no_change, NULL, 0, NULL, NULL, { "", "", "", "" } },
	{ is_missing,
	  "process",
	  4,
	  "no-process",
	  "there is no process 4121",
	  { "sudo filtrace ps", "docker run --pid=container:NAME --cap-add=SYS_PTRACE ...",
	    "pid: \"service:NAME\"\ncap_add: [SYS_PTRACE]",
	    "shareProcessNamespace: true # in the pod's spec" } },
	{ has_foreign_proc,
	  "/proc",
	  3,
	  "foreign-proc",
	  "another pid namespace",
	  { "sudo mount -t proc proc /proc", "docker run --pid=host ...", "pid: host",
	    "hostPID: true # in the pod's spec" } },
	{ is_thread,
	  "process",
	  4,
	  "thread",
	  "4121 is a thread of process 4000: use -p 4000",
	  { "filtrace -p 4000", "docker exec CONTAINER filtrace -p 4000",
	    "docker compose exec SERVICE filtrace -p 4000",
	    "kubectl exec POD -- filtrace -p 4000" } },
	{ is_zombie, "process", 4, "ended", "has ended; its parent 7", { "", "", "", "" } },
	{ is_ending, "process", 4, "ending", "just ending", { "", "", "", "" } },
	{ is_kernel_thread, "process", 5, "kernel-thread", "kernel thread", { "", "", "", "" } },
	{ is_stopped,
	  "stopped",
	  3,
	  "stopped",
	  "kill -CONT 4121",
	  { "kill -CONT 4121", "docker exec CONTAINER kill -CONT 4121",
	    "docker compose exec SERVICE kill -CONT 4121",
	    "kubectl exec POD -- kill -CONT 4121" } },
	{ is_traced,
	  "tracer",
	  3,
	  "traced",
	  "process 77 (gdb)",
	  { "kill 77", "docker exec CONTAINER kill 77", "docker compose exec SERVICE kill 77",
	    "kubectl exec POD -- kill 77" } },
#define AS_ROOT_WITH_CAPABILITY                                                              \
	{                                                                                    \
		"sudo filtrace -p 4121", "docker run --user 0 --cap-add=SYS_PTRACE ...",     \
			"user: \"0\"\ncap_add: [SYS_PTRACE]",                                \
			"securityContext: {runAsUser: 0, capabilities: {add: [SYS_PTRACE]}}" \
	}
	{ is_of_other_user, "user", 3, "user", "belongs to user 33", AS_ROOT_WITH_CAPABILITY },
	{ is_of_other_group, "user", 3, "group", "group 33", AS_ROOT_WITH_CAPABILITY },
	{ has_more_capabilities, "capability", 3, "capability", "that filtrace has not",
	  AS_ROOT_WITH_CAPABILITY },
	{ is_private, "dumpable", 3, "dumpable", "PR_SET_DUMPABLE", AS_ROOT_WITH_CAPABILITY },
	{ yama_is_1, "yama", 3, "yama", "ptrace_scope is 1", AS_ROOT_WITH_CAPABILITY },
	{ yama_is_2, "yama", 3, "yama", "ptrace_scope is 2", AS_ROOT_WITH_CAPABILITY },
	{ yama_is_3,
	  "yama",
	  3,
	  "yama",
	  "ptrace_scope is 3",
	  { "echo kernel.yama.ptrace_scope=1 | sudo tee /etc/sysctl.d/99-ptrace.conf; sudo reboot",
	    "", "", "" } },
#define ON_THE_HOST "sudo filtrace -p PID # on the host; its own PIDs: sudo filtrace ps"
	{ lacks_capability,
	  "capability",
	  3,
	  "capability",
	  "root has no CAP_SYS_PTRACE",
	  { ON_THE_HOST, "docker run --cap-add=SYS_PTRACE ...", "cap_add: [SYS_PTRACE]",
	    "securityContext: {capabilities: {add: [SYS_PTRACE]}}" } },
	{ has_own_seccomp,
	  "own seccomp",
	  3,
	  "own-seccomp",
	  "filtrace runs under",
	  { ON_THE_HOST, "docker run --cap-add=SYS_PTRACE --security-opt seccomp=unconfined ...",
	    "cap_add: [SYS_PTRACE]\nsecurity_opt: [\"seccomp:unconfined\"]",
	    "securityContext: {capabilities: {add: [SYS_PTRACE]}, seccompProfile: {type: "
	    "Unconfined}}" } },
	{ is_in_other_user_namespace,
	  "user namespace",
	  3,
	  "user-namespace",
	  "no rights",
	  { ON_THE_HOST, "docker run --userns=host --cap-add=SYS_PTRACE ...",
	    "userns_mode: host\ncap_add: [SYS_PTRACE]", "hostUsers: true # in the pod's spec" } },
	{ has_apparmor,
	  "policy",
	  3,
	  "apparmor",
	  "docker-default (enforce)",
	  { "sudo aa-exec -p unconfined -- filtrace -p 4121",
	    "docker run --security-opt apparmor=unconfined ...",
	    "security_opt: [\"apparmor:unconfined\"]",
	    "securityContext: {appArmorProfile: {type: Unconfined}}" } },
	{ has_selinux,
	  "policy",
	  3,
	  "selinux",
	  "container_t",
	  { "sudo setsebool deny_ptrace off", "docker run --security-opt label=disable ...",
	    "security_opt: [\"label:disable\"]",
	    "securityContext: {seLinuxOptions: {type: spc_t}}" } },
	{ is_refused_by_nobody_knows,
	  "memory",
	  3,
	  "policy",
	  "a security policy",
	  { ON_THE_HOST, "docker run --privileged --pid=host ...", "privileged: true\npid: host",
	    "securityContext: {privileged: true} # and hostPID: true in the pod's spec" } },
	{ has_seccomp,
	  "seccomp",
	  3,
	  "seccomp",
	  "runs under seccomp",
	  { ON_THE_HOST, "docker run --security-opt seccomp=unconfined ...",
	    "security_opt: [\"seccomp:unconfined\"]",
	    "securityContext: {seccompProfile: {type: Unconfined}}" } },
	{ has_strict_seccomp, "seccomp", 3, "seccomp", "strict mode", { "", "", "", "" } },
	{ has_old_kernel,
	  "kernel",
	  5,
	  "kernel",
	  "pidfd_open (Linux 5.3)",
	  { "uname -r # Linux 5.3 or newer", "docker run --security-opt seccomp=unconfined ...",
	    "security_opt: [\"seccomp:unconfined\"]",
	    "securityContext: {seccompProfile: {type: Unconfined}}" } },
	{ is_on_other_machine, "machine", 5, "machine", "x86-64", { "", "", "", "" } },
	{ is_of_other_machine, "machine", 5, "machine", "no x86-64", { "", "", "", "" } },
	{ has_lost_its_file, "files", 3, "files", "was replaced", AS_ROOT_WITH_CAPABILITY },
	{ has_musl,
	  "C library",
	  5,
	  "c-library",
	  "process 4121: the C allocator is ld-musl",
	  { "", "FROM python:3-slim # instead of python:3-alpine",
	    "image: python:3-slim # instead of python:3-alpine",
	    "image: python:3-slim # instead of python:3-alpine" } },
	{ is_no_python,
	  "Python",
	  5,
	  "python",
	  "process 4121: not a CPython",
	  { "sudo filtrace ps", "", "", "" } },
	{ is_attached_to,
	  "filtrace",
	  3,
	  "filtrace",
	  "another filtrace",
	  { "kill 99", "docker exec CONTAINER kill 99", "docker compose exec SERVICE kill 99",
	    "kubectl exec POD -- kill 99" } },
};

static const char *first_no(const struct doctor_diagnosis *diagnosis)
{
	for (size_t i = 0; i < diagnosis->check_count; i++)
		if (diagnosis->checks[i].state == DOCTOR_NO)
			return diagnosis->checks[i].name;
	return "none";
}

static void check_case(size_t i, const struct report_doctor *doctor,
		       const struct doctor_diagnosis *diagnosis)
{
	const char *expected = cases[i].check ? cases[i].check : "none";
	if (strcmp(first_no(diagnosis), expected) != 0)
		fail_msg("case %zu: %s instead of %s", i, first_no(diagnosis), expected);
	assert_int_equal(doctor->code, cases[i].code);
	if (cases[i].cause)
		assert_string_equal(doctor->cause_name, cases[i].cause);
	else
		assert_null(doctor->cause_name);
	if (cases[i].says && !strstr(doctor->cause, cases[i].says))
		fail_msg("case %zu: not \"%s\": %s", i, cases[i].says, doctor->cause);
	for (enum place place = 0; place < PLACE_COUNT; place++)
		assert_string_equal(doctor->fixes[place].text, cases[i].fixes[place]);
}

static void test_each_obstacle_has_its_check_its_status_and_its_fixes(void **state)
{
	(void)state;
	bool seen[OBSTACLE_COUNT] = { false };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct doctor_facts facts = good_facts();
		struct doctor_diagnosis diagnosis;
		struct report_doctor doctor;
		cases[i].change(&facts);
		doctor_judge(&facts, &diagnosis);
		doctor_describe(&facts, &diagnosis, &doctor);
		check_case(i, &doctor, &diagnosis);
		seen[diagnosis.obstacle] = true;
	}
	for (enum obstacle obstacle = 0; obstacle < OBSTACLE_COUNT; obstacle++)
		/* What a filter forbids is told by attaching, which reads it; the uses of SIGTRAP
		 * matter to one kind of stop only. */
		if (!seen[obstacle] && obstacle != OBSTACLE_SECCOMP &&
		    obstacle != OBSTACLE_SIGTRAP_USED && obstacle != OBSTACLE_SIGTRAP_BLOCKED)
			fail_msg("no case of %s", obstacle_name(obstacle));
}

static void test_every_check_says_something(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct doctor_facts facts = good_facts();
		struct doctor_diagnosis diagnosis;
		cases[i].change(&facts);
		doctor_judge(&facts, &diagnosis);
		assert_true(diagnosis.check_count > 0);
		for (size_t c = 0; c < diagnosis.check_count; c++)
			assert_true(*diagnosis.checks[c].name && *diagnosis.checks[c].text);
	}
}

/* There is no point in telling more about what is no process, or none any more. */
static void test_checks_end_with_one_that_makes_the_others_void(void **state)
{
	(void)state;
	struct doctor_diagnosis diagnosis;
	struct doctor_facts facts = good_facts();
	facts.exists = false;
	doctor_judge(&facts, &diagnosis);
	assert_int_equal(diagnosis.check_count, 2);

	facts = good_facts();
	doctor_judge(&facts, &diagnosis);
	assert_int_equal(diagnosis.check_count, 20);
}

static void test_a_young_interpreter_is_waited_for(void **state)
{
	(void)state;
	struct doctor_diagnosis diagnosis;
	struct doctor_facts facts = good_facts();
	facts.python = (struct doctor_finding){ .text = "not initialised yet" };
	doctor_judge(&facts, &diagnosis);
	assert_int_equal(diagnosis.code, EXIT_DONE);
	assert_string_equal(diagnosis.checks[18].name, "Python");
	assert_int_equal(diagnosis.checks[18].state, DOCTOR_UNKNOWN);
	assert_string_equal(diagnosis.checks[18].text, "not initialised yet");
}

static void test_what_a_killed_filtrace_left_is_told_and_no_obstacle(void **state)
{
	(void)state;
	struct doctor_diagnosis diagnosis;
	struct doctor_facts facts = good_facts();
	facts.leftovers = (struct tracer_leftovers){ .regions = 1, .gates = 16 };
	doctor_judge(&facts, &diagnosis);
	assert_int_equal(diagnosis.code, EXIT_DONE);
	assert_non_null(strstr(diagnosis.checks[19].text, "16 gates"));
	assert_non_null(strstr(diagnosis.checks[19].text, "filtrace unstick -p 4121"));
}

static void test_the_machine_in_general_is_judged_without_a_process(void **state)
{
	(void)state;
	struct doctor_diagnosis diagnosis;
	struct report_doctor doctor;
	struct doctor_facts facts = good_facts();
	facts.pid = 0;
	facts.exists = false;
	facts.access.process = (struct process){ 0 };
	facts.pythons = 3;
	facts.attachable = 2;
	doctor_judge(&facts, &diagnosis);
	doctor_describe(&facts, &diagnosis, &doctor);
	assert_int_equal(doctor.code, 0);
	assert_int_equal(doctor.check_count, 9);
	assert_string_equal(first_no(&diagnosis), "none");
	assert_int_equal(doctor.pythons, 3);
	assert_int_equal(doctor.attachable, 2);

	facts.access.trial_errno = 1; /* by nobody knows whom */
	doctor_judge(&facts, &diagnosis);
	assert_int_equal(diagnosis.code, EXIT_NOT_PERMITTED);
	assert_string_equal(first_no(&diagnosis), "memory");

	facts.access.yama_scope = 2;
	facts.access.can_ptrace_all = false;
	facts.access.our_uid = 1000;
	doctor_judge(&facts, &diagnosis);
	assert_string_equal(first_no(&diagnosis), "yama");
	assert_string_equal(diagnosis.fixes[PLACE_HOST].text, "sudo filtrace -p PID");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_obstacle_has_its_check_its_status_and_its_fixes),
		cmocka_unit_test(test_every_check_says_something),
		cmocka_unit_test(test_checks_end_with_one_that_makes_the_others_void),
		cmocka_unit_test(test_a_young_interpreter_is_waited_for),
		cmocka_unit_test(test_what_a_killed_filtrace_left_is_told_and_no_obstacle),
		cmocka_unit_test(test_the_machine_in_general_is_judged_without_a_process),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
