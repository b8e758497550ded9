/* SPDX-License-Identifier: MIT */
#include "tracer/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>

/* ---- what is known at one instruction -------------------------------------------------------- */

enum { WORD_A = BPF_MEMWORDS, WORD_X, WORD_COUNT };

/* The words of the filter's machine, on all ways to one instruction. A filter jumps forward only,
 * so that one pass in order of the instructions sees every way. */
struct state {
	bool is_reached;
	uint32_t known; /* bit n: words[n] is the same on every way */
	uint32_t words[WORD_COUNT];
};

struct word {
	bool is_known;
	uint32_t value;
};

static const struct word UNKNOWN = { 0 };

static struct word known(uint32_t value)
{
	return (struct word){ true, value };
}

static struct word get(const struct state *state, unsigned index)
{
	return (struct word){ state->known >> index & 1, state->words[index] };
}

static void set(struct state *state, unsigned index, struct word word)
{
	state->words[index] = word.is_known ? word.value : 0;
	state->known = (state->known & ~(1u << index)) | (uint32_t)word.is_known << index;
}

/* There is one more way to `into`. */
static void join(struct state *into, const struct state *from)
{
	if (!into->is_reached) {
		*into = *from;
		return;
	}
	into->known &= from->known;
	for (unsigned i = 0; i < WORD_COUNT; i++)
		if (into->words[i] != from->words[i])
			set(into, i, UNKNOWN);
}

/* ---- one instruction ------------------------------------------------------------------------- */

static struct word load_data(const struct seccomp_call *call, uint32_t offset)
{
	const uint32_t first_arg = offsetof(struct seccomp_data, args);
	if (offset == offsetof(struct seccomp_data, nr))
		return known((uint32_t)call->number);
	if (offset == offsetof(struct seccomp_data, arch))
		return known(AUDIT_ARCH_X86_64);
	if (offset < first_arg)
		return UNKNOWN; /* the instruction pointer */

	uint32_t arg = (offset - first_arg) / 8;
	if (call->any_args >> arg & 1)
		return UNKNOWN;
	return known((uint32_t)(offset % 8 ? call->args[arg] >> 32 : call->args[arg]));
}

/* False for what is no arithmetic of a filter. Division by zero is the caller's business. */
static bool calculate(uint16_t operation, uint32_t a, uint32_t operand, uint32_t *ret)
{
	switch (operation) {
	case BPF_ADD:
		*ret = a + operand;
		return true;
	case BPF_SUB:
		*ret = a - operand;
		return true;
	case BPF_MUL:
		*ret = a * operand;
		return true;
	case BPF_DIV:
		*ret = operand ? a / operand : 0;
		return true;
	case BPF_AND:
		*ret = a & operand;
		return true;
	case BPF_OR:
		*ret = a | operand;
		return true;
	case BPF_XOR:
		*ret = a ^ operand;
		return true;
	case BPF_LSH:
		*ret = a << (operand & 31);
		return true;
	case BPF_RSH:
		*ret = a >> (operand & 31);
		return true;
	case BPF_NEG:
		*ret = -a;
		return true;
	default:
		return false;
	}
}

static bool compare(uint16_t operation, uint32_t a, uint32_t operand, bool *ret)
{
	switch (operation) {
	case BPF_JEQ:
		*ret = a == operand;
		return true;
	case BPF_JGT:
		*ret = a > operand;
		return true;
	case BPF_JGE:
		*ret = a >= operand;
		return true;
	case BPF_JSET:
		*ret = (a & operand) != 0;
		return true;
	default:
		return false;
	}
}

/* The judging of one call by one filter. */
struct judging {
	const struct sock_filter *filter;
	size_t len;
	const struct seccomp_call *call;
	struct state *states; /* one per instruction */
	bool has_answer;
	uint32_t answer; /* the gravest so far */
};

static void take_answer(struct judging *judging, uint32_t answer)
{
	if (!judging->has_answer || seccomp_is_graver(answer, judging->answer))
		judging->answer = answer;
	judging->has_answer = true;
}

static bool go_to(struct judging *judging, size_t next, const struct state *state)
{
	if (next >= judging->len)
		return false;
	join(&judging->states[next], state);
	return true;
}

static bool step_load(const struct judging *judging, const struct sock_filter *at,
		      struct state *state, unsigned into)
{
	switch (at->code & ~(BPF_LD | BPF_LDX)) {
	case BPF_W | BPF_ABS:
		if (into != WORD_A || at->k >= sizeof(struct seccomp_data) || at->k % 4)
			return false;
		set(state, into, load_data(judging->call, at->k));
		return true;
	case BPF_W | BPF_LEN:
		set(state, into, known(sizeof(struct seccomp_data)));
		return true;
	case BPF_IMM:
		set(state, into, known(at->k));
		return true;
	case BPF_MEM:
		if (at->k >= BPF_MEMWORDS)
			return false;
		set(state, into, get(state, at->k));
		return true;
	default:
		return false;
	}
}

static bool step_calculation(struct judging *judging, const struct sock_filter *at,
			     struct state *state)
{
	struct word a = get(state, WORD_A);
	struct word operand = BPF_SRC(at->code) == BPF_X ? get(state, WORD_X) : known(at->k);
	uint32_t result;
	if (!calculate(BPF_OP(at->code), a.value, operand.value, &result))
		return false;
	/* The kernel ends a filter that divides by zero, with 0. */
	if (BPF_OP(at->code) == BPF_DIV && operand.value == 0)
		take_answer(judging, SECCOMP_RET_KILL_THREAD);
	set(state, WORD_A, a.is_known && operand.is_known ? known(result) : UNKNOWN);
	return true;
}

static bool step_jump(struct judging *judging, size_t i, const struct state *state)
{
	const struct sock_filter *at = &judging->filter[i];
	if (BPF_OP(at->code) == BPF_JA)
		return go_to(judging, i + 1 + (size_t)at->k, state);

	struct word a = get(state, WORD_A);
	struct word operand = BPF_SRC(at->code) == BPF_X ? get(state, WORD_X) : known(at->k);
	bool is_true;
	if (!compare(BPF_OP(at->code), a.value, operand.value, &is_true))
		return false;
	bool is_sure = a.is_known && operand.is_known;
	return ((is_sure && !is_true) || go_to(judging, i + 1 + at->jt, state)) &&
	       ((is_sure && is_true) || go_to(judging, i + 1 + at->jf, state));
}

static bool step_return(struct judging *judging, const struct sock_filter *at,
			const struct state *state)
{
	struct word a = get(state, WORD_A);
	if (BPF_RVAL(at->code) == BPF_K)
		take_answer(judging, at->k);
	else if (BPF_RVAL(at->code) == BPF_A)
		take_answer(judging, a.is_known ? a.value : SECCOMP_RET_KILL_PROCESS);
	else
		return false;
	return true;
}

/* False if that is no instruction of a filter, or leads out of it. */
static bool step(struct judging *judging, size_t i)
{
	const struct sock_filter *at = &judging->filter[i];
	struct state state = judging->states[i];

	switch (BPF_CLASS(at->code)) {
	case BPF_LD:
		return step_load(judging, at, &state, WORD_A) && go_to(judging, i + 1, &state);
	case BPF_LDX:
		return step_load(judging, at, &state, WORD_X) && go_to(judging, i + 1, &state);
	case BPF_ST:
	case BPF_STX:
		if (at->k >= BPF_MEMWORDS)
			return false;
		set(&state, at->k, get(&state, BPF_CLASS(at->code) == BPF_ST ? WORD_A : WORD_X));
		return go_to(judging, i + 1, &state);
	case BPF_ALU:
		return step_calculation(judging, at, &state) && go_to(judging, i + 1, &state);
	case BPF_JMP:
		return step_jump(judging, i, &state);
	case BPF_RET:
		return step_return(judging, at, &state);
	case BPF_MISC:
		if (BPF_MISCOP(at->code) == BPF_TAX)
			set(&state, WORD_X, get(&state, WORD_A));
		else
			set(&state, WORD_A, get(&state, WORD_X));
		return go_to(judging, i + 1, &state);
	default:
		return false;
	}
}

/* ---- filters --------------------------------------------------------------------------------- */

bool seccomp_is_graver(uint32_t answer, uint32_t than)
{
	return (int32_t)(answer & SECCOMP_RET_ACTION_FULL) <
	       (int32_t)(than & SECCOMP_RET_ACTION_FULL);
}

const char *seccomp_answer_verb(uint32_t answer)
{
	switch (answer & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
		return "allows";
	case SECCOMP_RET_ERRNO:
		return "refuses";
	case SECCOMP_RET_TRACE:
		return "asks a tracer about";
	case SECCOMP_RET_USER_NOTIF:
		return "asks a supervisor about";
	case SECCOMP_RET_TRAP:
		return "sends SIGSYS for";
	default:
		return "kills the program for";
	}
}

bool seccomp_judge(const struct sock_filter *filter, size_t len, const struct seccomp_call *call,
		   uint32_t *ret, struct error *err)
{
	if (len == 0 || len > BPF_MAXINSNS)
		return error_set(err, ERROR_FORMAT, "seccomp filter of %zu instructions", len);
	OWNED_FREE struct state *states = calloc(len, sizeof(*states));
	if (!states)
		return error_set(err, ERROR_NO_MEMORY, "judging a seccomp filter");

	struct judging judging = { .filter = filter, .len = len, .call = call, .states = states };
	/* The kernel starts with A and X zero. */
	states[0] = (struct state){ .is_reached = true, .known = 1u << WORD_A | 1u << WORD_X };
	for (size_t i = 0; i < len; i++)
		if (states[i].is_reached && !step(&judging, i))
			return error_set(err, ERROR_FORMAT,
					 "instruction %zu of a seccomp filter: %#x %u %u %#x", i,
					 filter[i].code, filter[i].jt, filter[i].jf, filter[i].k);
	*ret = judging.answer;
	return true;
}

void seccomp_filters_deinit(struct seccomp_filters *filters)
{
	for (size_t i = 0; i < filters->len; i++)
		free(filters->filters[i].list);
	free(filters->filters);
	*filters = (struct seccomp_filters){ 0 };
}

static bool has(const struct seccomp_filters *filters, const struct sock_filter *list, size_t len)
{
	for (size_t i = 0; i < filters->len; i++)
		if (filters->filters[i].len == len &&
		    memcmp(filters->filters[i].list, list, len * sizeof(*list)) == 0)
			return true;
	return false;
}

static bool add(struct seccomp_filters *filters, const struct sock_filter *list, size_t len,
		struct error *err)
{
	struct seccomp_filter *larger =
		reallocarray(filters->filters, filters->len + 1, sizeof(*larger));
	if (larger)
		filters->filters = larger;
	struct sock_filter *copy = larger ? malloc(len * sizeof(*copy)) : NULL;
	if (!copy)
		return error_set(err, ERROR_NO_MEMORY, "seccomp filters");
	memcpy(copy, list, len * sizeof(*copy));
	filters->filters[filters->len++] = (struct seccomp_filter){ copy, len };
	return true;
}

bool seccomp_filters_read(struct seccomp_filters *filters, int tid, struct error *err)
{
	static const enum __ptrace_request get_filter = PTRACE_SECCOMP_GET_FILTER;
	OWNED_FREE struct sock_filter *list = calloc(BPF_MAXINSNS, sizeof(*list));
	if (!list)
		return error_set(err, ERROR_NO_MEMORY, "seccomp filters");

	/* The kernel counts from the filter that was installed last. */
	for (uintptr_t index = 0;; index++) {
		long len = ptrace(get_filter, tid, (void *)index, list);
		/* None is left, or this thread is under no filter at all. */
		if (len < 0 && (errno == ENOENT || (errno == EINVAL && index == 0)))
			return true;
		if (len < 0)
			return error_set_errno(err, ERROR_UNSUPPORTED,
					       "cannot read the seccomp filters of thread %d", tid);
		if (!has(filters, list, (size_t)len) && !add(filters, list, (size_t)len, err))
			return false;
	}
}

bool seccomp_filters_judge(const struct seccomp_filters *filters, const struct seccomp_call *call,
			   uint32_t *ret, struct error *err)
{
	uint32_t gravest = SECCOMP_RET_ALLOW;
	for (size_t i = 0; i < filters->len; i++) {
		uint32_t answer;
		if (!seccomp_judge(filters->filters[i].list, filters->filters[i].len, call, &answer,
				   err))
			return false;
		if (seccomp_is_graver(answer, gravest))
			gravest = answer;
	}
	*ret = gravest;
	return true;
}
