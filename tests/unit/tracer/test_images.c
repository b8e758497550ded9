/* SPDX-License-Identifier: MIT */
#include "tracer/images.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "tracer/target_memory.h"

struct own {
	struct target_memory tm;
	struct images images;
};

static int set_up(void **state)
{
	static struct own own;
	struct error err;
	*state = &own;
	return target_memory_init(&own.tm, getpid(), &err) &&
			       images_init(&own.images, getpid(), &own.tm.memory, &err)
		       ? 0
		       : -1;
}

static int tear_down(void **state)
{
	struct own *own = *state;
	images_deinit(&own->images);
	target_memory_deinit(&own->tm);
	return 0;
}

static void test_executable_comes_first_and_libraries_in_link_order(void **state)
{
	struct own *own = *state;
	char path[4096] = { 0 };
	assert_true(readlink("/proc/self/exe", path, sizeof(path) - 1) > 0);
	assert_string_equal(own->images.list[0].path, path);
	assert_ptr_equal(images_find(&own->images, (raddr)&set_up), &own->images.list[0]);
	assert_int_equal(own->images.list[0].machine, EM_X86_64);

	/* cmocka is linked before libc. */
	const struct image *cmocka = images_find(&own->images, (raddr)&_cmocka_run_group_tests);
	const struct image *libc = images_find_glibc(&own->images);
	assert_non_null(cmocka);
	assert_non_null(libc);
	assert_true(cmocka > own->images.list && libc > cmocka);
	assert_false(own->images.has_skipped);
	assert_null(images_find(&own->images, 0));
}

static void test_symbols_have_the_addresses_the_linker_gave_them(void **state)
{
	struct own *own = *state;
	static const char *const names[] = { "malloc", "free",	 "posix_memalign", "qsort",
					     "getenv", "stdout", "elf_begin",	   "environ" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct symbol symbol;
		if (!symbols_find_first(&own->images.symbols, names[i], &symbol))
			fail_msg("%s is not found", names[i]);
		if (symbol.address != (raddr)dlsym(RTLD_DEFAULT, names[i]))
			fail_msg("%s: %" PRIraddr, names[i], symbol.address);
		assert_true(symbol.size > 0);
		assert_string_equal(symbol.image, images_find(&own->images, symbol.address)->path);
	}
}

/* Global, but not exported: nobody links against a program. */
int not_exported = 1;

static void test_what_the_executable_does_not_export_is_found_in_its_own_table(void **state)
{
	struct own *own = *state;
	struct symbol symbol;
	assert_false(image_find_symbol(&own->images.list[0], "not_exported", &symbol));
	assert_true(symbols_find_first(&own->images.symbols, "not_exported", &symbol));
	assert_int_equal(symbol.address, (raddr)&not_exported);
	assert_string_equal(symbol.image, own->images.list[0].path);
}

static void test_symbols_that_nobody_defines_are_not_found(void **state)
{
	struct own *own = *state;
	struct symbol symbol = { .size = 77 };
	assert_int_equal(symbols_find(&own->images.symbols, "", &symbol, 1), 0);
	assert_int_equal(symbols_find(&own->images.symbols, "no_such_symbol", &symbol, 1), 0);
	/* Imported by this very program, defined elsewhere (by no sanitizer that is linked in,
	 * either); and a version, which is no symbol. */
	assert_false(image_find_symbol(&own->images.list[0], "mkstemp", &symbol));
	assert_int_equal(symbols_find(&own->images.symbols, "GLIBC_2.2.5", &symbol, 1), 0);
	assert_int_equal(symbol.size, 77);
}

static void test_all_definitions_are_counted_and_the_executables_is_first(void **state)
{
	struct own *own = *state;
	struct symbol symbols[3] = { [2] = { .size = 77 } };
	/* libc defines it; this program too, by a copy relocation, because it refers to it. */
	assert_non_null(environ);
	assert_int_equal(symbols_find(&own->images.symbols, "environ", symbols, 3), 2);
	assert_int_equal(symbols[0].address, (raddr)&environ);
	assert_string_equal(symbols[0].image, own->images.list[0].path);
	assert_string_equal(symbols[1].image, images_find_glibc(&own->images)->path);
	assert_int_equal(symbols[2].size, 77);

	symbols[1].size = 77;
	assert_int_equal(symbols_find(&own->images.symbols, "environ", symbols, 1), 2);
	assert_int_equal(symbols[1].size, 77);
	assert_int_equal(symbols_find(&own->images.symbols, "environ", NULL, 0), 2);
}

static void test_code_in_the_file_is_the_code_in_memory(void **state)
{
	struct own *own = *state;
	const struct image *libc = images_find_glibc(&own->images);
	struct symbol symbol;
	struct error err;
	uint8_t bytes[256];
	assert_true(image_find_symbol(libc, "qsort_r", &symbol));
	assert_true(image_file_bytes(libc, symbol.address, bytes, sizeof(bytes), &err));
	assert_memory_equal(bytes, (const void *)symbol.address, sizeof(bytes));

	assert_false(image_file_bytes(libc, libc->end, bytes, 1, &err));
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_false(image_file_bytes(libc, libc->start - 1, bytes, 1, &err));
	assert_false(image_file_bytes(libc, symbol.address, bytes, SIZE_MAX, &err));
	assert_false(image_file_bytes(libc, UINT64_MAX, bytes, sizeof(bytes), &err));
}

static void test_linkage_slots_are_named_after_what_they_hold(void **state)
{
	struct own *own = *state;
	const struct image *executable = &own->images.list[0];
	size_t found = 0;
	assert_true(getpid() > 0); /* bound now, if it was not yet */
	for (size_t i = 0; i < own->images.maps.len; i++) {
		const struct mapping *mapping = &own->images.maps.list[i];
		if (!mapping->is_readable || mapping->start < executable->start ||
		    mapping->start >= executable->end)
			continue;
		for (raddr slot = mapping->start; slot < mapping->end; slot += 8) {
			const char *name = image_slot_symbol(executable, slot);
			if (!name || strcmp(name, "getpid") != 0)
				continue;
			assert_int_equal(*(const raddr *)slot, (raddr)dlsym(RTLD_DEFAULT, name));
			found++;
		}
	}
	assert_int_equal(found, 1);
	assert_null(image_slot_symbol(executable, executable->start));
}

static void test_slack_is_zero_executable_and_libc_first(void **state)
{
	struct own *own = *state;
	struct slack slacks[64];
	size_t count =
		images_find_slack(&own->images, &own->tm.memory, 464, slacks, ARRAY_LEN(slacks));
	assert_in_range(count, 2, ARRAY_LEN(slacks));
	assert_ptr_equal(images_find(&own->images, slacks[0].address),
			 images_find_glibc(&own->images));

	for (size_t i = 0; i < count; i++) {
		const struct mapping *mapping = maps_find(&own->images.maps, slacks[i].address);
		assert_true(mapping->is_executable && mapping->is_readable);
		assert_int_equal(slacks[i].address % 16, 0);
		assert_in_range(slacks[i].len, 464, 4095);
		assert_int_equal((slacks[i].address + slacks[i].len) % 4096, 0);
		const char *bytes = (const char *)slacks[i].address;
		for (uint64_t k = 0; k < slacks[i].len; k++)
			assert_int_equal(bytes[k], 0);
	}
	assert_int_equal(images_find_slack(&own->images, &own->tm.memory, 464, slacks, 1), 1);
	assert_int_equal(images_find_slack(&own->images, &own->tm.memory, 4096, slacks, 1), 0);
}

static void test_used_slack_is_not_offered_again(void **state)
{
	struct own *own = *state;
	struct slack before, after;
	struct error err;
	const char stub[100] = "\x90\x90";
	char used[100];
	assert_int_equal(images_find_slack(&own->images, &own->tm.memory, 464, &before, 1), 1);
	memcpy(used, stub, sizeof(used));
	used[sizeof(used) - 1] = (char)0xff;
	assert_true(target_memory_write(&own->tm, before.address, used, sizeof(used), &err));

	assert_int_equal(images_find_slack(&own->images, &own->tm.memory, 464, &after, 1), 1);
	assert_in_range(after.address, before.address + 100 + 16, before.address + 100 + 31);
	assert_int_equal(after.address + after.len, before.address + before.len);

	memset(used, 0, sizeof(used));
	assert_true(target_memory_write(&own->tm, before.address, used, sizeof(used), &err));
}

/* -- another program -- */

static bool copy_file(const char *from, const char *to)
{
	char command[256];
	snprintf(command, sizeof(command), "cp %s %s && chmod 755 %s", from, to, to);
	return system(command) == 0;
}

static pid_t start_program(const char *path)
{
	int exec_done[2]; /* closed by a successful exec */
	char byte;
	assert_int_equal(pipe2(exec_done, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		execl(path, path, "60", NULL);
		_exit(127);
	}
	close(exec_done[1]);
	assert_int_equal(read(exec_done[0], &byte, 1), 0);
	close(exec_done[0]);
	return pid;
}

static bool open_images_of(pid_t pid, struct images *ret, struct error *err)
{
	struct target_memory tm;
	if (!target_memory_init(&tm, pid, err))
		return false;
	bool is_ok = images_init(ret, pid, &tm.memory, err);
	target_memory_deinit(&tm);
	return is_ok;
}

static void test_deleted_executable_is_read_or_named(void **state)
{
	(void)state;
	char path[] = "/tmp/filtrace-test-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	assert_true(copy_file("/bin/sleep", path));
	pid_t pid = start_program(path);
	unlink(path);

	struct images images;
	struct error err;
	if (open_images_of(pid, &images, &err)) {
		assert_string_equal(images.list[0].path, path); /* without " (deleted)" */
		images_deinit(&images);
	} else {
		assert_int_equal(err.kind, ERROR_FILE); /* not root */
		assert_non_null(strstr(err.context, path));
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_replaced_file_is_not_taken_for_the_mapped_one(void **state)
{
	(void)state;
	char path[] = "/tmp/filtrace-test-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);

	/* No such range is mapped, so only the path remains; its file has another inode. */
	struct mapping mapping = { .start = 0x1000, .end = 0x2000, .inode = 1, .path = path };
	struct image image;
	struct error err = { 0 };
	assert_false(image_open(getpid(), &mapping, 0, &image, &err));
	assert_int_equal(err.kind, ERROR_FILE);
	assert_non_null(strstr(err.context, "replaced"));
	unlink(path);
	assert_false(image_open(getpid(), &mapping, 0, &image, &err));
	assert_int_equal(err.kind, ERROR_FILE);
}

/* Whoever rewrites a library in place does this to all who have it mapped. */
static void test_file_that_is_cut_short_has_no_symbols(void **state)
{
	(void)state;
	char path[] = "/tmp/filtrace-test-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_true(copy_file("/bin/sleep", path));
	void *mapped = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(mapped, MAP_FAILED);
	struct stat status;
	assert_int_equal(fstat(fd, &status), 0);

	struct mapping mapping = {
		.start = (raddr)mapped,
		.end = (raddr)mapped + 4096,
		.inode = status.st_ino,
		.path = path,
	};
	struct image image;
	struct symbol symbol;
	struct error err = { 0 };
	if (!image_open(getpid(), &mapping, 0, &image, &err))
		fail_msg("%s", err.context);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_false(image_find_symbol(&image, "malloc", &symbol));
	image_close(&image);
	munmap(mapped, 4096);
	close(fd);
	unlink(path);
}

/* Holes take no room on the disk, but each symbol in them would be looked at. */
static void test_file_of_endless_symbols_is_refused(void **state)
{
	(void)state;
	char path[] = "/tmp/filtrace-test-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_true(copy_file("/bin/sleep", path));
	Elf64_Ehdr header;
	assert_int_equal(pread(fd, &header, sizeof(header), 0), sizeof(header));
	for (int i = 0; i < header.e_shnum; i++) {
		Elf64_Shdr section;
		off_t at = (off_t)(header.e_shoff + (size_t)i * sizeof(section));
		assert_int_equal(pread(fd, &section, sizeof(section), at), sizeof(section));
		if (section.sh_type != SHT_DYNSYM)
			continue;
		section.sh_size = sizeof(Elf64_Sym) << 30;
		assert_int_equal(pwrite(fd, &section, sizeof(section), at), sizeof(section));
	}
	assert_int_equal(ftruncate(fd, (off_t)1 << 36), 0);

	void *mapped = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	struct mapping mapping = { .start = (raddr)mapped,
				   .end = (raddr)mapped + 4096,
				   .path = path };
	struct image image;
	struct error err = { 0 };
	assert_false(image_open(getpid(), &mapping, 0, &image, &err));
	assert_int_equal(err.kind, ERROR_UNSUPPORTED);
	munmap(mapped, 4096);
	close(fd);
	unlink(path);
}

static void test_process_that_has_ended_has_no_images(void **state)
{
	(void)state;
	struct own *own = *state;
	struct images images;
	struct error err;
	assert_false(images_init(&images, 0x7fffffff, &own->tm.memory, &err));
	assert_int_equal(err.kind, ERROR_NO_PROCESS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_executable_comes_first_and_libraries_in_link_order),
		cmocka_unit_test(test_symbols_have_the_addresses_the_linker_gave_them),
		cmocka_unit_test(
			test_what_the_executable_does_not_export_is_found_in_its_own_table),
		cmocka_unit_test(test_symbols_that_nobody_defines_are_not_found),
		cmocka_unit_test(test_all_definitions_are_counted_and_the_executables_is_first),
		cmocka_unit_test(test_code_in_the_file_is_the_code_in_memory),
		cmocka_unit_test(test_linkage_slots_are_named_after_what_they_hold),
		cmocka_unit_test(test_slack_is_zero_executable_and_libc_first),
		cmocka_unit_test(test_used_slack_is_not_offered_again),
		cmocka_unit_test(test_deleted_executable_is_read_or_named),
		cmocka_unit_test(test_replaced_file_is_not_taken_for_the_mapped_one),
		cmocka_unit_test(test_file_that_is_cut_short_has_no_symbols),
		cmocka_unit_test(test_file_of_endless_symbols_is_refused),
		cmocka_unit_test(test_process_that_has_ended_has_no_images),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
