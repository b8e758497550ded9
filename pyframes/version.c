/* SPDX-License-Identifier: MIT */
#include "pyframes/version.h"

#include <string.h>

bool symbol_find_beside(struct symbols *symbols, const char *name, const struct symbol *beside,
			struct symbol *ret)
{
	enum { DEFINITIONS_MAX = 8 };
	struct symbol found[DEFINITIONS_MAX];
	size_t found_len = symbols_find(symbols, name, found, DEFINITIONS_MAX);
	if (found_len == 0)
		return false;
	if (found_len > DEFINITIONS_MAX)
		found_len = DEFINITIONS_MAX;

	*ret = found[0];
	for (size_t i = 0; i < found_len; i++) {
		if (strcmp(found[i].image, beside->image) == 0) {
			*ret = found[i];
			break;
		}
	}
	return true;
}

bool version_from_hex(uint64_t hex, struct version *ret, struct error *err)
{
	enum { MAJOR = 3, RELEASE_LEVEL_FINAL = 0xf };
	if (hex >> 24 != MAJOR)
		return error_set(err, ERROR_FORMAT, "no version of CPython 3: %#" PRIx64, hex);

	struct version version = {
		.minor = (hex >> 16) & 0xff,
		.micro = (hex >> 8) & 0xff,
		.has_micro = true,
	};
	if (((hex >> 4) & 0xf) != RELEASE_LEVEL_FINAL)
		return error_set(err, ERROR_UNSUPPORTED,
				 "a pre-release of CPython 3.%u.%u is not supported", version.minor,
				 version.micro);
	*ret = version;
	return true;
}

char *version_format(const struct version *version, char *ret, size_t size)
{
	const char *suffix = version->is_free_threaded ? "t" : "";
	if (version->has_micro)
		snprintf(ret, size, "3.%u.%u%s", version->minor, version->micro, suffix);
	else
		snprintf(ret, size, "3.%u%s", version->minor, suffix);
	return ret;
}

/* Before 3.11 no exported datum holds the version, but each version exports functions that the one
 * before does not have (Doc/data/stable_abi.dat, and "New in version" of the C API reference). */
static unsigned minor_from_functions(struct symbols *symbols, const struct symbol *runtime)
{
	static const struct {
		unsigned minor;
		const char *function;
	} since[] = {
		{ 10, "PyModule_AddObjectRef" },
		{ 9, "PyFrame_GetCode" },
		{ 8, "PyCode_NewWithPosOnlyArgs" },
	};
	enum { FIRST_WITH_RUNTIME = 7 };

	struct symbol found;
	for (size_t i = 0; i < ARRAY_LEN(since); i++)
		if (symbol_find_beside(symbols, since[i].function, runtime, &found))
			return since[i].minor;
	return FIRST_WITH_RUNTIME;
}

enum { CODE_BYTES_MAX = 192 /* of Py_GetVersion that are looked at */ };

/* It prints PY_VERSION into a static buffer, so somewhere in its code stands the distance to the
 * one or the other, or an absolute address. */
bool version_find_text(struct memory *memory, const struct symbol *get_version,
		       bool (*accept)(const char text[VERSION_TEXT_BYTES], void *context),
		       void *context)
{
	uint8_t code[CODE_BYTES_MAX];
	struct error unused;
	size_t code_len = get_version->size;
	if (code_len == 0 || code_len > sizeof(code))
		code_len = sizeof(code);
	if (!memory_read(memory, get_version->address, code, code_len, &unused))
		return false;

	char texts[2 * CODE_BYTES_MAX][VERSION_TEXT_BYTES];
	struct memory_span spans[2 * CODE_BYTES_MAX];
	size_t span_count = 0;
	for (size_t i = 0; i + sizeof(int32_t) <= code_len; i++) {
		int32_t word;
		memcpy(&word, code + i, sizeof(word));
		raddr next = get_version->address + i + sizeof(word);
		raddr targets[] = { next + (raddr)(int64_t)word, (uint32_t)word };
		for (size_t k = 0; k < ARRAY_LEN(targets); k++, span_count++)
			spans[span_count] = (struct memory_span){ .address = targets[k],
								  .buffer = texts[span_count],
								  .len = VERSION_TEXT_BYTES };
	}
	if (!memory_read_spans(memory, spans, span_count, &unused))
		return false;
	for (size_t i = 0; i < span_count; i++)
		if (spans[i].is_read && accept(texts[i], context))
			return true;
	return false;
}

/* "3.9.18" or "3.9.18 (main, ...", of the minor version that we know already. */
static bool take_micro(const char text[VERSION_TEXT_BYTES], void *context)
{
	struct version *version = context;
	unsigned minor;
	unsigned micro;
	int len = 0;
	char bounded[VERSION_TEXT_BYTES + 1] = { 0 };
	memcpy(bounded, text, VERSION_TEXT_BYTES);
	if (sscanf(bounded, "3.%3u.%3u%n", &minor, &micro, &len) != 2 || minor != version->minor ||
	    (bounded[len] != '\0' && bounded[len] != ' '))
		return false;
	version->micro = micro;
	return true;
}

bool version_detect(struct memory *memory, struct symbols *symbols, const struct symbol *runtime,
		    struct version *ret, struct error *err)
{
	struct symbol symbol;
	if (symbol_find_beside(symbols, "Py_Version", runtime, &symbol)) {
		uint64_t hex;
		if (!memory_read(memory, symbol.address, &hex, sizeof(hex), err))
			return error_context(err, "Py_Version");
		return version_from_hex(hex, ret, err);
	}

	/* The micro version is for people only: no offset depends on it. */
	struct version version = { .minor = minor_from_functions(symbols, runtime) };
	if (symbol_find_beside(symbols, "Py_GetVersion", runtime, &symbol))
		version.has_micro = version_find_text(memory, &symbol, take_micro, &version);
	*ret = version;
	return true;
}
