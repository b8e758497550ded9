/* SPDX-License-Identifier: MIT */
#include "tracer/arch.h"

#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "tracer/images.h"
#include "tracer/target_memory.h"

static const struct arch *const arch = &arch_x86_64;

struct prologue {
	const char *name;
	uint8_t code[24];
	size_t len;
	struct hook_plan plan; /* expected: offset, covered_len, stack_undo_bytes, ends_in_jump */
};

/* First bytes of functions of glibc 2.36 (Debian 12, libc.so.6), but where another is named. */
static const struct prologue prologues[] = {
	{ "malloc",
	  { 0x41, 0x54, 0x55, 0x53, 0x48, 0x89, 0xfb, 0x48, 0x83, 0xec, 0x10, 0x80, 0x3d, 0x46,
	    0x1b, 0x14, 0x00, 0x00 },
	  18,
	  { .offset = 2, .covered_len = 5, .stack_undo_bytes = 8, .instruction_count = 4 } },
	{ "free",
	  { 0x48, 0x85, 0xff, 0x0f, 0x84, 0xbf, 0x00, 0x00, 0x00, 0x55, 0x48, 0x8d, 0x77, 0xf0 },
	  14,
	  { .offset = 3, .covered_len = 6, .stack_undo_bytes = 0, .instruction_count = 2 } },
	{ "calloc",
	  { 0x41, 0x55, 0x48, 0x89, 0xf8, 0x41, 0x54, 0x55, 0x53, 0x48, 0x83, 0xec, 0x18 },
	  13,
	  { .offset = 2, .covered_len = 5, .stack_undo_bytes = 8, .instruction_count = 3 } },
	{ "realloc",
	  { 0x41, 0x57, 0x41, 0x56, 0x41, 0x55, 0x41, 0x54, 0x55, 0x48, 0x89, 0xf5, 0x53 },
	  13,
	  { .offset = 2, .covered_len = 6, .stack_undo_bytes = 8, .instruction_count = 4 } },
	{ "posix_memalign",
	  { 0x80, 0x3d, 0x01, 0x02, 0x14, 0x00, 0x00, 0x41, 0x54, 0x49, 0x89,
	    0xd4, 0x55, 0x48, 0x89, 0xfd, 0x53, 0x48, 0x89, 0xf3, 0x74, 0x5a },
	  22,
	  { .offset = 7, .covered_len = 5, .stack_undo_bytes = 0, .instruction_count = 3 } },
	{ "memalign",
	  { 0x80, 0x3d, 0x71, 0x0e, 0x14, 0x00, 0x00, 0x74, 0x07, 0xe9,
	    0x32, 0xf6, 0xff, 0xff, 0x66, 0x90, 0x48, 0x83, 0xec, 0x18 },
	  20,
	  { .offset = 7, .covered_len = 7, .ends_in_jump = true, .instruction_count = 3 } },
	{ "realloc of glibc 2.43: mov %rsi,%r9",
	  { 0x49, 0x89, 0xf1, 0x48, 0x85, 0xff, 0x0f, 0x84, 0x44, 0x03, 0x00, 0x00, 0x41, 0x57 },
	  14,
	  { .offset = 3, .covered_len = 9, .stack_undo_bytes = 0, .instruction_count = 3 } },
	{ "endbr64, push",
	  { 0xf3, 0x0f, 0x1e, 0xfa, 0x41, 0x54, 0x55, 0x53, 0x48, 0x89, 0xfb, 0xc3 },
	  12,
	  { .offset = 4, .covered_len = 7, .stack_undo_bytes = 0, .instruction_count = 5 } },
	{ "sub $0x18,%rsp",
	  { 0x48, 0x83, 0xec, 0x18, 0x48, 0x89, 0xf0, 0x48, 0x89, 0xfe, 0xc3 },
	  11,
	  { .offset = 4, .covered_len = 6, .stack_undo_bytes = 0x18, .instruction_count = 3 } },
	{ "sub $0x1000,%rsp",
	  { 0x48, 0x81, 0xec, 0x00, 0x10, 0x00, 0x00, 0xe9, 0, 0, 1, 0 },
	  12,
	  { .offset = 7,
	    .covered_len = 5,
	    .stack_undo_bytes = 0x1000,
	    .ends_in_jump = true,
	    .instruction_count = 2 } },
	{ "mov %rdi,%rax",
	  { 0x48, 0x89, 0xf8, 0x48, 0x89, 0xf9, 0x31, 0xd2, 0xc3 },
	  9,
	  { .offset = 3, .covered_len = 5, .stack_undo_bytes = 0, .instruction_count = 3 } },
	{ "mov 8(%rip),%rax; ret last",
	  { 0x48, 0x8b, 0x05, 8, 0, 0, 0, 0x48, 0x83, 0xc4, 0x00, 0xc3 },
	  12,
	  { .offset = 7,
	    .covered_len = 5,
	    .stack_undo_bytes = 0,
	    .ends_in_jump = true,
	    .instruction_count = 3 } },
};

static void test_prologues_of_glibc_are_planned_as_measured(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(prologues); i++) {
		const struct prologue *p = &prologues[i];
		struct hook_plan plan;
		struct error err;
		if (!arch->plan_hook(0x7f0000001000, p->code, p->len, ARGUMENTS_MAX, &plan, &err))
			fail_msg("%s: %s", p->name, err.context);
		if (plan.offset != p->plan.offset || plan.covered_len != p->plan.covered_len ||
		    plan.stack_undo_bytes != p->plan.stack_undo_bytes ||
		    plan.ends_in_jump != p->plan.ends_in_jump ||
		    plan.instruction_count != p->plan.instruction_count)
			fail_msg("%s: hook at %u over %u, undo %u", p->name, plan.offset,
				 plan.covered_len, plan.stack_undo_bytes);
		assert_memory_equal(plan.original, p->code, plan.offset + plan.covered_len);
	}
}

static const struct {
	const char *name;
	uint8_t code[24];
	size_t len;
} unhookable[] = {
	{ "mov %rsp,%rbp writes a callee-saved register",
	  { 0x48, 0x89, 0xe5, 0x90, 0x90, 0x90, 0x90, 0x90, 0xc3 },
	  9 },
	{ "mov %rsi,%rbx writes a callee-saved register",
	  { 0x48, 0x89, 0xf3, 0x90, 0x90, 0x90, 0x90, 0x90, 0xc3 },
	  9 },
	{ "mov (%rsp),%rdx writes an argument",
	  { 0x48, 0x8b, 0x14, 0x24, 0x90, 0x90, 0x90, 0x90, 0x90, 0xc3 },
	  10 },
	{ "mov (%rax),%rax reads what it writes",
	  { 0x48, 0x8b, 0x00, 0x90, 0x90, 0x90, 0x90, 0x90, 0xc3 },
	  9 },
	{ "add $1,%rdi is not repeatable",
	  { 0x48, 0x83, 0xc7, 0x01, 0x90, 0x90, 0x90, 0x90, 0x90, 0xc3 },
	  10 },
	{ "add $-8,%rsp is not planned for",
	  { 0x48, 0x83, 0xc4, 0xf8, 0x90, 0x90, 0x90, 0x90, 0x90, 0xc3 },
	  10 },
	{ "sub $-128,%rsp gives back",
	  { 0x48, 0x83, 0xec, 0x80, 0x90, 0x90, 0x90, 0x90, 0x90, 0xc3 },
	  10 },
	{ "push $1 is no register", { 0x6a, 0x01, 0x90, 0x90, 0x90, 0x90, 0x90, 0xc3 }, 8 },
	{ "push %ax takes two bytes", { 0x66, 0x50, 0x90, 0x90, 0x90, 0x90, 0x90, 0xc3 }, 8 },
	{ "jmp leaves at once", { 0xe9, 0, 1, 0, 0, 0x90, 0x90, 0x90, 0x90, 0x90 }, 10 },
	{ "int3 of somebody", { 0xcc, 0x54, 0x55, 0x53, 0x48, 0x89, 0xfb, 0xc3 }, 8 },
	{ "ends before there is room", { 0x53, 0x5b, 0xc3, 0x90, 0x90, 0x90, 0x90, 0x90 }, 8 },
	{ "cut off", { 0x53, 0x48, 0x89, 0xfb }, 4 },
	{ "nothing", { 0 }, 0 },
	{ "no instruction behind", { 0x53, 0x90, 0x90, 0x90, 0x90, 0x90, 0x06, 0xc3 }, 8 },
	{ "jmp to the second instruction", { 0x53, 0x90, 0x90, 0x90, 0x90, 0x90, 0xeb, 0xf9 }, 8 },
	{ "je into the middle", { 0x53, 0x90, 0x90, 0x90, 0x90, 0x90, 0x74, 0xfb, 0xc3 }, 9 },
	{ "jne to the entry", { 0x53, 0x90, 0x90, 0x90, 0x90, 0x90, 0x75, 0xf8, 0xc3 }, 9 },
	{ "call into the middle",
	  { 0x53, 0x90, 0x90, 0x90, 0x90, 0x90, 0xe8, 0xf8, 0xff, 0xff, 0xff, 0xc3 },
	  12 },
};

static void test_what_cannot_be_hooked_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(unhookable); i++) {
		struct hook_plan plan = { .offset = 99 };
		struct error err = { 0 };
		if (arch->plan_hook(0x1000, unhookable[i].code, unhookable[i].len, ARGUMENTS_MAX,
				    &plan, &err))
			fail_msg("accepted: %s", unhookable[i].name);
		assert_int_equal(err.kind, ERROR_UNSUPPORTED);
		assert_int_equal(plan.offset, 99); /* untouched */
	}
}

/* What a first instruction may do to registers depends on which of them carry arguments. First
 * bytes of real functions, as named. */
static void test_registers_that_carry_no_argument_may_be_written_first(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		uint8_t code[16];
		size_t len;
		unsigned arguments_max; /* that the hook's pad may look at */
	} cases[] = {
		{ "mov (%rsp),%rdx; jmp: memalign of glibc 2.31",
		  { 0x48, 0x8b, 0x14, 0x24, 0xe9, 0x77, 0xf6, 0xff, 0xff },
		  9,
		  2 },
		{ "mov %rsi,%r9: realloc of glibc 2.43",
		  { 0x49, 0x89, 0xf1, 0x48, 0x85, 0xff, 0x0f, 0x84, 0x44, 0x03, 0, 0 },
		  12,
		  3 },
		{ "mov %rsi,%rcx; shr $3,%rcx; lea: posix_memalign of glibc 2.43",
		  { 0x48, 0x89, 0xf1, 0x48, 0xc1, 0xe9, 0x03, 0x48, 0x8d, 0x41, 0xff },
		  11,
		  3 },
		{ "mov 0xadc9(%rip),%rdx: calloc of mimalloc 2.0",
		  { 0x48, 0x8b, 0x15, 0xc9, 0xad, 0, 0, 0x48, 0x89, 0xf8, 0x48, 0x89, 0xd1 },
		  13,
		  2 },
		{ "xor %ecx,%ecx; jmp: rallocx of jemalloc 5.3",
		  { 0x31, 0xc9, 0xe9, 0xe9, 0x1c, 0xff, 0xff },
		  7,
		  3 },
		{ "xor %edi,%edi", { 0x31, 0xff, 0xe9, 0xe9, 0x1c, 0xff, 0xff }, 7, 0 },
		{ "mov %rdi,%rsi", { 0x48, 0x89, 0xfe, 0xe9, 0xe9, 0x1c, 0xff, 0xff }, 8, 1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (unsigned arguments = 0; arguments <= ARGUMENTS_MAX; arguments++) {
			struct hook_plan plan;
			struct error err;
			bool is_planned = arch->plan_hook(0x100000, cases[i].code, cases[i].len,
							  arguments, &plan, &err);
			if (is_planned != (arguments <= cases[i].arguments_max))
				fail_msg("%s: %u arguments", cases[i].name, arguments);
		}
	}
}

static void test_recursion_and_branches_behind_the_hook_are_allowed(void **state)
{
	(void)state;
	/* push %rbx; 5 x nop; L: call self; jne L; jmp to just behind the hook; ret */
	const uint8_t code[] = { 0x53, 0x90, 0x90, 0x90, 0x90, 0x90, 0xe8, 0xf5,
				 0xff, 0xff, 0xff, 0x75, 0xf9, 0xeb, 0xf7, 0xc3 };
	struct hook_plan plan;
	struct error err;
	assert_true(arch->plan_hook(0x1000, code, sizeof(code), ARGUMENTS_MAX, &plan, &err));
}

static void test_a_thread_in_the_prologue_finds_its_place_in_the_copy(void **state)
{
	(void)state;
	/* test %rdi,%rdi; je +0x10; mov 0x10(%rip),%eax; ret: the branch grows by 4 bytes */
	const uint8_t code[] = { 0x48, 0x85, 0xff, 0x74, 0x10, 0x8b, 0x05, 0x10, 0, 0, 0, 0xc3 };
	struct hook_plan plan;
	struct error err;
	raddr copy;
	assert_true(arch->plan_hook(0x1000, code, sizeof(code), ARGUMENTS_MAX, &plan, &err));
	assert_true(arch->relocate_hook(&plan, 0x9000, &err));

	assert_true(hook_find_in_copy(&plan, 0x1000, &copy));
	assert_int_equal(copy, 0x9000);
	assert_true(hook_find_in_copy(&plan, 0x1003, &copy));
	assert_int_equal(copy, 0x9003);
	assert_true(hook_find_in_copy(&plan, 0x1005, &copy));
	assert_int_equal(copy, 0x9009);
	assert_false(hook_find_in_copy(&plan, 0x1004, &copy));
	assert_false(hook_find_in_copy(&plan, 0x100b, &copy)); /* behind: stays where it is */
}

static void test_what_lies_beyond_two_gigabytes_is_refused(void **state)
{
	(void)state;
	const uint8_t code[] = { 0x48, 0x85, 0xff, 0x8b, 0x05, 0x10, 0, 0, 0, 0xc3 };
	struct hook_plan plan;
	struct error err;
	uint8_t jump[JUMP_LEN_MAX];
	assert_true(arch->plan_hook(0x1000, code, sizeof(code), ARGUMENTS_MAX, &plan, &err));
	assert_true(arch->relocate_hook(&plan, 0x7ffff000, &err));
	assert_false(arch->relocate_hook(&plan, 0x90000000, &err));
	assert_int_equal(err.kind, ERROR_UNSUPPORTED);
	assert_int_equal(plan.copy_address, 0x7ffff000); /* untouched */

	assert_true(arch->encode_jump(0x1000, 0x80001004, jump, &err));
	assert_memory_equal(jump, "\xe9\xff\xff\xff\x7f", 5);
	assert_false(arch->encode_jump(0x1000, 0x80001005, jump, &err));
	assert_true(arch->encode_jump(0x80001000, 0x1005, jump, &err));
	assert_memory_equal(jump, "\xe9\x00\x00\x00\x80", 5);
	assert_false(arch->encode_jump(0x80001000, 0x1004, jump, &err));
}

static void test_a_branch_without_a_long_form_is_refused(void **state)
{
	(void)state;
	/* test %rdi,%rdi; jrcxz +8; 3 x nop */
	const uint8_t code[] = { 0x48, 0x85, 0xff, 0xe3, 0x08, 0x90, 0x90, 0x90, 0xc3 };
	struct hook_plan plan;
	struct error err;
	assert_true(arch->plan_hook(0x1000, code, sizeof(code), ARGUMENTS_MAX, &plan, &err));
	assert_false(arch->relocate_hook(&plan, 0x2000, &err));
	assert_int_equal(err.kind, ERROR_UNSUPPORTED);
}

/* -- relocated code that runs -- */

enum { ARENA = 8192, COPY_AT = 4096, THUNK_AT = 6144 };

static uint8_t *make_arena(const void *code, size_t len)
{
	uint8_t *arena = mmap(NULL, ARENA, PROT_READ | PROT_WRITE | PROT_EXEC,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(arena, MAP_FAILED);
	memcpy(arena, code, len);
	return arena;
}

/* Hook the function at the arena's start so that it returns 99, and make its displaced copy. */
static void hook_arena(uint8_t *arena, size_t len)
{
	struct hook_plan plan;
	struct error err;
	uint8_t jump[JUMP_LEN_MAX];
	raddr function = (raddr)arena;
	assert_true(arch->plan_hook(function, arena, len, ARGUMENTS_MAX, &plan, &err));
	assert_true(arch->relocate_hook(&plan, function + COPY_AT, &err));
	memcpy(arena + COPY_AT, plan.copy, plan.copy_len);

	/* lea undo(%rsp),%rsp; mov $99,%eax; ret */
	uint8_t thunk[] = { 0x48, 0x8d, 0xa4, 0x24, 0, 0, 0, 0, 0xb8, 99, 0, 0, 0, 0xc3 };
	memcpy(thunk + 4, &plan.stack_undo_bytes, 4);
	memcpy(arena + THUNK_AT, thunk, sizeof(thunk));
	raddr hook = function + plan.offset;
	assert_true(arch->encode_jump(hook, function + THUNK_AT, jump, &err));
	memcpy(arena + plan.offset, jump, arch->jump_len);
}

static int call(const uint8_t *code, int argument)
{
	int (*function)(int) = (int (*)(int))code;
	return function(argument);
}

static void test_copy_with_widened_branch_and_rip_operand_runs(void **state)
{
	(void)state;
	const uint8_t code[] = {
		0x48, 0x85, 0xff,		 /* test %rdi,%rdi */
		0x74, 0x0b,			 /* je zero */
		0x8b, 0x05, 0x10, 0,	0,    0, /* mov value(%rip),%eax */
		0x01, 0xf8,			 /* add %edi,%eax */
		0xc3,				 /* ret */
		0x90, 0x90,			 /* nops */
		0xb8, 0xff, 0xff, 0xff, 0xff,	 /* zero: mov $-1,%eax */
		0xc3,				 /* ret */
		0x90, 0x90, 0x90, 0x90, 0x90,	 /* nops */
		40,   0,    0,	  0,		 /* value: .long 40 */
	};
	uint8_t *arena = make_arena(code, sizeof(code));
	assert_int_equal(call(arena, 2), 42);
	hook_arena(arena, 22);
	assert_int_equal(call(arena, 2), 99);
	assert_int_equal(call(arena + COPY_AT, 2), 42);
	assert_int_equal(call(arena + COPY_AT, 0), -1);
	munmap(arena, ARENA);
}

static void test_copy_with_a_call_runs_and_the_thunk_undoes_the_push(void **state)
{
	(void)state;
	const uint8_t code[] = {
		0x53,			/* push %rbx */
		0xe8, 0x04, 0,	  0, 0, /* call helper */
		0x01, 0xc0,		/* add %eax,%eax */
		0x5b,			/* pop %rbx */
		0xc3,			/* ret */
		0x8d, 0x47, 0x13,	/* helper: lea 19(%rdi),%eax */
		0xc3,			/* ret */
	};
	uint8_t *arena = make_arena(code, sizeof(code));
	assert_int_equal(call(arena, 2), 42);
	hook_arena(arena, 10);
	assert_int_equal(call(arena, 2), 99);
	assert_int_equal(call(arena + COPY_AT, 2), 42);
	munmap(arena, ARENA);
}

static void test_copy_that_ends_in_a_jump_runs(void **state)
{
	(void)state;
	const uint8_t code[] = {
		0x48, 0x83, 0xec, 0x08,	   /* sub $8,%rsp */
		0xe9, 0x01, 0,	  0,	0, /* jmp rest */
		0xcc,			   /* int3 */
		0x8d, 0x47, 0x28,	   /* rest: lea 40(%rdi),%eax */
		0x48, 0x83, 0xc4, 0x08,	   /* add $8,%rsp */
		0xc3,			   /* ret */
	};
	uint8_t *arena = make_arena(code, sizeof(code));
	hook_arena(arena, sizeof(code));
	assert_int_equal(call(arena, 2), 99);
	assert_int_equal(call(arena + COPY_AT, 2), 42);
	assert_int_equal(arena[COPY_AT + 9], 0); /* and nothing stands behind it */
	munmap(arena, ARENA);
}

/* -- the C library of this process -- */

struct own {
	struct target_memory tm;
	struct images images;
};

static void open_own(struct own *own)
{
	struct error err;
	assert_true(target_memory_init(&own->tm, getpid(), &err));
	if (!images_init(&own->images, getpid(), &own->tm.memory, &err))
		fail_msg("%s", err.context);
}

static void close_own(struct own *own)
{
	images_deinit(&own->images);
	target_memory_deinit(&own->tm);
}

/* A runnable displaced copy of a function of this process's glibc, near it. */
static void *copy_libc_function(const struct own *own, const char *name)
{
	static raddr next;
	struct error err;
	struct symbol symbol;
	uint8_t code[4096];
	const struct image *libc = images_find_glibc(&own->images);
	assert_non_null(libc);
	assert_true(image_find_symbol(libc, name, &symbol));
	assert_in_range(symbol.size, 16, sizeof(code));
	assert_true(image_file_bytes(libc, symbol.address, code, symbol.size, &err));

	if (!next) {
		OWNED_MAPS struct maps now = { 0 };
		raddr gap;
		assert_true(maps_read(getpid(), &now, &err));
		assert_true(maps_find_gap(&now, libc->start, libc->end, 4096, 0x7ff00000, &gap));
		void *page = mmap((void *)gap, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		assert_ptr_equal(page, (void *)gap);
		next = gap;
	}
	struct hook_plan plan;
	if (!arch->plan_hook(symbol.address, code, symbol.size, ARGUMENTS_MAX, &plan, &err) ||
	    !arch->relocate_hook(&plan, next, &err))
		fail_msg("%s: %s", name, err.context);
	void *copy = (void *)next;
	memcpy(copy, plan.copy, plan.copy_len);
	next += HOOK_COPY_MAX;
	return copy;
}

static void test_displaced_copies_of_the_allocator_allocate(void **state)
{
	(void)state;
	struct own own;
	open_own(&own);
	void *(*copy_malloc)(size_t) = copy_libc_function(&own, "malloc");
	void *(*copy_calloc)(size_t, size_t) = copy_libc_function(&own, "calloc");
	void *(*copy_realloc)(void *, size_t) = copy_libc_function(&own, "realloc");
	void (*copy_free)(void *) = copy_libc_function(&own, "free");
	int (*copy_posix_memalign)(void **, size_t, size_t) =
		copy_libc_function(&own, "posix_memalign");
	void *(*copy_memalign)(size_t, size_t) = copy_libc_function(&own, "memalign");

	for (size_t size = 1; size < 100000; size = size * 3 + 1) {
		char *block = copy_malloc(size);
		char *zeros = copy_calloc(size, 3);
		assert_non_null(block);
		memset(block, 'x', size);
		for (size_t i = 0; i < 3 * size; i++)
			assert_int_equal(zeros[i], 0);
		block = copy_realloc(block, 2 * size);
		assert_true(block[0] == 'x' && block[size - 1] == 'x');
		void *aligned = NULL;
		assert_int_equal(copy_posix_memalign(&aligned, 256, size), 0);
		assert_int_equal((uintptr_t)aligned % 256, 0);
		void *other = copy_memalign(512, size);
		assert_int_equal((uintptr_t)other % 512, 0);
		copy_free(block);
		copy_free(zeros);
		copy_free(aligned);
		copy_free(other);
		copy_free(NULL);
	}
	close_own(&own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prologues_of_glibc_are_planned_as_measured),
		cmocka_unit_test(test_what_cannot_be_hooked_is_refused),
		cmocka_unit_test(test_registers_that_carry_no_argument_may_be_written_first),
		cmocka_unit_test(test_recursion_and_branches_behind_the_hook_are_allowed),
		cmocka_unit_test(test_a_thread_in_the_prologue_finds_its_place_in_the_copy),
		cmocka_unit_test(test_what_lies_beyond_two_gigabytes_is_refused),
		cmocka_unit_test(test_a_branch_without_a_long_form_is_refused),
		cmocka_unit_test(test_copy_with_widened_branch_and_rip_operand_runs),
		cmocka_unit_test(test_copy_with_a_call_runs_and_the_thunk_undoes_the_push),
		cmocka_unit_test(test_copy_that_ends_in_a_jump_runs),
		cmocka_unit_test(test_displaced_copies_of_the_allocator_allocate),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
