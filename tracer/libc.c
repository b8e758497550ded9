/* SPDX-License-Identifier: MIT */
#include "tracer/libc.h"

#include "tracer/gates.h"

/* glibc's entries that hand out or take back a block without going through another one of the list.
 * Source: counted call by call on glibc 2.31, 2.36, 2.41 and 2.43; aligned_alloc is memalign up to
 * 2.37. reallocarray calls realloc; C++ operators call malloc. */
static const struct {
	const char *name;
	enum gate_operation operation;
	bool is_needed;
} glibc_entries[] = {
	{ "malloc", GATE_MALLOC, true },
	{ "calloc", GATE_CALLOC, true },
	{ "realloc", GATE_REALLOC, true },
	{ "free", GATE_FREE, true },
	{ "memalign", GATE_MEMALIGN, false },
	{ "aligned_alloc", GATE_MEMALIGN, false },
	{ "posix_memalign", GATE_POSIX_MEMALIGN, false },
	{ "valloc", GATE_MALLOC, false },
	{ "pvalloc", GATE_MALLOC, false },
};

bool libc_find_allocator(const struct images *images, const struct image **ret, struct error *err)
{
	for (size_t i = 0; i < images->len; i++) {
		struct symbol symbol;
		const struct image *image = &images->list[i];
		if (!image_find_symbol(image, "malloc", &symbol))
			continue;
		if (!image_is_glibc(image))
			return error_set(err, ERROR_UNSUPPORTED,
					 "the C allocator is %s: this version knows glibc's only",
					 image->path);
		*ret = image;
		return true;
	}
	return error_set(err, ERROR_UNSUPPORTED, "the process exports no malloc");
}

static bool is_listed(const struct gate_spec *specs, size_t len, raddr address)
{
	for (size_t i = 0; i < len; i++)
		if (specs[i].address == address)
			return true;
	return false;
}

bool libc_specs(const struct arch *arch, const struct images *images, struct gate_spec *ret,
		size_t *len_ret, struct error *err)
{
	const struct image *image;
	size_t len = 0;
	if (!libc_find_allocator(images, &image, err))
		return false;

	for (size_t i = 0; i < ARRAY_LEN(glibc_entries); i++) {
		struct symbol symbol;
		const char *name = glibc_entries[i].name;
		bool is_needed = glibc_entries[i].is_needed;
		if (!image_find_symbol(image, name, &symbol)) {
			if (is_needed)
				return error_set(err, ERROR_UNSUPPORTED, "%s has no %s",
						 image->path, name);
			continue;
		}
		if (is_listed(ret, len, symbol.address) ||
		    (!is_needed && !gates_can_hook(arch, images, name, symbol.address)))
			continue;
		ret[len++] = (struct gate_spec){
			.name = name,
			.place = GATE_ENTRY,
			.operation = glibc_entries[i].operation,
			.kind = MEMORY_MALLOC,
			.guard = GATE_UNGUARDED,
			.address = symbol.address,
			.max_counted_bytes = UINT64_MAX,
		};
	}
	*len_ret = len;
	return true;
}
