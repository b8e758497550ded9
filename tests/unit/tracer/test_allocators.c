/* SPDX-License-Identifier: MIT */
/* Every C allocator that is installed: each block counts once, whatever function made it. */
#include "tracer/c_allocator.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/tracer/traced_target.h"
#include "tracer/images.h"
#include "tracer/target_memory.h"

struct library {
	const char *allocator;
	const char *files[2]; /* one of them is to be preloaded; none: the C library */
};

static const struct library glibc = { "glibc", { NULL } };
static const struct library jemalloc = { "jemalloc", { "libjemalloc.so.2" } };
static const struct library tcmalloc = { "tcmalloc", { "libtcmalloc_minimal.so.4" } };
static const struct library mimalloc = { "mimalloc", { "libmimalloc.so.2", "libmimalloc.so.3" } };
static const struct library debug = { "tcmalloc", { "libtcmalloc_minimal_debug.so.4" } };

/* The library's path; NULL for the C library. Skips the test if it is not installed. */
static const char *preload_of(const struct library *library)
{
	static const char *const folders[] = { "/usr/lib/x86_64-linux-gnu", "/usr/lib64",
					       "/usr/lib", "/usr/local/lib" };
	static char path[256];
	if (!library->files[0])
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		for (size_t k = 0; k < ARRAY_LEN(library->files) && library->files[k]; k++) {
			snprintf(path, sizeof(path), "%s/%s", folders[i], library->files[k]);
			if (access(path, R_OK) == 0)
				return path;
		}
	}
	print_message("%s is not installed\n", library->files[0]);
	skip();
	return NULL;
}

static void open_images(int pid, struct target_memory *tm, struct images *images)
{
	struct error err = { 0 };
	if (!target_memory_init(tm, pid, &err) || !images_init(images, pid, &tm->memory, &err))
		fail_msg("%s", err.context);
}

static void test_allocator_is_recognised(void **state)
{
	const struct library *library = *state;
	struct target target;
	struct target_memory tm;
	struct images images;
	struct c_allocator allocator;
	struct error err = { 0 };
	start_target(&target, preload_of(library), "0");
	open_images(target.pid, &tm, &images);
	if (!c_allocator_find(&images, &allocator, &err))
		fail_msg("%s", err.context);
	assert_string_equal(allocator.name, library->allocator);
	if (library->files[0])
		assert_non_null(strstr(allocator.image->path, library->allocator));
	else
		assert_ptr_equal(allocator.image, images_find_glibc(&images));
	images_deinit(&images);
	target_memory_deinit(&tm);
	end_target(&target);
}

static void check_each(struct target *target, size_t size)
{
	static struct tally tally;
	tally = (struct tally){ .size_bytes = size };
	struct tracer_listener listener = listener_of(&tally);
	struct tracer *tracer = plant(target->pid, &listener, 1);
	char command[64];
	snprintf(command, sizeof(command), "each 50 %zu", size);
	send_command(target, command);
	size_t made = serve_until_answer(tracer, target);
	assert_true(made >= 4 * 50 * 16);
	assert_int_equal(tally.stops, made);
	assert_int_equal(tally.live, made);

	send_command(target, "drop");
	serve_until_answer(tracer, target);
	assert_int_equal(tally.stops, made);
	assert_int_equal(tally.live, 0);
	lift(tracer);
}

static void test_each_block_counts_once_whatever_made_it(void **state)
{
	struct target target;
	start_target(&target, preload_of(*state), "0");
	/* Multiples of all alignments: libstdc++ rounds up to them. */
	check_each(&target, 896);
	check_each(&target, 128); /* attached again: as exact */
	check_each(&target, 8192);
	check_each(&target, 320000);
	end_target(&target);
}

static void assert_code_is_the_files(int pid)
{
	struct target_memory tm;
	struct images images;
	struct gate_spec specs[TRACER_LIBC_SPECS_MAX];
	size_t len = 0;
	struct error err = { 0 };
	open_images(pid, &tm, &images);
	assert_true(c_allocator_specs(&arch_x86_64, &images, specs, &len, &err));
	for (size_t i = 0; i < len; i++) {
		uint8_t file[32], memory[32];
		assert_true(image_file_bytes(images_find(&images, specs[i].address),
					     specs[i].address, file, sizeof(file), &err));
		assert_true(
			memory_read(&tm.memory, specs[i].address, memory, sizeof(memory), &err));
		assert_memory_equal(file, memory, sizeof(file));
	}
	assert_true(len >= 5);
	images_deinit(&images);
	target_memory_deinit(&tm);
}

static void test_attaching_again_and_again_harms_nothing(void **state)
{
	const char *cycles = getenv("FILTRACE_TEST_CYCLES");
	struct target target;
	static struct tally tally;
	tally = (struct tally){ 0 };
	struct tracer_listener listener = listener_of(&tally);
	start_target(&target, preload_of(*state), "4");
	for (int i = 0; i < (cycles ? atoi(cycles) : 10); i++) {
		struct tracer *tracer = plant(target.pid, &listener, 65536);
		serve(tracer, 20 * NS_PER_MS);
		lift(tracer);
		assert_code_is_the_files(target.pid);
	}
	assert_true(tally.others > 0);
	end_target(&target);
}

static void test_killed_tracers_harm_nothing(void **state)
{
	struct target target;
	static struct tally tally;
	tally = (struct tally){ 0 };
	struct tracer_listener listener = listener_of(&tally);
	start_target(&target, preload_of(*state), "4");
	for (useconds_t i = 0; i < 20; i++)
		plant_and_be_killed(target.pid, i * 1500);
	lift(plant(target.pid, &listener, 65536));
	assert_code_is_the_files(target.pid);
	end_target(&target);
}

static void test_unknown_allocator_is_refused_by_name(void **state)
{
	struct target target;
	struct target_memory tm;
	struct images images;
	struct c_allocator allocator;
	struct error err = { 0 };
	start_target(&target, preload_of(*state), "0");
	open_images(target.pid, &tm, &images);
	assert_false(c_allocator_find(&images, &allocator, &err));
	assert_int_equal(err.kind, ERROR_UNSUPPORTED);
	assert_non_null(strstr(err.context, "libtcmalloc_minimal_debug.so"));
	images_deinit(&images);
	target_memory_deinit(&tm);
	end_target(&target);
}

/* An executable at a fixed, low address, far from all libraries, with jemalloc linked into it and
 * all other symbols stripped. */
static void test_allocator_in_a_low_executable_is_gated(void **state)
{
	(void)state;
	static const char archive[] = "/usr/lib/x86_64-linux-gnu/libjemalloc.a";
	static const char program[] = BUILD_DIR "/fixtures/alloc_target-static";
	struct target target;
	struct target_memory tm;
	struct images images;
	struct c_allocator allocator;
	struct error err = { 0 };
	char command[512];
	snprintf(command, sizeof(command),
		 "cc -std=gnu11 -D_GNU_SOURCE -O2 -no-pie -s -o %s fixtures/alloc_target.c %s "
		 "-Wl,--undefined=_Znwm -lstdc++ -lm -pthread >/dev/null 2>&1",
		 program, archive);
	if (access(archive, R_OK) != 0 || system(command) != 0) {
		print_message("%s cannot be linked\n", archive);
		skip();
	}

	start_program(&target, program, NULL, "0", NULL);
	open_images(target.pid, &tm, &images);
	assert_true(c_allocator_find(&images, &allocator, &err));
	assert_string_equal(allocator.name, "jemalloc");
	assert_ptr_equal(allocator.image, &images.list[0]);
	assert_true(allocator.image->end < UINT64_C(1) << 31);
	images_deinit(&images);
	target_memory_deinit(&tm);

	check_each(&target, 896);
	check_each(&target, 8192);
	end_target(&target);
}

static void test_musl_is_refused_by_name(void **state)
{
	(void)state;
	static const char program[] = BUILD_DIR "/fixtures/musl_target";
	struct target target;
	struct target_memory tm;
	struct images images;
	struct c_allocator allocator;
	struct error err = { 0 };
	char command[512];
	snprintf(command, sizeof(command),
		 "echo '#include <stdio.h>\nint main(void){puts(\"ready\");fflush(stdout);"
		 "getchar();puts(\"unharmed\");return 0;}' | musl-gcc -x c - -o %s 2>/dev/null",
		 program);
	if (system(command) != 0) {
		print_message("there is no musl-gcc\n");
		skip();
	}
	start_program(&target, program, NULL, "0", NULL);
	open_images(target.pid, &tm, &images);
	assert_false(c_allocator_find(&images, &allocator, &err));
	assert_int_equal(err.kind, ERROR_UNSUPPORTED);
	assert_non_null(strstr(err.context, "musl"));
	images_deinit(&images);
	target_memory_deinit(&tm);
	end_target(&target);
}

#define WITH(library, test)                                                   \
	{                                                                     \
#test " [" #library "]", test, NULL, NULL, (void *)&(library) \
	}
#define FOR_EACH_LIBRARY(test) \
	WITH(glibc, test), WITH(jemalloc, test), WITH(tcmalloc, test), WITH(mimalloc, test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOR_EACH_LIBRARY(test_allocator_is_recognised),
		FOR_EACH_LIBRARY(test_each_block_counts_once_whatever_made_it),
		FOR_EACH_LIBRARY(test_attaching_again_and_again_harms_nothing),
		FOR_EACH_LIBRARY(test_killed_tracers_harm_nothing),
		cmocka_unit_test(test_allocator_in_a_low_executable_is_gated),
		cmocka_unit_test(test_musl_is_refused_by_name),
		WITH(debug, test_unknown_allocator_is_refused_by_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
