/* SPDX-License-Identifier: MIT */
#include "pyframes/allocators.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "pyframes/pyframes.h"
#include "tests/unit/pyframes/fake_python.h"

enum { FUNCTIONS = 4, TABLE_BYTES = 40 };

static struct fake_python fake;
static struct runtime runtime;

/* The tables of the three domains, and their functions: first code address, four in a row. */
static raddr tables[DOMAIN_COUNT];
static const raddr pymalloc = FAKE_CODE + 0x100;
static const raddr libc = FAKE_CODE + 0x200;
static const raddr hook = FAKE_CODE + 0x300;
static const raddr mimalloc = FAKE_CODE + 0x400;

static const char *const names[DOMAIN_COUNT][FUNCTIONS] = {
	[DOMAIN_OBJ] = { "PyObject_Malloc", "PyObject_Calloc", "PyObject_Realloc",
			 "PyObject_Free" },
	[DOMAIN_MEM] = { "PyMem_Malloc", "PyMem_Calloc", "PyMem_Realloc", "PyMem_Free" },
	[DOMAIN_RAW] = { "PyMem_RawMalloc", "PyMem_RawCalloc", "PyMem_RawRealloc",
			 "PyMem_RawFree" },
};

static void put_table(raddr table, raddr context, raddr functions)
{
	fake_put_word(&fake.target, table, context);
	for (raddr i = 0; i < FUNCTIONS; i++)
		fake_put_word(&fake.target, table + 8 * (i + 1), functions + i * 16);
}

static struct fake_loads *loads_of(enum allocator_domain domain, int slot)
{
	return &fake.target.function_list[domain * FUNCTIONS + slot];
}

/* Every function loads its own pointer, then the context. */
static void set_up_build(const struct fake_build *build)
{
	fake_build_init(&fake, build);
	runtime = (struct runtime){
		.symbol = { .address = fake.runtime, .image = FAKE_IMAGE },
		.offsets = fake.py,
	};
	bool has_standard = fake.py.runtime.allocator_tables != OFFSET_NONE;
	raddr standard = has_standard ? fake.runtime + fake.py.runtime.allocator_tables
				      : fake_alloc(&fake.target, 3 * TABLE_BYTES);
	tables[DOMAIN_RAW] = standard;
	tables[DOMAIN_MEM] = standard + TABLE_BYTES;
	tables[DOMAIN_OBJ] = standard + 2 * TABLE_BYTES;
	put_table(tables[DOMAIN_RAW], 0, libc);
	put_table(tables[DOMAIN_MEM], 0, pymalloc);
	put_table(tables[DOMAIN_OBJ], 0, pymalloc);

	fake.target.function_count = DOMAIN_COUNT * FUNCTIONS;
	for (int domain = 0; domain < DOMAIN_COUNT; domain++) {
		for (int slot = 0; slot < FUNCTIONS; slot++) {
			raddr function = FAKE_CODE + 0x1000 + (raddr)(domain * 4 + slot) * 64;
			fake_export(&fake.target, names[domain][slot], function, FAKE_IMAGE);
			*loads_of(domain, slot) = (struct fake_loads){
				.function = function,
				.loads = { tables[domain] + 8 * ((raddr)slot + 1), tables[domain] },
			};
		}
	}
}

/* A build with the GIL. */
static void set_up(unsigned minor)
{
	set_up_build(&(struct fake_build){ .minor = minor });
}

static bool find(struct allocators *ret, struct error *err)
{
	return allocators_find(&fake.target.memory, &fake.target.symbols, &fake.target.loads,
			       &runtime, ret, err);
}

static void assert_finds(enum allocator_mode mode)
{
	struct allocators found;
	struct error err;
	assert_true(find(&found, &err));
	assert_int_equal(found.mode, mode);
}

static void assert_unsupported(void)
{
	struct allocators found;
	struct error err;
	assert_false(find(&found, &err));
	assert_int_equal(err.kind, ERROR_UNSUPPORTED);
}

static void assert_describes(const struct gate_spec *specs, size_t slots, bool is_handing_on)
{
	static const char *const expected[DOMAIN_COUNT][FUNCTIONS] = {
		[DOMAIN_OBJ] = { "obj.malloc", "obj.calloc", "obj.realloc", "obj.free" },
		[DOMAIN_MEM] = { "mem.malloc", "mem.calloc", "mem.realloc", "mem.free" },
	};
	static const enum gate_operation operations[][FUNCTIONS] = {
		{ GATE_MALLOC, GATE_CALLOC, GATE_REALLOC, GATE_FREE },
		{ GATE_MALLOC_HANDED_ON, GATE_CALLOC_HANDED_ON, GATE_REALLOC_HANDED_ON },
	};
	for (raddr i = 0; i < 2 * slots; i++) {
		enum allocator_domain domain = i < slots ? DOMAIN_OBJ : DOMAIN_MEM;
		raddr slot = i % slots;
		assert_string_equal(specs[i].name, expected[domain][slot]);
		assert_int_equal(specs[i].place, GATE_SLOT);
		assert_int_equal(specs[i].operation, operations[is_handing_on][slot]);
		assert_int_equal(specs[i].kind, MEMORY_PYMALLOC);
		assert_int_equal(specs[i].guard, GATE_SERIALISED);
		assert_int_equal(specs[i].address, tables[domain] + 8 * (slot + 1));
		assert_int_equal(specs[i].original, pymalloc + slot * 16);
		assert_int_equal(specs[i].max_counted_bytes, 512);
	}
}

/* free is none of them: a sampled block is handed on to the C allocator. */
static void test_all_six_slots_of_pymalloc_are_described(void **state)
{
	(void)state;
	for (unsigned minor = 8; minor <= 15; minor++) {
		set_up(minor);
		struct allocators found;
		struct gate_spec specs[PYFRAMES_SPECS_MAX];
		struct error err;
		assert_true(find(&found, &err));
		assert_int_equal(allocators_specs(&found, specs), 6);
		assert_describes(specs, 3, true);
	}
}

/* Something that is not known stands before the raw domain: what it does to blocks is not, either.
 */
static void test_free_is_gated_where_the_way_to_the_c_allocator_is_not_known(void **state)
{
	(void)state;
	set_up(11);
	put_table(tables[DOMAIN_RAW], 0x10, hook);
	struct allocators found;
	struct gate_spec specs[PYFRAMES_SPECS_MAX];
	struct error err;
	assert_true(find(&found, &err));
	assert_int_equal(allocators_specs(&found, specs), 8);
	assert_describes(specs, 4, false);

	set_up(11);
	put_table(tables[DOMAIN_OBJ], 0x10, pymalloc);
	assert_true(find(&found, &err));
	assert_int_equal(allocators_specs(&found, specs), 4 + 3);
	assert_int_equal(specs[3].operation, GATE_FREE);
	assert_int_equal(specs[4].operation, GATE_MALLOC_HANDED_ON);
}

/* A PGO build: the raw table is loaded as well, by code that was inlined, and whole. */
static void test_the_first_pointer_loaded_wins_over_an_inlined_raw_allocation(void **state)
{
	(void)state;
	set_up(9);
	for (int slot = 0; slot < FUNCTIONS; slot++) {
		raddr own = tables[DOMAIN_OBJ] + 8 * ((raddr)slot + 1);
		raddr raw = tables[DOMAIN_RAW] + 8 * ((raddr)slot + 1);
		*loads_of(DOMAIN_OBJ, slot) = (struct fake_loads){
			.function = loads_of(DOMAIN_OBJ, slot)->function,
			.loads = { own, raw, tables[DOMAIN_RAW], tables[DOMAIN_OBJ] },
		};
	}
	struct allocators found;
	struct error err;
	assert_true(find(&found, &err));
	assert_int_equal(found.tables[DOMAIN_OBJ].address, tables[DOMAIN_OBJ]);
}

static void test_three_of_four_votes_suffice_and_two_do_not(void **state)
{
	(void)state;
	set_up(10);
	loads_of(DOMAIN_OBJ, 1)->loads[0] = 0;
	assert_finds(ALLOCATOR_PYMALLOC);
	loads_of(DOMAIN_OBJ, 2)->function = 0; /* cannot be decoded */
	assert_unsupported();
}

static void test_a_table_without_its_context_or_with_data_in_it_gets_no_vote(void **state)
{
	(void)state;
	set_up(10);
	for (int slot = 0; slot < 2; slot++)
		loads_of(DOMAIN_MEM, slot)->loads[1] = 0;
	assert_unsupported();

	set_up(10);
	fake_put_word(&fake.target, tables[DOMAIN_MEM] + 24, FAKE_BASE);
	assert_unsupported();
}

static void test_two_domains_with_one_table_are_refused(void **state)
{
	(void)state;
	set_up(11);
	for (int slot = 0; slot < FUNCTIONS; slot++)
		memcpy(loads_of(DOMAIN_OBJ, slot)->loads, loads_of(DOMAIN_RAW, slot)->loads,
		       sizeof(loads_of(DOMAIN_OBJ, slot)->loads));
	assert_unsupported();
}

static void test_a_table_outside_the_runtime_is_refused_from_3_12_on(void **state)
{
	(void)state;
	set_up(12);
	runtime.offsets.runtime.allocator_tables += 8;
	assert_unsupported();
}

static void test_the_mode_is_told_from_the_functions(void **state)
{
	(void)state;
	set_up(12);
	put_table(tables[DOMAIN_OBJ], 0, libc);
	put_table(tables[DOMAIN_MEM], 0, libc);
	struct allocators found;
	struct gate_spec specs[PYFRAMES_SPECS_MAX];
	struct error err;
	assert_true(find(&found, &err));
	assert_int_equal(found.mode, ALLOCATOR_MALLOC);
	assert_int_equal(allocators_specs(&found, specs), 0);

	put_table(tables[DOMAIN_OBJ], 0, mimalloc);
	put_table(tables[DOMAIN_MEM], 0, mimalloc + 64);
	assert_true(find(&found, &err));
	assert_int_equal(found.mode, ALLOCATOR_MIMALLOC);
	assert_int_equal(allocators_specs(&found, specs), 8);
	assert_true(specs[0].max_counted_bytes == UINT64_MAX);
}

/* Up to 3.14 the raw domain is the C allocator's, whatever serves the others. */
static void test_the_raw_slots_are_gated_where_mimalloc_serves_them(void **state)
{
	(void)state;
	FOR_EACH_BUILD(build) {
		set_up_build(build);
		put_table(tables[DOMAIN_OBJ], 0, mimalloc);
		put_table(tables[DOMAIN_MEM], 0, mimalloc + 64);
		struct allocators found;
		struct gate_spec specs[PYFRAMES_SPECS_MAX];
		struct error err;
		assert_true(find(&found, &err));
		size_t len = allocators_specs(&found, specs);
		assert_int_equal(len, build->minor >= 15 ? 12 : 8);
		for (size_t i = 0; i < len; i++)
			assert_int_equal(allocators_spec_needs_python(&specs[i]), i < 8);
		if (build->minor >= 15) {
			assert_string_equal(specs[8].name, "raw.malloc");
			assert_int_equal(specs[8].guard, GATE_UNGUARDED);
			assert_int_equal(specs[11].address, tables[DOMAIN_RAW] + 32);
		}
	}
}

static void test_one_countdown_serves_only_what_one_gil_guards(void **state)
{
	(void)state;
	struct allocators found;
	struct gate_spec specs[PYFRAMES_SPECS_MAX];
	struct error err;
	FOR_EACH_BUILD(build) {
		set_up_build(build);
		for (int interpreters = 1; interpreters <= 2; interpreters++) {
			assert_true(find(&found, &err));
			assert_true(allocators_specs(&found, specs) > 0);
			bool is_guarded = interpreters == 1 && !build->is_free_threaded;
			assert_int_equal(specs[0].guard,
					 is_guarded ? GATE_SERIALISED : GATE_UNGUARDED);
			fake_interpreter(&fake);
		}
	}
}

/* tracemalloc over the debug hooks over pymalloc. */
static void test_the_innermost_tables_are_gated(void **state)
{
	(void)state;
	set_up(13);
	raddr inner[DOMAIN_COUNT];
	for (int domain = 0; domain < DOMAIN_COUNT; domain++) {
		raddr debug_context = fake_alloc(&fake.target, 8 + TABLE_BYTES);
		raddr debug = fake_alloc(&fake.target, TABLE_BYTES);
		inner[domain] = debug_context + 8;
		fake_put_word(&fake.target, debug_context, 'o');
		put_table(inner[domain], 0, domain == DOMAIN_RAW ? libc : pymalloc);
		put_table(debug, debug_context, hook);
		put_table(tables[domain], debug, hook + 64);
	}
	struct allocators found;
	struct gate_spec specs[PYFRAMES_SPECS_MAX];
	struct error err;
	assert_true(find(&found, &err));
	assert_int_equal(found.mode, ALLOCATOR_PYMALLOC);
	assert_int_equal(allocators_specs(&found, specs), 8);
	assert_int_equal(specs[0].address, inner[DOMAIN_OBJ] + 8);
	assert_int_equal(specs[7].address, inner[DOMAIN_MEM] + 32);
	assert_int_equal(specs[7].original, pymalloc + 48);
	assert_true(found.has_debug_hooks && found.has_tracer);
}

static void test_a_context_that_is_no_wrapper_is_left_alone(void **state)
{
	(void)state;
	set_up(11);
	put_table(tables[DOMAIN_OBJ], fake_alloc(&fake.target, 64), pymalloc);
	put_table(tables[DOMAIN_MEM], 0x10, pymalloc);
	struct allocators found;
	struct error err;
	assert_true(find(&found, &err));
	assert_int_equal(found.tables[DOMAIN_OBJ].address, tables[DOMAIN_OBJ]);
	assert_int_equal(found.tables[DOMAIN_MEM].address, tables[DOMAIN_MEM]);
	assert_false(found.has_debug_hooks || found.has_tracer);
}

static void test_wrappers_in_a_circle_end(void **state)
{
	(void)state;
	set_up(11);
	put_table(tables[DOMAIN_OBJ], tables[DOMAIN_OBJ], pymalloc);
	assert_finds(ALLOCATOR_PYMALLOC);
}

static void test_tables_that_share_an_inner_one_give_each_slot_once(void **state)
{
	(void)state;
	set_up(11);
	raddr inner = fake_alloc(&fake.target, TABLE_BYTES);
	put_table(inner, 0, pymalloc);
	put_table(tables[DOMAIN_OBJ], inner, hook);
	put_table(tables[DOMAIN_MEM], inner, hook);
	struct allocators found;
	struct gate_spec specs[PYFRAMES_SPECS_MAX];
	struct error err;
	assert_true(find(&found, &err));
	assert_int_equal(allocators_specs(&found, specs), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_six_slots_of_pymalloc_are_described),
		cmocka_unit_test(test_free_is_gated_where_the_way_to_the_c_allocator_is_not_known),
		cmocka_unit_test(test_the_first_pointer_loaded_wins_over_an_inlined_raw_allocation),
		cmocka_unit_test(test_three_of_four_votes_suffice_and_two_do_not),
		cmocka_unit_test(test_a_table_without_its_context_or_with_data_in_it_gets_no_vote),
		cmocka_unit_test(test_two_domains_with_one_table_are_refused),
		cmocka_unit_test(test_a_table_outside_the_runtime_is_refused_from_3_12_on),
		cmocka_unit_test(test_the_mode_is_told_from_the_functions),
		cmocka_unit_test(test_the_raw_slots_are_gated_where_mimalloc_serves_them),
		cmocka_unit_test(test_one_countdown_serves_only_what_one_gil_guards),
		cmocka_unit_test(test_the_innermost_tables_are_gated),
		cmocka_unit_test(test_a_context_that_is_no_wrapper_is_left_alone),
		cmocka_unit_test(test_wrappers_in_a_circle_end),
		cmocka_unit_test(test_tables_that_share_an_inner_one_give_each_slot_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
