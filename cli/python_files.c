/* SPDX-License-Identifier: MIT */
#include "cli/python_files.h"

#include <ctype.h>
#include <string.h>

#include "pyframes/runtime.h"
#include "tracer/image.h"

/* -- one file -- */

/* A file as the memory and the symbols of the processes that map it: what is constant there is the
 * same. */
struct view {
	struct memory memory; /* the seams: cast back */
	struct symbols symbols;
	struct image image;
};

#define VIEW_OF(seam, member) ((struct view *)((char *)(seam)-offsetof(struct view, member)))

static bool read_spans(struct memory *memory, struct memory_span *spans, size_t span_count,
		       struct error *err)
{
	const struct view *view = VIEW_OF(memory, memory);
	for (size_t i = 0; i < span_count; i++)
		spans[i].is_read = image_file_bytes(&view->image, spans[i].address, spans[i].buffer,
						    spans[i].len, err);
	return true;
}

static size_t find_symbol(struct symbols *symbols, const char *name, struct symbol *ret, size_t max)
{
	const struct view *view = VIEW_OF(symbols, symbols);
	struct symbol found;
	if (!image_find_symbol(&view->image, name, &found))
		return 0;
	if (max > 0)
		*ret = found;
	return 1;
}

static void view_close(struct view *view)
{
	image_close(&view->image);
}

static bool read_file(int pid, const struct mapping *mapping, struct python_file *ret,
		      struct error *err)
{
	OWNED(view_close)
	struct view view = { .memory.read_spans = read_spans, .symbols.find = find_symbol };
	if (!image_open(pid, mapping, 0, &view.image, err))
		return false;

	ret->is_python = identify_python(&view.memory, &view.symbols, ret->version);
	struct runtime unused;
	struct error refusal;
	/* A file has no interpreter that runs: any other failure says nothing. */
	if (ret->is_python && !runtime_find(&view.memory, &view.symbols, &unused, &refusal) &&
	    refusal.kind == ERROR_UNSUPPORTED)
		memcpy(ret->refusal, refusal.context, sizeof(ret->refusal));
	return true;
}

/* -- files seen before -- */

static bool reserve(struct python_files *files, struct error *err)
{
	if (files->len < files->capacity)
		return true;
	size_t capacity = files->capacity ? 2 * files->capacity : 64;
	struct python_file *larger = reallocarray(files->list, capacity, sizeof(*larger));
	if (!larger)
		return error_set(err, ERROR_NO_MEMORY, "list of files");
	files->list = larger;
	files->capacity = capacity;
	return true;
}

void python_files_deinit(struct python_files *files)
{
	free(files->list);
	*files = (struct python_files){ 0 };
}

bool python_files_look(struct python_files *files, int pid, const struct mapping *mapping,
		       const struct python_file **ret, struct error *err)
{
	for (size_t i = 0; i < files->len; i++) {
		const struct python_file *file = &files->list[i];
		if (file->inode == mapping->inode && file->device_major == mapping->device_major &&
		    file->device_minor == mapping->device_minor) {
			*ret = file;
			return true;
		}
	}

	struct python_file file = {
		.device_major = mapping->device_major,
		.device_minor = mapping->device_minor,
		.inode = mapping->inode,
	};
	if (!reserve(files, err) || !read_file(pid, mapping, &file, err))
		return false;
	files->list[files->len] = file;
	*ret = &files->list[files->len++];
	return true;
}

/* -- where to look -- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* "python", and nothing that goes on with a letter: "pythonista" is something else. */
static bool begins_with(const char *name, const char *prefix)
{
	size_t len = strlen(prefix);
	return !strncmp(name, prefix, len) && !isalpha((unsigned char)name[len]) &&
	       name[len] != '_';
}

bool python_files_is_program(const char *name)
{
	return begins_with(base_name(name), "python");
}

bool python_files_is_named(const char *path)
{
	return python_files_is_program(path) || begins_with(base_name(path), "libpython");
}

/* A debugger maps the files that it reads, too, but never as code. */
static bool is_code(const struct maps *maps, const struct mapping *start)
{
	for (const struct mapping *at = start; at < maps->list + maps->len; at++) {
		if (at->inode == start->inode && at->device_minor == start->device_minor &&
		    at->device_major == start->device_major && at->is_executable)
			return true;
	}
	return false;
}

size_t python_files_candidates(const struct maps *maps, const char *executable,
			       const struct mapping **ret, size_t max)
{
	const struct mapping *last = NULL; /* the executable, unless it is among the others */
	size_t count = 0;
	for (size_t i = 0; i < maps->len; i++) {
		const struct mapping *mapping = &maps->list[i];
		if (!mapping->inode || mapping->file_offset != 0)
			continue;
		bool is_named = python_files_is_named(mapping->path);
		if (is_named && count < max && is_code(maps, mapping))
			ret[count++] = mapping;
		if (!is_named && !last && executable && !strcmp(mapping->path, executable))
			last = mapping;
	}
	if (last && count < max)
		ret[count++] = last;
	return count;
}
