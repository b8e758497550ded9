/* SPDX-License-Identifier: MIT */
#ifndef CLI_PYTHON_FILES_H
#define CLI_PYTHON_FILES_H

/**
 * @file
 * Which ELF files hold a CPython, and which one, from their bytes alone. Each file is looked at
 * once, however many processes map it.
 */

#include "base/error.h"
#include "pyframes/identify.h"
#include "tracer/maps.h"

struct python_file {
	uint32_t device_major; /* these three are the file's name, as in struct mapping */
	uint32_t device_minor;
	uint64_t inode;
	bool is_python;
	char version[IDENTITY_BYTES];
	char refusal[256]; /* why this version is not supported; "" if it is */
};

/** Files seen so far; all zeros at first. */
struct python_files {
	struct python_file *list;
	size_t len;
	size_t capacity;
};

void python_files_deinit(struct python_files *files);

/** Look at the file of which `mapping`, in this process, maps the start. `ret` is valid until the
 *  next call. Errors: those of image_open(), ERROR_NO_MEMORY. */
MUST_CHECK bool python_files_look(struct python_files *files, int pid,
				  const struct mapping *mapping, const struct python_file **ret,
				  struct error *err);

/** Tell whether a program of this name or path is called Python: "python3", "/usr/bin/python3.11".
 */
bool python_files_is_program(const char *name);

/** The same of a program or a library: "/usr/lib/libpython3.11.so.1.0". */
bool python_files_is_named(const char *path);

/** List where the files may be that hold the process's interpreter: everything mapped as code that
 *  is called python or libpython, then the executable, whose path is `executable` (NULL: unknown).
 *  Returns how many of them are in `ret`; valid as long as the maps. */
size_t python_files_candidates(const struct maps *maps, const char *executable,
			       const struct mapping **ret, size_t max);

#endif
