/* SPDX-License-Identifier: MIT */
/* Our judgement of seccomp filters against filters made by hand, and against the kernel's own. */
#include "tracer/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define STMT(code, k)	      BPF_STMT(code, k)
#define JUMP(code, k, jt, jf) BPF_JUMP(code, k, jt, jf)

#define LOAD(field) STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOAD_ARG(n) STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[n]))
#define RETURN(k)   STMT(BPF_RET | BPF_K, k)

static uint32_t judge(const struct sock_filter *filter, size_t len, const struct seccomp_call *call)
{
	uint32_t answer = 0;
	struct error err = { 0 };
	if (!seccomp_judge(filter, len, call, &answer, &err))
		fail_msg("%s", err.context);
	return answer;
}

static const struct seccomp_call mmap_call = {
	.name = "mmap",
	.number = SYS_mmap,
	.any_args = 1,
	.args = { 0, 4096, 5, 0x32, -1ull, 0 },
};

/* ---- by hand --------------------------------------------------------------------------------- */

static void test_each_call_gets_its_own_answer(void **state)
{
	(void)state;
	const struct sock_filter filter[] = {
		LOAD(arch),
		JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
		RETURN(SECCOMP_RET_KILL_PROCESS),
		LOAD(nr),
		JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 3),
		LOAD_ARG(2),
		JUMP(BPF_JMP | BPF_JSET | BPF_K, 4, 0, 1),
		RETURN(SECCOMP_RET_ERRNO | EPERM),
		RETURN(SECCOMP_RET_ALLOW),
	};
	struct seccomp_call call = mmap_call;
	assert_int_equal(judge(filter, ARRAY_LEN(filter), &call), SECCOMP_RET_ERRNO | EPERM);
	call.args[2] = 3;
	assert_int_equal(judge(filter, ARRAY_LEN(filter), &call), SECCOMP_RET_ALLOW);
	call.number = SYS_read;
	assert_int_equal(judge(filter, ARRAY_LEN(filter), &call), SECCOMP_RET_ALLOW);
}

/* What is not known counts as the worst that it may be, and only that. */
static void test_unknown_argument_counts_as_the_gravest(void **state)
{
	(void)state;
	const struct sock_filter filter[] = {
		LOAD_ARG(0),
		JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x1234, 0, 1),
		RETURN(SECCOMP_RET_TRAP),
		LOAD_ARG(1),
		JUMP(BPF_JMP | BPF_JEQ | BPF_K, 4096, 0, 1),
		RETURN(SECCOMP_RET_LOG),
		RETURN(SECCOMP_RET_KILL_PROCESS), /* 4096 is known: never */
	};
	struct seccomp_call call = mmap_call;
	assert_int_equal(judge(filter, ARRAY_LEN(filter), &call), SECCOMP_RET_TRAP);
	call.any_args = 0;
	assert_int_equal(judge(filter, ARRAY_LEN(filter), &call), SECCOMP_RET_LOG);
	call.args[0] = 0x1234;
	assert_int_equal(judge(filter, ARRAY_LEN(filter), &call), SECCOMP_RET_TRAP);
}

/* Two ways to one instruction that bring different values: neither is known there. */
static void test_ways_that_meet_forget_what_differs(void **state)
{
	(void)state;
	const struct sock_filter filter[] = {
		STMT(BPF_LDX | BPF_IMM, 7),
		LOAD_ARG(0),
		JUMP(BPF_JMP | BPF_JGT | BPF_K, 100, 0, 1),
		STMT(BPF_LDX | BPF_IMM, 8),
		STMT(BPF_MISC | BPF_TXA, 0),
		JUMP(BPF_JMP | BPF_JEQ | BPF_K, 8, 0, 1),
		RETURN(SECCOMP_RET_KILL_THREAD),
		RETURN(SECCOMP_RET_ALLOW),
	};
	struct seccomp_call call = mmap_call;
	assert_int_equal(judge(filter, ARRAY_LEN(filter), &call), SECCOMP_RET_KILL_THREAD);
	call.any_args = 0;
	assert_int_equal(judge(filter, ARRAY_LEN(filter), &call), SECCOMP_RET_ALLOW);
}

static void test_answers_are_ordered_as_the_kernel_orders_them(void **state)
{
	(void)state;
	static const uint32_t from_gravest[] = {
		SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP,
		SECCOMP_RET_ERRNO | 99,	  SECCOMP_RET_USER_NOTIF,  SECCOMP_RET_TRACE,
		SECCOMP_RET_LOG,	  SECCOMP_RET_ALLOW,
	};
	for (size_t i = 0; i < ARRAY_LEN(from_gravest); i++)
		for (size_t j = 0; j < ARRAY_LEN(from_gravest); j++)
			assert_int_equal(seccomp_is_graver(from_gravest[i], from_gravest[j]),
					 i < j);
}

static void test_what_is_no_filter_is_told(void **state)
{
	(void)state;
	static const struct sock_filter bad[][2] = {
		{ JUMP(BPF_JMP | BPF_JA, 1, 0, 0), RETURN(SECCOMP_RET_ALLOW) },
		{ JUMP(BPF_JMP | BPF_JA, UINT32_MAX, 0, 0), RETURN(SECCOMP_RET_ALLOW) },
		{ JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 200, 200), RETURN(SECCOMP_RET_ALLOW) },
		{ STMT(BPF_LD | BPF_W | BPF_ABS, sizeof(struct seccomp_data)),
		  RETURN(SECCOMP_RET_ALLOW) },
		{ STMT(BPF_LD | BPF_W | BPF_ABS, 2), RETURN(SECCOMP_RET_ALLOW) },
		{ STMT(BPF_LD | BPF_H | BPF_ABS, 0), RETURN(SECCOMP_RET_ALLOW) },
		{ STMT(BPF_LDX | BPF_B | BPF_MSH, 0), RETURN(SECCOMP_RET_ALLOW) },
		{ STMT(BPF_LD | BPF_MEM, BPF_MEMWORDS), RETURN(SECCOMP_RET_ALLOW) },
		{ STMT(BPF_STX, BPF_MEMWORDS), RETURN(SECCOMP_RET_ALLOW) },
		{ STMT(BPF_ALU | BPF_MOD | BPF_K, 3), RETURN(SECCOMP_RET_ALLOW) },
		{ STMT(BPF_LD | BPF_IMM, 3), STMT(BPF_LD | BPF_IMM, 3) },
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		uint32_t answer = 1234;
		struct error err = { 0 };
		assert_false(seccomp_judge(bad[i], 2, &mmap_call, &answer, &err));
		assert_int_equal(err.kind, ERROR_FORMAT);
		assert_int_equal(answer, 1234);
	}
	uint32_t answer;
	struct error err;
	assert_false(seccomp_judge(bad[0], 0, &mmap_call, &answer, &err));
}

/* ---- against the kernel ---------------------------------------------------------------------- */

enum { RANDOM_FILTERS = 150, RANDOM_LEN = 40 };

static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint32_t next_random(uint32_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 33) % below;
}

static uint32_t random_number(void)
{
	static const uint32_t often[] = { 0, 1, 2, 31, 4096, 0x7fffffff, 0x80000000, UINT32_MAX };
	return next_random(2) ? often[next_random(ARRAY_LEN(often))] : next_random(1u << 30);
}

static struct sock_filter random_instruction(size_t left)
{
	static const uint16_t calculations[] = { BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_AND,
						 BPF_OR,  BPF_XOR, BPF_LSH, BPF_RSH, BPF_NEG };
	static const uint16_t jumps[] = { BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET };
	uint16_t source = next_random(2) ? BPF_X : BPF_K;
	uint16_t operation = calculations[next_random(ARRAY_LEN(calculations))];
	uint32_t k = random_number();
	uint32_t slot = next_random(4);

	switch (next_random(9)) {
	case 0:
		return (struct sock_filter)STMT(BPF_LD | BPF_W | BPF_ABS, 16 + 4 * next_random(12));
	case 1:
		return (struct sock_filter)STMT(BPF_LD | BPF_IMM, k);
	case 2:
		return (struct sock_filter)STMT(BPF_LDX | BPF_IMM, k);
	case 3:
		return (struct sock_filter)STMT(BPF_MISC | (next_random(2) ? BPF_TAX : BPF_TXA), 0);
	case 4:
		return (struct sock_filter)STMT(next_random(2) ? BPF_ST : BPF_STX, slot);
	case 5:
		return (struct sock_filter)STMT((next_random(2) ? BPF_LD : BPF_LDX) | BPF_MEM,
						slot);
	case 6:
		return (struct sock_filter)JUMP(
			(uint16_t)(BPF_JMP | jumps[next_random(ARRAY_LEN(jumps))] | source), k,
			(uint8_t)next_random((uint32_t)left), (uint8_t)next_random((uint32_t)left));
	default: /* the kernel takes no constant 0 to divide by, and no constant shift over 31 */
		return (struct sock_filter)STMT((uint16_t)(BPF_ALU | operation |
							   (operation == BPF_NEG ? 0 : source)),
						operation == BPF_LSH || operation == BPF_RSH
							? k % 32
						: k ? k
						    : 1);
	}
}

/* Only SYS_getpriority is asked for random arithmetic; its answer is an errno, so that it can be
 * told from outside. */
static size_t make_random_filter(struct sock_filter *ret)
{
	size_t len = 0;
	ret[len++] = (struct sock_filter)LOAD(nr);
	ret[len++] = (struct sock_filter)JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpriority, 1, 0);
	ret[len++] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
	for (uint32_t slot = 0; slot < 4; slot++)
		ret[len++] = (struct sock_filter)STMT(BPF_ST, slot);
	for (size_t i = 0; i < RANDOM_LEN; i++)
		ret[len++] = random_instruction(RANDOM_LEN - i);
	ret[len++] = (struct sock_filter)STMT(BPF_ALU | BPF_AND | BPF_K, 0x7ff);
	ret[len++] = (struct sock_filter)STMT(BPF_ALU | BPF_ADD | BPF_K, SECCOMP_RET_ERRNO | 1);
	ret[len++] = (struct sock_filter)STMT(BPF_RET | BPF_A, 0);
	return len;
}

/* The errno that a call fails with under a filter, -1 if the filter kills. */
static int ask_kernel(const struct sock_filter *filter, size_t len, const struct seccomp_call *call)
{
	/* By its number: with a sanitizer fork() makes a second thread, which would live on. */
	int pid = (int)syscall(SYS_fork);
	assert_true(pid >= 0);
	if (pid == 0) {
		const struct sock_fprog program = { (unsigned short)len, (void *)filter };
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
			_exit(1);
		long result = syscall(call->number, call->args[0], call->args[1], call->args[2],
				      call->args[3], call->args[4], call->args[5]);
		int word = result == -1 ? errno : 0;
		_exit(100 + word % 128); /* a status has room for so much */
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return -1;
	assert_true(WEXITSTATUS(status) >= 100);
	return WEXITSTATUS(status) - 100;
}

static void test_judgement_is_the_kernels(void **state)
{
	(void)state;
	size_t killed = 0;
	for (int i = 0; i < RANDOM_FILTERS; i++) {
		struct sock_filter filter[RANDOM_LEN + 16];
		size_t len = make_random_filter(filter);
		struct seccomp_call call = { .name = "getpriority", .number = SYS_getpriority };
		for (size_t j = 0; j < 6; j++)
			call.args[j] = (uint64_t)random_number() << 32 | random_number();
		uint32_t answer = judge(filter, len, &call);
		int told = ask_kernel(filter, len, &call);
		killed += told < 0;
		if (told < 0)
			assert_int_equal(answer, SECCOMP_RET_KILL_THREAD);
		else if (answer >> 16 != SECCOMP_RET_ERRNO >> 16 ||
			 (int)(answer & 0xffff) % 128 != told)
			fail_msg("filter %d: %#x, the kernel says errno %d", i, answer, told);
	}
	assert_true(killed < RANDOM_FILTERS / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_call_gets_its_own_answer),
		cmocka_unit_test(test_unknown_argument_counts_as_the_gravest),
		cmocka_unit_test(test_ways_that_meet_forget_what_differs),
		cmocka_unit_test(test_answers_are_ordered_as_the_kernel_orders_them),
		cmocka_unit_test(test_what_is_no_filter_is_told),
		cmocka_unit_test(test_judgement_is_the_kernels),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
