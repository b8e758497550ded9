/* SPDX-License-Identifier: MIT */
#include "tracer/arch.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "tracer/images.h"
#include "tracer/target_memory.h"

/* A target of two code pages far apart, and one read-only data page behind the first. */
enum {
	HOT = 0x401000,
	RELRO = 0x402000,
	COLD = 0x500000,
	PAGE = 4096,
	TABLE = 0x959f40,
	RAW = 0x95a060,
};

static uint8_t hot[PAGE], cold[PAGE], relro[PAGE];

static bool read_fake(struct memory *mem, struct memory_span *spans, size_t span_count,
		      struct error *err)
{
	const struct {
		raddr address;
		const uint8_t *bytes;
	} pages[] = { { HOT, hot }, { RELRO, relro }, { COLD, cold } };

	(void)mem;
	(void)err;
	for (size_t i = 0; i < span_count; i++) {
		struct memory_span *span = &spans[i];
		span->is_read = false;
		for (size_t k = 0; k < ARRAY_LEN(pages); k++) {
			uint64_t offset = span->address - pages[k].address;
			if (offset >= PAGE || span->len > PAGE - offset)
				continue;
			memcpy(span->buffer, pages[k].bytes + offset, span->len);
			span->is_read = true;
		}
	}
	return true;
}

static struct memory fake = { .read_spans = read_fake };

static const char fake_maps[] = "00401000-00402000 r-xp 00001000 08:01 7 /python\n"
				"00402000-00403000 r--p 00002000 08:01 7 /python\n"
				"00500000-00501000 r-xp 00100000 08:01 7 /python\n"
				"00959000-0095b000 rw-p 00500000 08:01 7 /python\n";

/* -- a very small assembler -- */

struct cursor {
	uint8_t *at;
	raddr address;
};

static void put(struct cursor *code, const void *bytes, size_t len)
{
	memcpy(code->at, bytes, len);
	code->at += len;
	code->address += len;
}

/* Opcode bytes, and a 32-bit displacement from the instruction's end to `target`. */
static void put_relative(struct cursor *code, const char *opcode, size_t len, raddr target)
{
	put(code, opcode, len);
	int32_t relative = (int32_t)(target - (code->address + 4));
	put(code, &relative, sizeof(relative));
}

static void put_absolute(struct cursor *code, const char *opcode, size_t len, uint32_t value)
{
	put(code, opcode, len);
	put(code, &value, sizeof(value));
}

#define PUT(code, bytes)		   put(code, bytes, sizeof(bytes) - 1)
#define PUT_RELATIVE(code, opcode, target) put_relative(code, opcode, sizeof(opcode) - 1, target)
#define PUT_ABSOLUTE(code, opcode, value)  put_absolute(code, opcode, sizeof(opcode) - 1, value)

static struct cursor start(void)
{
	memset(hot, 0xcc, sizeof(hot));
	memset(cold, 0xcc, sizeof(cold));
	return (struct cursor){ hot, HOT };
}

static size_t decode(raddr function, raddr *ret, size_t max)
{
	OWNED_MAPS struct maps maps = { 0 };
	struct error err;
	struct code_loads loads;
	size_t len;
	assert_true(maps_parse(fake_maps, strlen(fake_maps), &maps, &err));
	arch_x86_64.init_loads(&loads, &fake, &maps);
	if (!loads.loads.decode(&loads.loads, function, ret, max, &len, &err))
		fail_msg("%s", err.context);
	return len;
}

static void assert_loads(const raddr *expected, size_t count)
{
	raddr loads[16];
	assert_int_equal(decode(HOT, loads, ARRAY_LEN(loads)), count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(loads[i], expected[i]);
}

/* Debian's PyObject_Malloc: the allocator is inlined behind a comparison of the table's pointer;
 * the table's context is read in a cold block far away, and the inlined body ends in a read of the
 * raw table. */
static void test_pgo_shape_gives_the_table_before_the_raw_one(void **state)
{
	(void)state;
	struct cursor code = start();
	PUT(&code, "\x48\x85\xff");			    /* test %rdi,%rdi */
	PUT_RELATIVE(&code, "\x0f\x88", HOT + 0x80);	    /* js refuse */
	PUT_RELATIVE(&code, "\x48\x8b\x05", TABLE + 8);	    /* mov T+8(%rip),%rax */
	PUT_ABSOLUTE(&code, "\x48\x3d", 0x4fb350);	    /* cmp $impl,%rax */
	PUT_RELATIVE(&code, "\x0f\x85", COLD);		    /* jne cold */
	PUT(&code, "\x64\x48\x8b\x04\x25\x00\x00\x00\x00"); /* mov %fs:0,%rax */
	PUT_RELATIVE(&code, "\x48\x8b\x05", RAW + 8);	    /* mov RAW+8(%rip),%rax */
	PUT_RELATIVE(&code, "\x48\x8b\x3d", RAW);	    /* mov RAW(%rip),%rdi */
	PUT(&code, "\xff\xe0");				    /* jmp *%rax */
	struct cursor refuse = { hot + 0x80, HOT + 0x80 };
	PUT(&refuse, "\x31\xc0\xc3"); /* xor %eax,%eax; ret */
	struct cursor far = { cold, COLD };
	PUT(&far, "\x48\x89\xfe");		   /* mov %rdi,%rsi */
	PUT_RELATIVE(&far, "\x48\x8b\x3d", TABLE); /* mov T(%rip),%rdi */
	PUT(&far, "\xff\xe0");			   /* jmp *%rax */

	assert_loads((const raddr[]){ TABLE + 8, RAW + 8, TABLE, RAW }, 4);
}

static void test_indirect_jump_through_memory_is_a_read(void **state)
{
	(void)state;
	struct cursor code = start();
	PUT(&code, "\x48\x89\xf2");		     /* mov %rsi,%rdx */
	PUT_RELATIVE(&code, "\x48\x8b\x3d", TABLE);  /* mov T(%rip),%rdi */
	PUT_RELATIVE(&code, "\xff\x25", TABLE + 16); /* jmp *T+16(%rip) */
	assert_loads((const raddr[]){ TABLE, TABLE + 16 }, 2);

	code = start();
	PUT_ABSOLUTE(&code, "\x48\x8b\x3c\x25", TABLE); /* mov T,%rdi (absolute) */
	PUT_ABSOLUTE(&code, "\xff\x14\x25", TABLE + 8); /* call *T+8 (absolute) */
	PUT(&code, "\xc3");
	assert_loads((const raddr[]){ TABLE, TABLE + 8 }, 2);
}

static void test_constants_in_registers_are_followed(void **state)
{
	(void)state;
	struct cursor code = start();
	PUT_ABSOLUTE(&code, "\xb8", TABLE); /* mov $T,%eax */
	PUT(&code, "\x48\x8b\x38");	    /* mov (%rax),%rdi */
	PUT(&code, "\xff\x60\x08");	    /* jmp *8(%rax) */
	assert_loads((const raddr[]){ TABLE, TABLE + 8 }, 2);

	code = start();
	PUT_RELATIVE(&code, "\x4c\x8d\x25", TABLE); /* lea T(%rip),%r12 */
	PUT(&code, "\x4c\x89\xe3");		    /* mov %r12,%rbx */
	PUT(&code, "\xff\x53\x10");		    /* call *16(%rbx) */
	PUT(&code, "\x48\x8b\x43\x18");		    /* mov 24(%rbx),%rax: kept by the call */
	PUT(&code, "\x48\x8d\x43\x20");		    /* lea 32(%rbx),%rax */
	PUT(&code, "\x48\x8b\x00");		    /* mov (%rax),%rax */
	PUT(&code, "\x48\x8b\x00");		    /* mov (%rax),%rax: no constant any more */
	PUT(&code, "\xc3");
	assert_loads((const raddr[]){ TABLE + 16, TABLE + 24, TABLE + 32 }, 3);

	code = start();
	PUT_ABSOLUTE(&code, "\xb8", TABLE);	  /* mov $T,%eax */
	PUT_RELATIVE(&code, "\xe8", HOT + 0x100); /* call */
	PUT(&code, "\x48\x8b\x00");		  /* mov (%rax),%rax: the call's result */
	PUT_ABSOLUTE(&code, "\xb8", TABLE);	  /* mov $T,%eax */
	PUT(&code, "\xb0\x01");			  /* mov $1,%al */
	PUT(&code, "\x48\x8b\x00");		  /* mov (%rax),%rax */
	PUT(&code, "\xc3");
	assert_loads(NULL, 0);
}

static void test_pointer_from_the_closed_offset_table_is_followed(void **state)
{
	(void)state;
	const uint64_t runtime = TABLE - 0xb0;
	memcpy(relro + 0x40, &runtime, sizeof(runtime));
	struct cursor code = start();
	PUT_RELATIVE(&code, "\x48\x8b\x05", RELRO + 0x40); /* mov _PyRuntime@GOT(%rip),%rax */
	PUT(&code, "\x48\x8b\xb8\xb0\x00\x00\x00");	   /* mov 0xb0(%rax),%rdi */
	PUT(&code, "\xff\xa0\xb8\x00\x00\x00");		   /* jmp *0xb8(%rax) */
	assert_loads((const raddr[]){ RELRO + 0x40, TABLE, TABLE + 8 }, 3);
}

static void test_other_accesses_are_no_reads(void **state)
{
	(void)state;
	struct cursor code = start();
	PUT(&code, "\x65\x48\x8b\x04\x25\x28\x00\x00\x00"); /* mov %gs:0x28,%rax */
	PUT_RELATIVE(&code, "\x8b\x05", TABLE);		    /* mov T(%rip),%eax: 4 bytes */
	PUT_RELATIVE(&code, "\x48\x89\x05", TABLE);	    /* mov %rax,T(%rip): a write */
	PUT_RELATIVE(&code, "\x48\x8d\x05", TABLE);	    /* lea T(%rip),%rax */
	PUT(&code, "\x48\x8b\x04\xc8");			    /* mov (%rax,%rcx,8),%rax */
	PUT(&code, "\x48\x8b\x44\x24\x08");		    /* mov 8(%rsp),%rax */
	PUT(&code, "\xc3");
	assert_loads(NULL, 0);
}

static void test_each_address_is_listed_once_and_at_most_max(void **state)
{
	(void)state;
	struct cursor code = start();
	for (size_t i = 0; i < 20; i++)
		PUT_RELATIVE(&code, "\x48\x8b\x05", TABLE + 8 * (i % 5));
	PUT_RELATIVE(&code, "\xe9", HOT); /* for ever */
	raddr loads[3] = { 0 };
	assert_int_equal(decode(HOT, loads, 2), 2);
	assert_int_equal(loads[1], TABLE + 8);
	assert_int_equal(loads[2], 0);
	assert_loads((const raddr[]){ TABLE, TABLE + 8, TABLE + 16, TABLE + 24, TABLE + 32 }, 5);
}

static void test_walk_ends_after_400_instructions(void **state)
{
	(void)state;
	struct cursor code = start();
	for (size_t i = 0; i < 398; i++)
		PUT(&code, "\x90");
	PUT_RELATIVE(&code, "\x48\x8b\x05", TABLE); /* the 399th */
	PUT(&code, "\x90");
	PUT_RELATIVE(&code, "\x48\x8b\x05", TABLE + 8); /* the 401st */
	PUT(&code, "\xc3");
	assert_loads((const raddr[]){ TABLE }, 1);
}

static void test_code_that_ends_with_its_page_is_decoded(void **state)
{
	(void)state;
	start();
	struct cursor code = { cold + PAGE - 8, COLD + PAGE - 8 };
	PUT_RELATIVE(&code, "\x48\x8b\x05", TABLE);
	PUT(&code, "\xc3");
	raddr loads[2];
	assert_int_equal(decode(COLD + PAGE - 8, loads, 2), 1);
	assert_int_equal(loads[0], TABLE);
}

static void test_unreadable_and_senseless_code_fails(void **state)
{
	(void)state;
	OWNED_MAPS struct maps maps = { 0 };
	struct code_loads loads;
	struct error err;
	raddr ret[2];
	size_t len = 77;
	start();
	hot[0] = 0x06; /* no instruction in 64-bit mode */
	assert_true(maps_parse(fake_maps, strlen(fake_maps), &maps, &err));
	arch_x86_64.init_loads(&loads, &fake, &maps);

	assert_false(loads.loads.decode(&loads.loads, HOT, ret, 2, &len, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_false(loads.loads.decode(&loads.loads, 0x1234, ret, 2, &len, &err));
	assert_int_equal(err.kind, ERROR_READ);
	assert_int_equal(len, 77); /* untouched */
	assert_true(loads.loads.is_code(&loads.loads, HOT));
	assert_false(loads.loads.is_code(&loads.loads, RELRO));
	assert_false(loads.loads.is_code(&loads.loads, 0));
}

/* -- a live interpreter -- */

static const char DEBIAN_PYTHON[] = "/usr/bin/python3";

static pid_t start_python(void)
{
	int ready[2];
	char byte;
	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(ready[1], STDOUT_FILENO);
		execl(DEBIAN_PYTHON, DEBIAN_PYTHON, "-c",
		      "import sys, time; print('r', flush=True); time.sleep(60)", NULL);
		_exit(127);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void test_code_at_address_zero_is_not_readable(void **state)
{
	(void)state;
	OWNED_MAPS struct maps maps = { 0 };
	struct code_loads loads;
	struct error err;
	raddr ret[1];
	size_t len;
	assert_true(maps_parse(fake_maps, strlen(fake_maps), &maps, &err));
	arch_x86_64.init_loads(&loads, &fake, &maps);
	assert_false(loads.loads.decode(&loads.loads, 0, ret, 1, &len, &err));
	assert_int_equal(err.kind, ERROR_READ);
}

/* The first Y among the loads such that Y - 8*nth is loaded too and starts a table. */
static raddr find_table(struct code_loads *code, raddr function, size_t nth)
{
	struct error err;
	raddr loads[256];
	size_t len;
	assert_true(code->loads.decode(&code->loads, function, loads, 256, &len, &err));
	for (size_t i = 0; i < len; i++) {
		raddr table = loads[i] - 8 * nth;
		raddr words[5];
		bool is_loaded = false;
		for (size_t k = 0; k < len; k++)
			is_loaded |= loads[k] == table;
		if (!is_loaded || !memory_read(code->memory, table, words, sizeof(words), &err))
			continue;
		if (code->loads.is_code(&code->loads, words[1]) &&
		    code->loads.is_code(&code->loads, words[2]) &&
		    code->loads.is_code(&code->loads, words[3]) &&
		    code->loads.is_code(&code->loads, words[4]))
			return table;
	}
	return 0;
}

static void test_four_functions_of_a_live_python_agree_on_their_table(void **state)
{
	(void)state;
	if (access(DEBIAN_PYTHON, X_OK)) {
		print_message("skipped: there is no %s\n", DEBIAN_PYTHON);
		skip();
	}
	static const char *const names[2][4] = {
		{ "PyObject_Malloc", "PyObject_Calloc", "PyObject_Realloc", "PyObject_Free" },
		{ "PyMem_Malloc", "PyMem_Calloc", "PyMem_Realloc", "PyMem_Free" },
	};
	struct target_memory tm;
	struct images images;
	struct code_loads code;
	struct error err;
	raddr tables[2][4];
	pid_t pid = start_python();
	assert_true(target_memory_init(&tm, pid, &err));
	if (!images_init(&images, pid, &tm.memory, &err))
		fail_msg("%s", err.context);
	arch_x86_64.init_loads(&code, &tm.memory, &images.maps);

	for (size_t domain = 0; domain < 2; domain++) {
		for (size_t i = 0; i < 4; i++) {
			struct symbol symbol;
			assert_true(symbols_find_first(&images.symbols, names[domain][i], &symbol));
			tables[domain][i] = find_table(&code, symbol.address, i + 1);
			assert_int_not_equal(tables[domain][i], 0);
			assert_int_equal(tables[domain][i], tables[domain][0]);
		}
	}
	assert_int_not_equal(tables[0][0], tables[1][0]);

	images_deinit(&images);
	target_memory_deinit(&tm);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pgo_shape_gives_the_table_before_the_raw_one),
		cmocka_unit_test(test_indirect_jump_through_memory_is_a_read),
		cmocka_unit_test(test_constants_in_registers_are_followed),
		cmocka_unit_test(test_pointer_from_the_closed_offset_table_is_followed),
		cmocka_unit_test(test_other_accesses_are_no_reads),
		cmocka_unit_test(test_each_address_is_listed_once_and_at_most_max),
		cmocka_unit_test(test_walk_ends_after_400_instructions),
		cmocka_unit_test(test_code_that_ends_with_its_page_is_decoded),
		cmocka_unit_test(test_unreadable_and_senseless_code_fails),
		cmocka_unit_test(test_code_at_address_zero_is_not_readable),
		cmocka_unit_test(test_four_functions_of_a_live_python_agree_on_their_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
