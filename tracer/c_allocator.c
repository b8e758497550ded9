/* SPDX-License-Identifier: MIT */
#include "tracer/c_allocator.h"

#include <string.h>

#include "tracer/gates.h"
#include "tracer/tracer.h"

/* Whether an entry must be gated. One that must and cannot be makes the target unsupported. */
enum need {
	REQUIRED, /* it is always there, and always gated */
	COUNTED,  /* gated if it is there and does its work itself: if its code leads to an earlier
		     entry of the list, that one counts */
	RARE,	  /* glibc's: gated if that is possible; else its blocks are not seen */
};

struct entry {
	const char *name;
	enum gate_operation operation;
	enum need need;
};

/* An allocator: how it is recognised among the images that define malloc, and its entries. Where
 * one leads to another, the one that it leads to comes first. A function that has several names
 * counts under the first. Frees that lead to other frees do no harm: an address is forgotten once.
 * Counted call by call in tests/unit/tracer/test_allocators.c. */
struct c_allocator_table {
	const char *name;
	const char *symbol; /* that it exports; NULL: */
	const char *text;   /* what stands in its file. Linked into an executable and stripped, it
			       exports only what libraries of the process refer to */
	const struct entry *entries;
	size_t entry_count; /* 0: known, but not to be gated */
};

/* glibc 2.31, 2.36, 2.41, 2.43. reallocarray calls realloc; C++ operators call malloc. memalign is
 * the first of its kind: see follow_jump(). Up to 2.33 the first realloc of a process calls itself:
 * that one block counts twice. */
static const struct entry glibc_entries[] = {
	{ "malloc", GATE_MALLOC, REQUIRED },
	{ "calloc", GATE_CALLOC, REQUIRED },
	{ "realloc", GATE_REALLOC_NOT_NULL, REQUIRED },
	{ "free", GATE_FREE, REQUIRED },
	{ "memalign", GATE_MEMALIGN_OVER_16, RARE },
	{ "aligned_alloc", GATE_MEMALIGN_OVER_16, RARE },
	{ "posix_memalign", GATE_POSIX_MEMALIGN_OVER_16, RARE },
	{ "valloc", GATE_MALLOC, RARE },
	{ "pvalloc", GATE_MALLOC, RARE },
};

/* jemalloc 5.2.1, 5.3.0, 5.3.1. realloc(NULL) and small alignments lead nowhere else. new leads to
 * malloc in 5.2; new[] leads to new, aligned new to aligned_alloc, delete to free in some builds,
 * in others not. Not seen: xallocx, which grows a block where it is. */
static const struct entry jemalloc_entries[] = {
	{ "malloc", GATE_MALLOC, REQUIRED },
	{ "calloc", GATE_CALLOC, REQUIRED },
	{ "realloc", GATE_REALLOC, REQUIRED },
	{ "free", GATE_FREE, REQUIRED },
	{ "posix_memalign", GATE_POSIX_MEMALIGN, COUNTED },
	{ "aligned_alloc", GATE_MEMALIGN, COUNTED },
	{ "memalign", GATE_MEMALIGN, COUNTED },
	{ "valloc", GATE_MALLOC, COUNTED },
	{ "pvalloc", GATE_MALLOC, COUNTED },
	{ "mallocx", GATE_MALLOC, COUNTED },
	{ "rallocx", GATE_REALLOC, COUNTED },
	{ "_Znwm", GATE_NEW, COUNTED },
	{ "_Znam", GATE_NEW, COUNTED },
	{ "_ZnwmRKSt9nothrow_t", GATE_MALLOC, COUNTED },
	{ "_ZnamRKSt9nothrow_t", GATE_MALLOC, COUNTED },
	{ "_ZnwmSt11align_val_t", GATE_NEW_ALIGNED, COUNTED },
	{ "_ZnamSt11align_val_t", GATE_NEW_ALIGNED, COUNTED },
	{ "_ZnwmSt11align_val_tRKSt9nothrow_t", GATE_MALLOC, COUNTED },
	{ "_ZnamSt11align_val_tRKSt9nothrow_t", GATE_MALLOC, COUNTED },
	{ "dallocx", GATE_FREE, COUNTED },
	{ "sdallocx", GATE_FREE, COUNTED },
	{ "free_sized", GATE_FREE, COUNTED },
	{ "free_aligned_sized", GATE_FREE, COUNTED },
	{ "_ZdlPv", GATE_FREE, COUNTED },
	{ "_ZdaPv", GATE_FREE, COUNTED },
	{ "_ZdlPvm", GATE_FREE, COUNTED },
	{ "_ZdaPvm", GATE_FREE, COUNTED },
	{ "_ZdlPvRKSt9nothrow_t", GATE_FREE, COUNTED },
	{ "_ZdaPvRKSt9nothrow_t", GATE_FREE, COUNTED },
	{ "_ZdlPvSt11align_val_t", GATE_FREE, COUNTED },
	{ "_ZdaPvSt11align_val_t", GATE_FREE, COUNTED },
	{ "_ZdlPvmSt11align_val_t", GATE_FREE, COUNTED },
	{ "_ZdaPvmSt11align_val_t", GATE_FREE, COUNTED },
	{ "_ZdlPvSt11align_val_tRKSt9nothrow_t", GATE_FREE, COUNTED },
	{ "_ZdaPvSt11align_val_tRKSt9nothrow_t", GATE_FREE, COUNTED },
};

/* gperftools' tcmalloc 2.8, 2.10, 2.16, 2.18. posix_memalign, valloc and pvalloc lead to memalign.
 * The tc_ functions are these by another name. */
static const struct entry tcmalloc_entries[] = {
	{ "malloc", GATE_MALLOC, REQUIRED },
	{ "calloc", GATE_CALLOC, REQUIRED },
	{ "realloc", GATE_REALLOC, REQUIRED },
	{ "free", GATE_FREE, REQUIRED },
	{ "memalign", GATE_MEMALIGN, REQUIRED },
	{ "aligned_alloc", GATE_MEMALIGN, COUNTED },
	{ "posix_memalign", GATE_POSIX_MEMALIGN, COUNTED },
	{ "valloc", GATE_MALLOC, COUNTED },
	{ "pvalloc", GATE_MALLOC, COUNTED },
	{ "_Znwm", GATE_NEW, REQUIRED },
	{ "_Znam", GATE_NEW, COUNTED },
	{ "_ZnwmRKSt9nothrow_t", GATE_MALLOC, COUNTED },
	{ "_ZnamRKSt9nothrow_t", GATE_MALLOC, COUNTED },
	{ "_ZnwmSt11align_val_t", GATE_NEW_ALIGNED, COUNTED },
	{ "_ZnamSt11align_val_t", GATE_NEW_ALIGNED, COUNTED },
	{ "_ZnwmSt11align_val_tRKSt9nothrow_t", GATE_MALLOC, COUNTED },
	{ "_ZnamSt11align_val_tRKSt9nothrow_t", GATE_MALLOC, COUNTED },
	{ "cfree", GATE_FREE, COUNTED },
	{ "free_sized", GATE_FREE, COUNTED },
	{ "free_aligned_sized", GATE_FREE, COUNTED },
	{ "sdallocx", GATE_FREE, COUNTED },
	{ "_ZdlPv", GATE_FREE, COUNTED },
	{ "_ZdaPv", GATE_FREE, COUNTED },
	{ "_ZdlPvm", GATE_FREE, COUNTED },
	{ "_ZdaPvm", GATE_FREE, COUNTED },
	{ "_ZdlPvRKSt9nothrow_t", GATE_FREE, COUNTED },
	{ "_ZdaPvRKSt9nothrow_t", GATE_FREE, COUNTED },
	{ "_ZdlPvSt11align_val_t", GATE_FREE, COUNTED },
	{ "_ZdaPvSt11align_val_t", GATE_FREE, COUNTED },
	{ "_ZdlPvmSt11align_val_t", GATE_FREE, COUNTED },
	{ "_ZdaPvmSt11align_val_t", GATE_FREE, COUNTED },
	{ "_ZdlPvSt11align_val_tRKSt9nothrow_t", GATE_FREE, COUNTED },
	{ "_ZdaPvSt11align_val_tRKSt9nothrow_t", GATE_FREE, COUNTED },
};

/* mimalloc 2.0.9, 3.0, 3.6. Most of its C names only jump to mi_ functions. All that aligns leads
 * to mi_malloc_aligned(size, alignment). Not seen: what a program asks of mi_heap_, mi_theap_ and
 * mi_zalloc functions directly. */
static const struct entry mimalloc_entries[] = {
	{ "malloc", GATE_MALLOC, REQUIRED },
	{ "calloc", GATE_CALLOC, REQUIRED },
	{ "realloc", GATE_REALLOC, REQUIRED },
	{ "free", GATE_FREE, REQUIRED },
	{ "mi_malloc_aligned", GATE_MALLOC, REQUIRED },
	{ "mi_memalign", GATE_MEMALIGN, COUNTED },
	{ "mi_aligned_alloc", GATE_MEMALIGN, COUNTED },
	{ "mi_posix_memalign", GATE_POSIX_MEMALIGN, COUNTED },
	{ "mi_valloc", GATE_MALLOC, COUNTED },
	{ "mi_pvalloc", GATE_MALLOC, COUNTED },
	{ "mi_reallocarray", GATE_REALLOCARRAY, COUNTED },
	{ "mi_reallocf", GATE_REALLOC, COUNTED },
	{ "mi_new", GATE_NEW, COUNTED },
	{ "mi_new_nothrow", GATE_MALLOC, COUNTED },
	{ "mi_new_aligned", GATE_NEW_ALIGNED, COUNTED },
	{ "mi_new_aligned_nothrow", GATE_MALLOC, COUNTED },
	{ "cfree", GATE_FREE, COUNTED },
	{ "mi_free_size", GATE_FREE, COUNTED },
	{ "mi_free_size_aligned", GATE_FREE, COUNTED },
	{ "mi_free_aligned", GATE_FREE, COUNTED },
	{ "mi_free_small", GATE_FREE, COUNTED },
	{ "_ZdlPv", GATE_FREE, COUNTED },
	{ "_ZdlPvm", GATE_FREE, COUNTED },
	{ "_ZdaPvm", GATE_FREE, COUNTED },
};

#define ENTRIES(table) table, ARRAY_LEN(table)

static const struct c_allocator_table tables[] = {
	{ "glibc", "gnu_get_libc_version", NULL, ENTRIES(glibc_entries) },
	{ "jemalloc", "mallctl", "<jemalloc>: ", ENTRIES(jemalloc_entries) },
	{ "tcmalloc's debugging variant", NULL, "allocation/deallocation mismatch", NULL, 0 },
	{ "tcmalloc", "tc_malloc", NULL, ENTRIES(tcmalloc_entries) },
	{ "mimalloc", "mi_malloc", NULL, ENTRIES(mimalloc_entries) },
};

static bool exports(const struct image *image, const char *name)
{
	struct symbol unused;
	return image_find_symbol(image, name, &unused);
}

static bool is_table_of(const struct c_allocator_table *table, const struct image *image)
{
	return (table->symbol && exports(image, table->symbol)) ||
	       (table->text && memmem(image->bytes, image->len, table->text, strlen(table->text)));
}

/* Every thread's countdown stands in words of its control block that are glibc's to leave free. */
static bool check_c_library(const struct images *images, struct error *err)
{
	if (images_find_glibc(images))
		return true;
	for (size_t i = images->len; i-- > 0;)
		if (exports(&images->list[i], "__libc_start_main"))
			return error_set(err, ERROR_UNSUPPORTED,
					 "the C library is %s%s: this version knows glibc only",
					 strstr(images->list[i].path, "musl") ? "musl, " : "",
					 images->list[i].path);
	return error_set(err, ERROR_UNSUPPORTED, "the process has no C library that is known");
}

bool c_allocator_find(const struct images *images, struct c_allocator *ret, struct error *err)
{
	if (!check_c_library(images, err))
		return false;
	for (size_t i = 0; i < images->len; i++) {
		const struct image *image = &images->list[i];
		if (!exports(image, "malloc"))
			continue;
		for (size_t k = 0; k < ARRAY_LEN(tables); k++) {
			if (!is_table_of(&tables[k], image))
				continue;
			if (tables[k].entry_count == 0)
				return error_set(
					err, ERROR_UNSUPPORTED,
					"the C allocator is %s (%s), which is not supported",
					tables[k].name, image->path);
			*ret = (struct c_allocator){ tables[k].name, image, &tables[k] };
			return true;
		}
		return error_set(
			err, ERROR_UNSUPPORTED,
			"the C allocator is that of %s: this version knows those of glibc, "
			"jemalloc, tcmalloc and mimalloc",
			image->path);
	}
	return error_set(err, ERROR_UNSUPPORTED, "the process exports no malloc");
}

/* ---- specs ----------------------------------------------------------------------------------- */

enum { CODE_MAX = 512 };

struct listing {
	const struct arch *arch;
	const struct images *images;
	const struct image *image;
	struct gate_spec *specs;
	size_t len;
	raddr counting[TRACER_LIBC_SPECS_MAX]; /* functions whose blocks count: listed, or leading
						  to one that is */
	size_t counting_len;
	raddr shared; /* see follow_jump() */
};

struct function {
	struct gate_spec spec;
	uint8_t code[CODE_MAX]; /* its beginning; few that lead elsewhere are longer */
	size_t len;
};

static bool contains(const raddr *list, size_t len, raddr address)
{
	for (size_t i = 0; i < len; i++)
		if (list[i] == address)
			return true;
	return false;
}

static bool is_listed(const struct listing *listing, raddr address)
{
	for (size_t i = 0; i < listing->len; i++)
		if (listing->specs[i].address == address)
			return true;
	return false;
}

static struct function read_function(const struct listing *listing, const struct entry *entry,
				     const struct symbol *symbol)
{
	enum { GUESS = 16 }; /* where the file does not say how long it is */
	struct error ignored;
	struct function function = {
		.spec = {
			.name = entry->name,
			.place = GATE_ENTRY,
			.operation = entry->operation,
			.kind = MEMORY_MALLOC,
			.guard = GATE_UNGUARDED,
			.address = symbol->address,
			.max_counted_bytes = UINT64_MAX,
		},
	};
	size_t len = symbol->size ? symbol->size : GUESS;
	len = len < CODE_MAX ? len : CODE_MAX;
	if (image_file_bytes(listing->image, symbol->address, function.code, len, &ignored))
		function.len = len;
	return function;
}

/* The function behind an entry of the linkage table; any other is itself. (Names of the image mean
 * its own functions, for it is the first that defines them.) */
static raddr resolve_linkage(const struct listing *listing, raddr address)
{
	uint8_t code[16];
	raddr slot;
	struct symbol symbol;
	struct error ignored;
	if (!image_file_bytes(listing->image, address, code, sizeof(code), &ignored) ||
	    !listing->arch->find_linkage_slot(address, code, sizeof(code), &slot))
		return address;
	const char *name = image_slot_symbol(listing->image, slot);
	return name && image_find_symbol(listing->image, name, &symbol) ? symbol.address : address;
}

static bool leads_to(const struct listing *listing, const struct function *function,
		     const raddr *others, size_t others_len)
{
	raddr target;
	for (size_t at = 0; listing->arch->next_branch(function->spec.address, function->code,
						       function->len, &at, &target);)
		if (contains(others, others_len, resolve_linkage(listing, target)))
			return true;
	return false;
}

/* In glibc 2.43 memalign is a jump of five bytes, too short to be gated, to a function without a
 * name to which the other aligning ones lead as well: that one is gated instead of them all. */
static void follow_jump(struct listing *listing, struct function *function)
{
	raddr target;
	struct error ignored;
	if (function->spec.operation != GATE_MEMALIGN_OVER_16 || listing->shared ||
	    !listing->arch->find_only_jump(function->spec.address, function->code, function->len,
					   &target))
		return;
	struct gate_spec followed = function->spec;
	followed.address = target;
	if (gates_can_hook(listing->arch, listing->images, &followed, &ignored)) {
		function->spec = followed;
		listing->shared = target;
	}
}

/* Does another gate see what goes through this function? What glibc's functions leave to malloc is
 * for their own pads to tell. */
static bool is_counted_elsewhere(const struct listing *listing, const struct function *function,
				 enum need need)
{
	raddr unused;
	if (is_listed(listing, function->spec.address))
		return true;
	if (need == REQUIRED)
		return false;
	if (need == RARE)
		return leads_to(listing, function, &listing->shared, listing->shared ? 1 : 0);
	if (function->spec.operation == GATE_FREE)
		return listing->arch->find_only_jump(function->spec.address, function->code,
						     function->len, &unused);
	return leads_to(listing, function, listing->counting, listing->counting_len);
}

/* False if the function must be gated and cannot be. */
static bool add_entry(struct listing *listing, const struct entry *entry,
		      const struct symbol *symbol, struct error *err)
{
	struct function function = read_function(listing, entry, symbol);
	follow_jump(listing, &function);
	if (!is_counted_elsewhere(listing, &function, entry->need)) {
		if (!gates_can_hook(listing->arch, listing->images, &function.spec, err))
			return entry->need == RARE;
		listing->specs[listing->len++] = function.spec;
	}
	if (entry->operation != GATE_FREE)
		listing->counting[listing->counting_len++] = function.spec.address;
	return true;
}

static bool list_entries(struct listing *listing, const struct c_allocator *allocator,
			 struct error *err)
{
	for (size_t i = 0; i < allocator->table->entry_count; i++) {
		const struct entry *entry = &allocator->table->entries[i];
		struct symbol symbol;
		if (image_find_symbol(allocator->image, entry->name, &symbol)) {
			if (!add_entry(listing, entry, &symbol, err))
				return error_context(err, "%s", allocator->name);
		} else if (entry->need == REQUIRED) {
			return error_set(err, ERROR_UNSUPPORTED, "%s in %s has no %s",
					 allocator->name, allocator->image->path, entry->name);
		}
	}
	return true;
}

bool c_allocator_specs(const struct arch *arch, const struct images *images, struct gate_spec *ret,
		       size_t *len_ret, struct error *err)
{
	struct c_allocator allocator;
	if (!c_allocator_find(images, &allocator, err))
		return false;
	struct listing listing = {
		.arch = arch, .images = images, .image = allocator.image, .specs = ret
	};
	if (!list_entries(&listing, &allocator, err))
		return false;
	*len_ret = listing.len;
	return true;
}

#define FITS(table) _Static_assert(ARRAY_LEN(table) <= TRACER_LIBC_SPECS_MAX, "specs of " #table)
FITS(glibc_entries);
FITS(jemalloc_entries);
FITS(tcmalloc_entries);
FITS(mimalloc_entries);
