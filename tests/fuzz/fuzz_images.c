/* SPDX-License-Identifier: MIT */
/* Any bytes as an ELF file, which a process has mapped twice and which is all of its memory as
 * well: {u8 bit 0: memory without end, u32 address of a dynamic section, u16 address and u16 number
 * of the program headers, u32 an address, u16 bytes wanted there, file}. */
#include "tracer/images.h"

#include <elf.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"
#include "tracer/c_allocator.h"
#include "tracer/tracer.h"

enum {
	PAGE = 4096,
	EXECUTABLE = 0x10000000, /* where the file is mapped ... */
	LIBRARY = 0x10800000,	 /* ... and where it is again */
	MAPPED_BYTES = 0x10000,
	REACH = 0x1000000,
	TAILS_MAX = 8,
	SLACKS_MAX = 16,
	/* Of a list of at most 4096 libraries, and what comes before it. */
	SPANS_MAX = 4096 + 1024,
};

/* What of an input is no file. */
struct questions {
	bool is_endless;
	raddr dynamic;
	raddr headers;
	uint64_t header_count;
	raddr address;
	size_t len;
};

static const char *const names[] = { "malloc", "gnu_get_libc_version", "_PyRuntime", "" };

/* The one file, which has no name. */
static struct {
	int fd;
	char path[32];
	uint64_t inode;
} file;

static void write_file(const uint8_t *bytes, size_t len)
{
	if (!file.path[0]) {
		struct stat st;
		file.fd = memfd_create("fuzz", MFD_CLOEXEC);
		FUZZ_CHECK(file.fd >= 0 && fstat(file.fd, &st) == 0);
		file.inode = st.st_ino;
		snprintf(file.path, sizeof(file.path), "/proc/self/fd/%d", file.fd);
	}
	FUZZ_CHECK(ftruncate(file.fd, 0) == 0);
	FUZZ_CHECK(pwrite(file.fd, bytes, len, 0) == (ssize_t)len);
}

/* -- one image -- */

static void check_bytes(const struct image *image, raddr address, size_t len)
{
	OWNED_FREE uint8_t *bytes = malloc(len + 1);
	struct error err;
	FUZZ_CHECK(bytes);
	if (!image_file_bytes(image, address, bytes, len, &err))
		FUZZ_CHECK(err.kind == ERROR_FORMAT);
	else
		FUZZ_CHECK(len == 0 || memmem(image->bytes, image->len, bytes, len));
}

static void check_tails(const struct image *image)
{
	struct slack tails[TAILS_MAX];
	size_t count = image_tails(image, tails, TAILS_MAX);
	FUZZ_CHECK(count <= TAILS_MAX);
	for (size_t i = 0; i < count; i++) {
		FUZZ_CHECK(tails[i].len > 0 && tails[i].len < PAGE);
		FUZZ_CHECK((tails[i].address + tails[i].len) % PAGE == 0);
	}
}

static void check_image(const struct image *image, const struct questions *questions)
{
	FUZZ_CHECK(image->start < image->end && image->start % PAGE == 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct symbol symbol;
		if (!image_find_symbol(image, names[i], &symbol))
			continue;
		FUZZ_CHECK(symbol.image == image->path && symbol.address != image->bias);
		check_bytes(image, symbol.address, questions->len);
	}
	check_bytes(image, image->start, questions->len);
	check_bytes(image, image->end - 1, questions->len);
	check_bytes(image, questions->address, questions->len);
	check_bytes(image, questions->address, SIZE_MAX >> 1 > image->len ? image->len : 0);
	check_tails(image);
	const char *name = image_slot_symbol(image, questions->address);
	FUZZ_CHECK(!name || strlen(name) < image->len);
}

static void check_open(const struct questions *questions)
{
	const struct mapping mapping = { .start = EXECUTABLE,
					 .end = EXECUTABLE + MAPPED_BYTES,
					 .is_readable = true,
					 .is_executable = true,
					 .inode = file.inode,
					 .path = file.path };
	struct image image = { .len = SIZE_MAX };
	struct error err;
	if (!image_open(getpid(), &mapping, questions->dynamic, &image, &err)) {
		FUZZ_CHECK(image.len == SIZE_MAX && err.kind == ERROR_UNSUPPORTED);
		return;
	}
	FUZZ_CHECK(mapping.start >= image.start && mapping.start < image.end);
	check_image(&image, questions);
	image_close(&image);
}

/* -- all of a process -- */

static void set_proc(const struct questions *questions)
{
	static char maps[512];
	static Elf64_auxv_t auxv[3];
	int len = snprintf(maps, sizeof(maps),
			   "%x-%x r-xp 00000000 00:01 %" PRIu64 " %s\n"
			   "%x-%x r-xp 00000000 00:01 %" PRIu64 " %s\n",
			   EXECUTABLE, EXECUTABLE + MAPPED_BYTES, file.inode, file.path, LIBRARY,
			   LIBRARY + MAPPED_BYTES, file.inode, file.path);
	auxv[0] = (Elf64_auxv_t){ .a_type = AT_PHDR, .a_un.a_val = questions->headers };
	auxv[1] = (Elf64_auxv_t){ .a_type = AT_PHNUM, .a_un.a_val = questions->header_count };
	fuzz_proc_set("maps", (const uint8_t *)maps, (size_t)len);
	fuzz_proc_set("auxv", (const uint8_t *)auxv, sizeof(auxv));
}

static void check_slack(struct images *images, struct memory *memory)
{
	struct slack slacks[SLACKS_MAX];
	const uint64_t wanted = 464;
	size_t count = images_find_slack(images, memory, wanted, slacks, SLACKS_MAX);
	FUZZ_CHECK(count <= SLACKS_MAX);
	for (size_t i = 0; i < count; i++) {
		const struct mapping *mapping = maps_find(&images->maps, slacks[i].address);
		FUZZ_CHECK(mapping && mapping->end - slacks[i].address >= slacks[i].len);
		FUZZ_CHECK(slacks[i].address % 16 == 0 && slacks[i].len >= wanted);
	}
}

static void check_allocator(const struct images *images)
{
	struct c_allocator allocator;
	struct gate_spec specs[TRACER_LIBC_SPECS_MAX];
	size_t len = SIZE_MAX;
	struct error err;
	if (!c_allocator_find(images, &allocator, &err)) {
		FUZZ_CHECK(err.kind == ERROR_UNSUPPORTED);
		return;
	}
	FUZZ_CHECK(allocator.name && allocator.image);
	if (c_allocator_specs(&arch_x86_64, images, specs, &len, &err))
		FUZZ_CHECK(len >= 1 && len <= TRACER_LIBC_SPECS_MAX);
	else
		FUZZ_CHECK(len == SIZE_MAX);
}

static void check_process(const struct questions *questions, const uint8_t *bytes, size_t len)
{
	struct fuzz_memory fuzz;
	fuzz_memory_init(&fuzz, EXECUTABLE, bytes, len);
	if (questions->is_endless && len > 0)
		fuzz.reach = REACH;
	set_proc(questions);

	struct images images;
	struct error err;
	bool is_read = images_init(&images, getpid(), &fuzz.memory, &err);
	FUZZ_CHECK(fuzz.span_count <= SPANS_MAX);
	if (!is_read)
		return;
	FUZZ_CHECK(images.len >= 1 && images.len <= images.maps.len);
	for (size_t i = 0; i < images.len; i++)
		check_image(&images.list[i], questions);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct symbol symbols[2];
		FUZZ_CHECK(symbols_find(&images.symbols, names[i], symbols, 2) <= images.len);
	}
	check_slack(&images, &fuzz.memory);
	check_allocator(&images);
	images_deinit(&images);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	struct questions questions;
	questions.is_endless = fuzz_take(&input, 1) & 1;
	uint32_t dynamic = (uint32_t)fuzz_take(&input, 4);
	questions.dynamic = dynamic ? EXECUTABLE + (raddr)dynamic : 0;
	questions.headers = EXECUTABLE + fuzz_take(&input, 2);
	questions.header_count = fuzz_take(&input, 2);
	questions.address = EXECUTABLE + fuzz_take(&input, 4);
	questions.len = fuzz_take(&input, 2);

	write_file(input.bytes, input.len);
	check_open(&questions);
	check_process(&questions, input.bytes, input.len);
	return 0;
}
