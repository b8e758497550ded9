/* SPDX-License-Identifier: MIT */
#include "tracer/image.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "tracer/bus_guard.h"

/* -- opening -- */

/* Open a regular file, of this inode unless it is 0; anything else is not even opened, which could
 * have an effect. -1 on failure. */
static int open_regular(const char *path, uint64_t inode)
{
	OWNED_FD int handle = open(path, O_PATH | O_CLOEXEC);
	struct stat st;
	if (handle < 0 || fstat(handle, &st))
		return -1;
	if (!S_ISREG(st.st_mode) || (inode && st.st_ino != inode)) {
		errno = ESTALE;
		return -1;
	}
	char same[32];
	snprintf(same, sizeof(same), "/proc/self/fd/%d", handle);
	return open(same, O_RDONLY | O_CLOEXEC);
}

static bool open_file(int pid, const struct mapping *mapping, int *ret, struct error *err)
{
	char path[PATH_MAX + 32];

	/* The link leads to the mapped file itself, whatever became of its name; only root may
	 * follow it. */
	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, pid, mapping->start,
		 mapping->end);
	int fd = open_regular(path, 0);
	if (fd < 0) {
		/* A mapped inode's number is not used again in its file system. The device tells
		 * nothing: on overlayfs and btrfs, stat(2) and maps name different ones. */
		snprintf(path, sizeof(path), "/proc/%d/root%s", pid, mapping->path);
		fd = open_regular(path, mapping->inode);
	}
	if (fd < 0 && (errno == ESTALE || errno == ENOENT))
		return error_set(err, ERROR_FILE,
				 "%s was replaced since process %d started: restart the process, "
				 "or run filtrace as root, who can still read the old file",
				 mapping->path, pid);
	if (fd < 0)
		return error_set_errno(err, ERROR_FILE, "cannot open %s", mapping->path);
	*ret = fd;
	return true;
}

/* Mapped, so that a file of a gigabyte costs the pages that are looked at; and shared, for into
 * private mappings the kernel writes the breakpoints of uprobes, into ours as into the target's. */
static bool map_file(int fd, struct image *image, struct error *err)
{
	struct stat status;
	if (fstat(fd, &status) || status.st_size <= 0)
		return error_set(err, ERROR_UNSUPPORTED, "%s is empty", image->path);
	bus_guard_install();
	void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED)
		return error_set_errno(err, ERROR_FILE, "cannot map %s", image->path);
	image->bytes = bytes;
	image->len = (size_t)status.st_size;
	return true;
}

static bool read_elf(int fd, struct image *image, struct error *err)
{
	if (!map_file(fd, image, err))
		return false;
	elf_version(EV_CURRENT);
	image->elf = elf_memory(image->bytes, image->len);
	if (!image->elf)
		return error_set(err, ERROR_UNSUPPORTED, "%s: %s", image->path, elf_errmsg(-1));

	GElf_Ehdr header;
	if (gelf_getclass(image->elf) != ELFCLASS64 || !gelf_getehdr(image->elf, &header))
		return error_set(err, ERROR_UNSUPPORTED, "%s is not a 64-bit ELF file",
				 image->path);
	image->machine = header.e_machine;
	return true;
}

/* Symbols and relocations are looked through one by one, and a file of holes may claim any number.
 */
static bool count_entries(struct image *image, struct error *err)
{
	GElf_Shdr header;
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(image->elf, scn)) != NULL;) {
		if (!gelf_getshdr(scn, &header) ||
		    (header.sh_type != SHT_DYNSYM && header.sh_type != SHT_SYMTAB &&
		     header.sh_type != SHT_RELA))
			continue;
		uint64_t count = header.sh_size / sizeof(Elf64_Sym);
		if (count > IMAGE_ENTRIES_MAX - image->entry_count)
			return error_set(err, ERROR_UNSUPPORTED, "%s has too many symbols",
					 image->path);
		image->entry_count += count;
	}
	return true;
}

_Static_assert(sizeof(Elf64_Sym) == sizeof(Elf64_Rela), "entries");

/* The next program header of this type from *at on; false behind the last. */
static bool next_header(const struct image *image, uint32_t type, size_t *at, GElf_Phdr *ret)
{
	size_t count;
	if (elf_getphdrnum(image->elf, &count) != 0)
		return false;
	while (*at < count) {
		if (gelf_getphdr(image->elf, (int)(*at)++, ret) && ret->p_type == type)
			return true;
	}
	return false;
}

static bool next_segment(const struct image *image, size_t *at, GElf_Phdr *ret)
{
	return next_header(image, PT_LOAD, at, ret);
}

static bool find_bias(const struct image *image, const struct mapping *mapping, raddr dynamic,
		      raddr *ret)
{
	GElf_Phdr header;
	size_t at = 0;

	if (dynamic) {
		if (!next_header(image, PT_DYNAMIC, &at, &header))
			return false;
		*ret = dynamic - header.p_vaddr;
		return true;
	}
	/* The first segment maps the file's start, at most a page's part later. */
	if (!next_segment(image, &at, &header) || header.p_offset / PAGE_BYTES != 0)
		return false;
	*ret = mapping->start - (header.p_vaddr - header.p_offset);
	return mapping->file_offset == 0;
}

/* Lay the file's segments over the process. */
static bool locate(struct image *image, const struct mapping *mapping, raddr dynamic,
		   struct error *err)
{
	uint64_t lowest = UINT64_MAX;
	uint64_t highest = 0;
	GElf_Phdr segment;
	for (size_t at = 0; next_segment(image, &at, &segment);) {
		uint64_t end = segment.p_vaddr + segment.p_memsz;
		lowest = segment.p_vaddr < lowest ? segment.p_vaddr : lowest;
		highest = end > highest ? end : highest;
	}

	bool is_found = find_bias(image, mapping, dynamic, &image->bias);
	image->start = (image->bias + lowest) & -(uint64_t)PAGE_BYTES;
	image->end = image->bias + highest;
	if (!is_found || mapping->start < image->start || mapping->start >= image->end)
		return error_set(err, ERROR_UNSUPPORTED, "%s does not lie as its segments say",
				 image->path);
	return true;
}

static char *copy_path(const char *path)
{
	static const char mark[] = " (deleted)";
	size_t len = strlen(path);
	if (len > strlen(mark) && !strcmp(path + len - strlen(mark), mark))
		len -= strlen(mark);
	return strndup(path, len);
}

bool image_open(int pid, const struct mapping *mapping, raddr dynamic, struct image *ret,
		struct error *err)
{
	OWNED_FD int fd = -1;
	if (!open_file(pid, mapping, &fd, err))
		return false;

	OWNED(image_close) struct image image = { .path = copy_path(mapping->path) };
	if (!image.path)
		return error_set(err, ERROR_NO_MEMORY, "%s", mapping->path);
	if (!read_elf(fd, &image, err) || !count_entries(&image, err) ||
	    !locate(&image, mapping, dynamic, err))
		return false;

	*ret = image;
	image = (struct image){ 0 };
	return true;
}

void image_close(struct image *image)
{
	elf_end(image->elf);
	if (image->bytes)
		munmap(image->bytes, image->len);
	free(image->path);
	*image = (struct image){ 0 };
}

/* -- symbols -- */

static Elf_Scn *find_section(const struct image *image, uint32_t type, GElf_Shdr *ret)
{
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(image->elf, scn)) != NULL;) {
		if (gelf_getshdr(scn, ret) && ret->sh_type == type)
			return scn;
	}
	return NULL;
}

/* One function or object that others may use. Indirect functions are left out: their value is the
 * resolver's, not theirs. */
static bool is_definition(const GElf_Sym *sym)
{
	unsigned char type = GELF_ST_TYPE(sym->st_info);
	return sym->st_shndx != SHN_UNDEF && sym->st_value != 0 &&
	       GELF_ST_BIND(sym->st_info) != STB_LOCAL &&
	       (type == STT_FUNC || type == STT_OBJECT || type == STT_NOTYPE);
}

/* A version that only old programs are bound to (LSB, "Symbol Version Table"). */
static bool is_hidden(Elf_Data *versions, size_t index)
{
	GElf_Versym version;
	return versions && gelf_getversym(versions, (int)index, &version) && (version & 0x8000);
}

/* Look through one table of symbols. `versions` may be NULL. */
static bool find_in_table(const struct image *image, Elf_Scn *scn, const GElf_Shdr *header,
			  Elf_Data *versions, const char *name, struct symbol *ret)
{
	Elf_Data *symbols = elf_getdata(scn, NULL);
	GElf_Sym sym;
	for (size_t i = 1; symbols && i < IMAGE_ENTRIES_MAX && gelf_getsym(symbols, (int)i, &sym);
	     i++) {
		if (!is_definition(&sym))
			continue;
		const char *found = elf_strptr(image->elf, header->sh_link, sym.st_name);
		if (!found || strcmp(found, name) != 0 || is_hidden(versions, i))
			continue;
		*ret = (struct symbol){
			.address = image->bias + sym.st_value,
			.size = sym.st_size,
			.image = image->path,
		};
		return true;
	}
	return false;
}

bool image_find_symbol(const struct image *image, const char *name, struct symbol *ret)
{
	GElf_Shdr header, unused;
	Elf_Scn *scn = find_section(image, SHT_DYNSYM, &header);
	if (!scn)
		return image_find_unexported(image, name, ret);
	Elf_Data *versions = elf_getdata(find_section(image, SHT_GNU_versym, &unused), NULL);
	return find_in_table(image, scn, &header, versions, name, ret);
}

bool image_find_unexported(const struct image *image, const char *name, struct symbol *ret)
{
	GElf_Shdr header;
	Elf_Scn *scn = find_section(image, SHT_SYMTAB, &header);
	return scn && find_in_table(image, scn, &header, NULL, name, ret);
}

/* The name that a relocation's symbol index stands for, in the table that its section is about. */
static const char *symbol_name(const struct image *image, uint32_t table, uint64_t index)
{
	GElf_Shdr header;
	GElf_Sym sym;
	Elf_Scn *scn = elf_getscn(image->elf, table);
	if (!scn || !gelf_getshdr(scn, &header) || index > INT_MAX ||
	    !gelf_getsym(elf_getdata(scn, NULL), (int)index, &sym))
		return NULL;
	return elf_strptr(image->elf, header.sh_link, sym.st_name);
}

const char *image_slot_symbol(const struct image *image, raddr slot)
{
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(image->elf, scn)) != NULL;) {
		GElf_Shdr header;
		GElf_Rela rela;
		if (!gelf_getshdr(scn, &header) || header.sh_type != SHT_RELA)
			continue;
		Elf_Data *data = elf_getdata(scn, NULL);
		for (int i = 0; data && i < IMAGE_ENTRIES_MAX && gelf_getrela(data, i, &rela); i++)
			if (rela.r_offset == slot - image->bias && GELF_R_SYM(rela.r_info) != 0)
				return symbol_name(image, header.sh_link, GELF_R_SYM(rela.r_info));
	}
	return NULL;
}

bool image_is_glibc(const struct image *image)
{
	struct symbol unused;
	return image_find_symbol(image, "gnu_get_libc_version", &unused);
}

/* -- bytes -- */

bool image_file_bytes(const struct image *image, raddr address, void *ret, size_t len,
		      struct error *err)
{
	uint64_t wanted = address - image->bias;
	GElf_Phdr segment;

	for (size_t at = 0; next_segment(image, &at, &segment);) {
		if (wanted < segment.p_vaddr || wanted - segment.p_vaddr > segment.p_filesz ||
		    len > segment.p_filesz - (wanted - segment.p_vaddr))
			continue;
		uint64_t offset = segment.p_offset + (wanted - segment.p_vaddr);
		if (offset > image->len || len > image->len - offset)
			break;
		memcpy(ret, image->bytes + offset, len);
		return true;
	}
	return error_set(err, ERROR_FORMAT, "%s holds no %zu bytes for %" PRIraddr, image->path,
			 len, address);
}

size_t image_tails(const struct image *image, struct slack *ret, size_t max)
{
	GElf_Phdr segment;
	size_t count = 0;

	for (size_t at = 0; count < max && next_segment(image, &at, &segment);) {
		if (!(segment.p_flags & PF_X) || segment.p_filesz != segment.p_memsz)
			continue;
		raddr end = image->bias + segment.p_vaddr + segment.p_filesz;
		uint64_t len = -end % PAGE_BYTES;
		if (len > 0)
			ret[count++] = (struct slack){ .address = end, .len = len };
	}
	return count;
}
