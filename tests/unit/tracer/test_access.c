/* SPDX-License-Identifier: MIT */
#include "tracer/access.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "tracer/admission.h"
#include "tracer/machine.h"

static void kill_and_reap(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_a_traced_process_names_its_tracer(void **state)
{
	(void)state;
	pid_t pid = fork();
	if (pid == 0) {
		ptrace(PTRACE_TRACEME);
		raise(SIGSTOP);
		_exit(0);
	}
	struct error err;
	char expected[32];
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_false(access_explain_denied(pid, &err));
	assert_int_equal(err.kind, ERROR_NOT_PERMITTED);
	snprintf(expected, sizeof(expected), "process %d (test_access)", getpid());
	assert_non_null(strstr(err.context, expected));
	kill_and_reap(pid);
}

static void test_no_process_is_no_process(void **state)
{
	(void)state;
	struct error err;
	assert_false(access_explain_denied(0x7fffffff, &err));
	assert_int_equal(err.kind, ERROR_NO_PROCESS);
}

static void test_zombie_is_explained(void **state)
{
	(void)state;
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	siginfo_t unused;
	struct error err;
	waitid(P_PID, (id_t)pid, &unused, WEXITED | WNOWAIT);
	assert_false(access_explain_denied(pid, &err));
	assert_int_equal(err.kind, ERROR_NO_PROCESS);
	assert_non_null(strstr(err.context, "has ended"));
	waitpid(pid, NULL, 0);
}

static void *refuse_thread(void *unused)
{
	struct error err;
	char expected[64];
	int tid = (int)syscall(SYS_gettid);
	assert_false(admission_check(tid, &err));
	assert_int_equal(err.kind, ERROR_NO_PROCESS);
	snprintf(expected, sizeof(expected), "%d is a thread of process %d: use -p %d", tid,
		 getpid(), getpid());
	assert_string_equal(err.context, expected);
	return unused;
}

static void test_a_thread_names_its_process(void **state)
{
	(void)state;
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, refuse_thread, NULL), 0);
	pthread_join(thread, NULL);
}

static void test_own_facts_are_those_of_this_program(void **state)
{
	(void)state;
	struct access access;
	struct error err;
	assert_true(access_read(getpid(), &access, &err));
	assert_int_equal(access.our_uid, geteuid());
	assert_int_equal(access.our_gid, getegid());
	assert_int_equal(access.process.uid, geteuid());
	assert_int_equal(access.user_namespace, USER_NAMESPACE_SAME);
	assert_int_equal(access.our_capabilities, access.process.effective);
	assert_true(access.is_dumpable);
	assert_int_equal(access.trial_errno, TRIAL_UNTRIED);
	assert_int_equal(access_judge(&access), OBSTACLE_NONE);
}

/* Whoever ran the tests so far may trace a child; the trial leaves none behind. */
static void test_trial_leaves_nobody_behind(void **state)
{
	(void)state;
	assert_int_equal(access_try_own_child(), 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void test_this_machine_lacks_nothing(void **state)
{
	(void)state;
	struct machine machine;
	machine_read(&machine);
	assert_string_equal(machine.missing, "");
	assert_true(machine.is_known);
	assert_string_equal(machine.architecture, "x86_64");
	assert_true(strlen(machine.release) > 0);
}

/* -- the judgement, over facts that are made up -- */

#define SERVER .pid = 4121, .parent_pid = 7, .uid = 1000, .gid = 100, .name = "python3"
#define WHOLE  SERVER, .leader_pid = 4121, .has_memory = true

#define REFUSED	 .is_refused = true, .is_dumpable = true, .is_first_user_namespace = true
#define AS_ROOT	 .our_uid = 0, .our_gid = 0, .can_ptrace_all = true, .our_capabilities = ~UINT64_C(0)
#define AS_OWNER .our_uid = 1000, .our_gid = 100
#define RUNS	 .process = { WHOLE, .state = 'S' }

static const struct {
	struct access access;
	enum obstacle obstacle;
	const char *says;
	enum error_kind kind;
} cases[] = {
	{ { .process = { SERVER, .state = 'Z' }, AS_ROOT, REFUSED },
	  OBSTACLE_ENDED,
	  "has ended; its parent 7",
	  ERROR_NO_PROCESS },
	{ { .process = { SERVER, .state = 'S' }, AS_ROOT, REFUSED },
	  OBSTACLE_ENDING,
	  "(python3) is just ending",
	  ERROR_NO_PROCESS },
	{ { .process = { SERVER, .state = 'S', .is_kernel_thread = true }, AS_ROOT, REFUSED },
	  OBSTACLE_KERNEL_THREAD,
	  "kernel thread",
	  ERROR_UNSUPPORTED },
	{ { .process = { SERVER, .state = 'S', .leader_pid = 4000 }, AS_ROOT, REFUSED },
	  OBSTACLE_THREAD,
	  "4121 is a thread of process 4000: use -p 4000",
	  ERROR_NO_PROCESS },
	{ { .process = { WHOLE, .state = 't', .tracer_pid = 77 },
	    AS_ROOT,
	    REFUSED,
	    .tracer_name = "gdb" },
	  OBSTACLE_TRACED,
	  "process 77 (gdb)",
	  ERROR_NOT_PERMITTED },
	{ { RUNS, AS_ROOT, REFUSED, .yama_scope = 3 },
	  OBSTACLE_YAMA_NOBODY,
	  "ptrace_scope is 3",
	  ERROR_NOT_PERMITTED },
	{ { RUNS, .our_uid = 0, REFUSED },
	  OBSTACLE_ROOT_CAPABILITY,
	  "--cap-add=SYS_PTRACE",
	  ERROR_NOT_PERMITTED },
	{ { RUNS, .our_uid = 999, .our_gid = 100, REFUSED, .yama_scope = 1 },
	  OBSTACLE_OTHER_USER,
	  "belongs to user 1000",
	  ERROR_NOT_PERMITTED },
	{ { RUNS, AS_OWNER, REFUSED, .yama_scope = 1 },
	  OBSTACLE_YAMA_CHILDREN,
	  "sysctl kernel.yama.ptrace_scope=0",
	  ERROR_NOT_PERMITTED },
	{ { RUNS, AS_OWNER, REFUSED, .yama_scope = 2 },
	  OBSTACLE_YAMA_ROOT,
	  "ptrace_scope is 2: run filtrace with sudo",
	  ERROR_NOT_PERMITTED },
	{ { RUNS, AS_OWNER, .is_refused = true, .is_first_user_namespace = true },
	  OBSTACLE_PRIVATE,
	  "PR_SET_DUMPABLE",
	  ERROR_NOT_PERMITTED },
	{ { RUNS, .our_uid = 1000, .our_gid = 5, REFUSED },
	  OBSTACLE_OTHER_GROUP,
	  "runs with group 100",
	  ERROR_NOT_PERMITTED },
	{ { .process = { WHOLE, .state = 'S', .capabilities = 1 << 10 }, AS_OWNER, REFUSED },
	  OBSTACLE_MORE_CAPABILITIES,
	  "has capabilities that filtrace has not",
	  ERROR_NOT_PERMITTED },
	{ { RUNS, AS_OWNER, REFUSED }, OBSTACLE_POLICY, "security policy", ERROR_NOT_PERMITTED },
	{ { RUNS, AS_ROOT, REFUSED }, OBSTACLE_POLICY, "security policy", ERROR_NOT_PERMITTED },
	{ { RUNS, AS_ROOT, REFUSED, .our_seccomp_mode = 2, .trial_errno = 1 },
	  OBSTACLE_OWN_SECCOMP,
	  "seccomp profile that filtrace runs under",
	  ERROR_NOT_PERMITTED },
	{ { RUNS, AS_ROOT, .is_dumpable = true, .is_first_user_namespace = true,
	    .our_seccomp_mode = 2, .trial_errno = 1 },
	  OBSTACLE_OWN_SECCOMP, /* although its memory may be read */
	  "refuses ptrace",
	  ERROR_NOT_PERMITTED },
	{ { RUNS, AS_ROOT, REFUSED, .our_seccomp_mode = 2, .trial_errno = TRIAL_UNTRIED },
	  OBSTACLE_POLICY,
	  "security policy",
	  ERROR_NOT_PERMITTED },
	{ { RUNS, AS_ROOT, .is_refused = true, .is_dumpable = true },
	  OBSTACLE_USER_NAMESPACE,
	  "user namespace in which filtrace has no rights",
	  ERROR_NOT_PERMITTED },
	{ { RUNS, AS_ROOT, .is_refused = true, .user_namespace = USER_NAMESPACE_BELOW,
	    .our_label = "docker-default (enforce)" },
	  OBSTACLE_APPARMOR,
	  "by the profile docker-default (enforce) of filtrace",
	  ERROR_NOT_PERMITTED },
	{ { RUNS, AS_ROOT, REFUSED, .our_label = "test (complain)" },
	  OBSTACLE_POLICY,
	  "security policy",
	  ERROR_NOT_PERMITTED },
	{ { RUNS, AS_ROOT, REFUSED, .our_label = "unconfined" },
	  OBSTACLE_POLICY,
	  "security policy",
	  ERROR_NOT_PERMITTED },
	{ { RUNS, AS_ROOT, REFUSED, .our_label = "system_u:system_r:container_t:s0:c1,c2" },
	  OBSTACLE_SELINUX,
	  "setsebool deny_ptrace off",
	  ERROR_NOT_PERMITTED },
};

static void test_each_refusal_has_one_cause_and_its_fix(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct obstacle_words words;
		struct error err = { 0 };
		enum obstacle obstacle = access_judge(&cases[i].access);
		if (obstacle != cases[i].obstacle)
			fail_msg("case %zu: %s instead of %s", i, obstacle_name(obstacle),
				 obstacle_name(cases[i].obstacle));
		access_words(&cases[i].access, &words);
		assert_false(obstacle_explain(obstacle, &words, &err));
		assert_int_equal(err.kind, cases[i].kind);
		if (!strstr(err.context, cases[i].says))
			fail_msg("not \"%s\": %s", cases[i].says, err.context);
		assert_true(strlen(err.context) < sizeof(err.context) - 1); /* not cut */
	}
}

/* The kernel's word is what counts: none of these facts alone forbids anything. */
static void test_who_is_let_in_has_no_obstacle(void **state)
{
	(void)state;
	const struct access open[] = {
		{ RUNS, AS_ROOT },
		{ RUNS, .our_uid = 0 }, /* root in a container, its own child, no Yama */
		{ RUNS, AS_OWNER, .yama_scope = 1 }, /* a child of filtrace */
		{ RUNS, AS_OWNER, .trial_errno = TRIAL_UNTRIED, .our_seccomp_mode = 2 },
		{ .process = { WHOLE, .state = 'S' }, AS_ROOT }, /* swapped out */
	};
	for (size_t i = 0; i < ARRAY_LEN(open); i++)
		assert_int_equal(access_judge(&open[i]), OBSTACLE_NONE);
}

static void test_without_a_process_only_our_own_side_counts(void **state)
{
	(void)state;
	const struct {
		struct access access;
		enum obstacle obstacle;
	} own[] = {
		{ { AS_ROOT, .yama_scope = -1 }, OBSTACLE_NONE },
		{ { AS_OWNER, .yama_scope = 1 }, OBSTACLE_NONE },
		{ { AS_OWNER, .yama_scope = 2, .trial_errno = 1 }, OBSTACLE_YAMA_ROOT },
		{ { .yama_scope = 2, .trial_errno = 1 }, OBSTACLE_ROOT_CAPABILITY },
		{ { AS_ROOT, .yama_scope = 3, .trial_errno = 1 }, OBSTACLE_YAMA_NOBODY },
		{ { AS_OWNER, .our_seccomp_mode = 2, .trial_errno = 1 }, OBSTACLE_OWN_SECCOMP },
		{ { AS_OWNER, .trial_errno = 1 }, OBSTACLE_POLICY },
	};
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		assert_int_equal(access_judge(&own[i].access), own[i].obstacle);
}

static void test_stopped_is_told_after_all_that_is_worse(void **state)
{
	(void)state;
	const struct process stopped = { WHOLE, .state = 'T' };
	const struct process traced = { WHOLE, .state = 't', .tracer_pid = 7 };
	const struct process running = { WHOLE, .state = 'R' };
	assert_int_equal(admission_judge(&stopped), OBSTACLE_STOPPED);
	assert_int_equal(admission_judge(&traced), OBSTACLE_TRACED);
	assert_int_equal(admission_judge(&running), OBSTACLE_NONE);
}

/* -- the table -- */

static const struct obstacle_words all_words = {
	.pid = 4121,
	.name = "python3",
	.leader_pid = 4000,
	.parent_pid = 7,
	.tracer_pid = 77,
	.tracer_name = "gdb",
	.uid = 1000,
	.gid = 100,
	.label = "docker-default (enforce)",
	.missing = "pidfd_open (Linux 5.3)",
	.detail = "the detail",
	.owner_pid = 99,
};

static const char *const words_in_braces[] = {
	"{pid}", "{name}", "{leader}", "{parent}",  "{tracer}", "{tracer_name}",
	"{uid}", "{gid}",  "{label}",  "{missing}", "{detail}", "{owner}",
};

static void assert_filled_in(const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(words_in_braces); i++)
		if (strstr(text, words_in_braces[i]))
			fail_msg("%s", text);
}

static void test_every_sentence_is_whole_and_filled_in(void **state)
{
	(void)state;
	for (enum obstacle obstacle = OBSTACLE_NONE + 1; obstacle < OBSTACLE_COUNT; obstacle++) {
		struct error err = { 0 };
		char line[OBSTACLE_LINE_BYTES];
		assert_non_null(obstacle_name(obstacle));
		assert_false(obstacle_explain(obstacle, &all_words, &err));
		assert_int_equal(err.kind, obstacle_kind(obstacle));
		assert_in_range(strlen(err.context), 10, sizeof(err.context) - 2);
		assert_filled_in(err.context);
		for (enum place place = 0; place < PLACE_COUNT; place++) {
			obstacle_fix(obstacle, place, &all_words, line);
			assert_filled_in(line);
			assert_true(strlen(line) < OBSTACLE_LINE_BYTES - 1);
		}
	}
}

static void test_yaml_keeps_its_braces(void **state)
{
	(void)state;
	char line[OBSTACLE_LINE_BYTES];
	assert_string_equal(obstacle_fix(OBSTACLE_OTHER_USER, PLACE_KUBERNETES, &all_words, line),
			    "securityContext: {runAsUser: 0, capabilities: {add: [SYS_PTRACE]}}");
}

static void test_nobody_is_told_to_kill_whom_we_cannot_name(void **state)
{
	(void)state;
	struct obstacle_words words = all_words;
	char line[OBSTACLE_LINE_BYTES];
	assert_string_equal(obstacle_fix(OBSTACLE_OTHER_FILTRACE, PLACE_HOST, &words, line),
			    "kill 99");
	words.owner_pid = words.tracer_pid = 0;
	for (enum place place = 0; place < PLACE_COUNT; place++) {
		assert_string_equal(obstacle_fix(OBSTACLE_OTHER_FILTRACE, place, &words, line), "");
		assert_string_equal(obstacle_fix(OBSTACLE_TRACED, place, &words, line), "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_traced_process_names_its_tracer),
		cmocka_unit_test(test_no_process_is_no_process),
		cmocka_unit_test(test_zombie_is_explained),
		cmocka_unit_test(test_a_thread_names_its_process),
		cmocka_unit_test(test_own_facts_are_those_of_this_program),
		cmocka_unit_test(test_trial_leaves_nobody_behind),
		cmocka_unit_test(test_this_machine_lacks_nothing),
		cmocka_unit_test(test_each_refusal_has_one_cause_and_its_fix),
		cmocka_unit_test(test_who_is_let_in_has_no_obstacle),
		cmocka_unit_test(test_without_a_process_only_our_own_side_counts),
		cmocka_unit_test(test_stopped_is_told_after_all_that_is_worse),
		cmocka_unit_test(test_every_sentence_is_whole_and_filled_in),
		cmocka_unit_test(test_yaml_keeps_its_braces),
		cmocka_unit_test(test_nobody_is_told_to_kill_whom_we_cannot_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
