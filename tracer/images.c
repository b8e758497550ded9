/* SPDX-License-Identifier: MIT */
#include "tracer/images.h"

#include <elf.h>
#include <link.h>
#include <string.h>

#include "tracer/procfs.h"

/* Bounds on what is read from the target. */
enum {
	IMAGES_MAX = 4096,
	PROGRAM_HEADERS_MAX = 256,
	DYNAMIC_MAX = 512,
	TAILS_MAX = 8,	       /* per image */
	ENTRIES_MAX = 1 << 25, /* symbols and relocations of all images */
};

/* -- the linker's list -- */

struct auxiliary {
	raddr headers; /* AT_PHDR: the executable's program headers */
	uint64_t header_count;
};

static bool read_auxiliary(int pid, struct auxiliary *ret, struct error *err)
{
	OWNED_FREE char *bytes = NULL;
	size_t len;
	if (!procfs_read(pid, "auxv", &bytes, &len, err))
		return false;

	*ret = (struct auxiliary){ 0 };
	for (size_t at = 0; at + sizeof(Elf64_auxv_t) <= len; at += sizeof(Elf64_auxv_t)) {
		Elf64_auxv_t entry;
		memcpy(&entry, bytes + at, sizeof(entry));
		if (entry.a_type == AT_PHDR)
			ret->headers = entry.a_un.a_val;
		if (entry.a_type == AT_PHNUM)
			ret->header_count = entry.a_un.a_val;
	}
	if (!ret->headers || ret->header_count > PROGRAM_HEADERS_MAX)
		return error_set(err, ERROR_UNSUPPORTED, "process %d has no program headers", pid);
	return true;
}

/* The address of the executable's dynamic section; 0 in a static program, which has none or, if it
 * is position independent, one without the headers' own entry. */
static bool find_dynamic(struct memory *memory, const struct auxiliary *aux, raddr *ret,
			 struct error *err)
{
	Elf64_Phdr headers[PROGRAM_HEADERS_MAX];
	if (!memory_read(memory, aux->headers, headers, aux->header_count * sizeof(headers[0]),
			 err))
		return error_context(err, "program headers");

	const Elf64_Phdr *self = NULL;
	const Elf64_Phdr *dynamic = NULL;
	for (size_t i = 0; i < aux->header_count; i++) {
		if (headers[i].p_type == PT_PHDR)
			self = &headers[i];
		if (headers[i].p_type == PT_DYNAMIC)
			dynamic = &headers[i];
	}
	*ret = self && dynamic ? aux->headers - self->p_vaddr + dynamic->p_vaddr : 0;
	return true;
}

/* The head of the linker's list; 0 if there is none (yet). */
static raddr find_link_map(struct memory *memory, raddr dynamic)
{
	struct error unused;
	Elf64_Dyn entry;
	struct r_debug debug;

	for (size_t i = 0; i < DYNAMIC_MAX; i++) {
		raddr at = dynamic + i * sizeof(entry);
		if (!memory_read(memory, at, &entry, sizeof(entry), &unused) ||
		    entry.d_tag == DT_NULL)
			return 0;
		if (entry.d_tag == DT_DEBUG)
			break;
	}
	if (entry.d_tag != DT_DEBUG || !entry.d_un.d_ptr ||
	    !memory_read(memory, entry.d_un.d_ptr, &debug, sizeof(debug), &unused))
		return 0;
	return (raddr)debug.r_map;
}

/* -- the list of images -- */

/* Open the library behind a mapping, unless it is in the list already. */
static void add_image(struct images *images, int pid, const struct mapping *mapping, raddr dynamic)
{
	if (!mapping || !mapping->inode || images->len == IMAGES_MAX ||
	    images_find(images, mapping->start))
		return;

	struct error problem;
	struct image *image = &images->list[images->len];
	bool is_open = image_open(pid, mapping, dynamic, image, &problem);
	if (is_open && image->entry_count > ENTRIES_MAX - images->entry_count) {
		error_set(&problem, ERROR_UNSUPPORTED, "%s: there are too many symbols in all",
			  image->path);
		image_close(image);
		is_open = false;
	}
	if (is_open) {
		images->entry_count += image->entry_count;
		images->len++;
	} else if (!images->has_skipped) {
		images->has_skipped = true;
		images->skipped = problem;
	}
}

/* False if the list breaks off: the process may be changing it. */
static bool add_linked(struct images *images, int pid, struct memory *memory, raddr link_map)
{
	struct error unused;
	struct link_map link;

	for (size_t i = 0; link_map && i < IMAGES_MAX; i++) {
		if (!memory_read(memory, link_map, &link, sizeof(link), &unused))
			return false;
		raddr dynamic = (raddr)link.l_ld;
		add_image(images, pid, maps_find(&images->maps, dynamic), dynamic);
		link_map = (raddr)link.l_next;
	}
	return true;
}

static bool is_elf_mapping(struct memory *memory, const struct mapping *mapping)
{
	struct error unused;
	char magic[SELFMAG];
	return mapping->inode && mapping->file_offset == 0 &&
	       memory_read(memory, mapping->start, magic, sizeof(magic), &unused) &&
	       !memcmp(magic, ELFMAG, SELFMAG);
}

static void add_mapped(struct images *images, int pid, struct memory *memory)
{
	for (size_t i = 0; i < images->maps.len; i++) {
		const struct mapping *mapping = &images->maps.list[i];
		if (is_elf_mapping(memory, mapping))
			add_image(images, pid, mapping, 0);
	}
}

static bool fill(struct images *images, int pid, struct memory *memory, struct error *err)
{
	struct auxiliary aux;
	raddr dynamic;
	if (!read_auxiliary(pid, &aux, err) || !find_dynamic(memory, &aux, &dynamic, err))
		return false;

	const struct mapping *executable = maps_find(&images->maps, aux.headers);
	if (!executable)
		return error_set(err, ERROR_FORMAT, "the executable of process %d is not mapped",
				 pid);
	if (!image_open(pid, executable, dynamic, &images->list[0], err))
		return false;
	images->len = 1;
	if (!dynamic)
		return true;

	raddr link_map = find_link_map(memory, dynamic);
	if (!link_map || !add_linked(images, pid, memory, link_map))
		add_mapped(images, pid, memory);
	return true;
}

static size_t find_symbol(struct symbols *symbols, const char *name, struct symbol *ret, size_t max)
{
	const struct images *images = (const struct images *)symbols;
	size_t count = 0;

	for (size_t i = 0; i < images->len; i++) {
		struct symbol symbol;
		/* A program that an interpreter is linked into need not export it. */
		if (!image_find_symbol(&images->list[i], name, &symbol) &&
		    (i > 0 || !image_find_unexported(&images->list[i], name, &symbol)))
			continue;
		if (count < max)
			ret[count] = symbol;
		count++;
	}
	return count;
}

bool images_init(struct images *images, int pid, struct memory *memory, struct error *err)
{
	OWNED(images_deinit)
	struct images found = {
		.symbols.find = find_symbol,
		.list = calloc(IMAGES_MAX, sizeof(*found.list)),
	};
	if (!found.list)
		return error_set(err, ERROR_NO_MEMORY, "list of images");
	if (!maps_read(pid, &found.maps, err) || !fill(&found, pid, memory, err))
		return false;

	*images = found;
	found = (struct images){ 0 };
	return true;
}

void images_deinit(struct images *images)
{
	for (size_t i = 0; i < images->len; i++)
		image_close(&images->list[i]);
	free(images->list);
	maps_deinit(&images->maps);
	*images = (struct images){ 0 };
}

const struct image *images_find(const struct images *images, raddr address)
{
	for (size_t i = 0; i < images->len; i++) {
		if (address >= images->list[i].start && address < images->list[i].end)
			return &images->list[i];
	}
	return NULL;
}

const struct image *images_find_glibc(const struct images *images)
{
	for (size_t i = 0; i < images->len; i++) {
		if (image_is_glibc(&images->list[i]))
			return &images->list[i];
	}
	return NULL;
}

/* -- slack -- */

/* Cut a tail down to its zeros; false if fewer than `min_bytes` remain. */
static bool keep_zeros(const struct images *images, struct memory *memory, uint64_t min_bytes,
		       struct slack *tail)
{
	const struct mapping *mapping = maps_find(&images->maps, tail->address);
	if (!mapping || !mapping->is_executable || mapping->is_shared ||
	    mapping->end - tail->address < tail->len)
		return false;

	unsigned char bytes[PAGE_BYTES];
	struct error unused;
	if (!memory_read(memory, tail->address, bytes, tail->len, &unused))
		return false;

	raddr end = tail->address + tail->len;
	uint64_t used = tail->len;
	while (used > 0 && bytes[used - 1] == 0)
		used--;
	raddr address = (tail->address + used + 31) & -UINT64_C(16);
	if (address >= end || end - address < min_bytes)
		return false;
	*tail = (struct slack){ .address = address, .len = end - address };
	return true;
}

size_t images_find_slack(const struct images *images, struct memory *memory, uint64_t min_bytes,
			 struct slack *ret, size_t max)
{
	const struct image *glibc = images_find_glibc(images);
	size_t count = 0;

	for (size_t i = 0; i <= images->len; i++) {
		const struct image *image = i == 0 ? glibc : &images->list[i - 1];
		if (!image || (i > 0 && image == glibc))
			continue;
		struct slack tails[TAILS_MAX];
		size_t tail_count = image_tails(image, tails, TAILS_MAX);
		for (size_t k = 0; k < tail_count && count < max; k++) {
			if (keep_zeros(images, memory, min_bytes, &tails[k]))
				ret[count++] = tails[k];
		}
	}
	return count;
}
