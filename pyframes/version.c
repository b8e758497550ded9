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

enum {
	CODE_BYTES_MAX = 192, /* of Py_GetVersion that are looked at */
	VERSION_TEXT_MAX = 16,
};

/* "3.9.18" or "3.9.18 (main, ...", of the minor version that we know already. */
static bool micro_from_text(const char text[VERSION_TEXT_MAX], unsigned minor, unsigned *ret)
{
	unsigned found_minor;
	unsigned micro;
	int len = 0;
	char bounded[VERSION_TEXT_MAX + 1] = { 0 };
	memcpy(bounded, text, VERSION_TEXT_MAX);
	if (sscanf(bounded, "3.%3u.%3u%n", &found_minor, &micro, &len) != 2)
		return false;
	if (found_minor != minor || (bounded[len] != '\0' && bounded[len] != ' '))
		return false;
	*ret = micro;
	return true;
}

/* Py_GetVersion() prints PY_VERSION into a static buffer, so somewhere in its code stands the
 * distance to the one or the other, or an absolute address. Try every four bytes as both: no other
 * place reads as a version text. Finds nothing where addresses are made otherwise. */
static bool find_micro(struct memory *memory, const struct symbol *get_version, unsigned minor,
		       unsigned *ret, struct error *err)
{
	uint8_t code[CODE_BYTES_MAX];
	size_t code_len = get_version->size;
	if (code_len == 0 || code_len > sizeof(code))
		code_len = sizeof(code);
	if (!memory_read(memory, get_version->address, code, code_len, err))
		return false;

	char texts[2 * CODE_BYTES_MAX][VERSION_TEXT_MAX];
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
								  .len = VERSION_TEXT_MAX };
	}
	if (!memory_read_spans(memory, spans, span_count, err))
		return false;

	for (size_t i = 0; i < span_count; i++)
		if (spans[i].is_read && micro_from_text(texts[i], minor, ret))
			return true;
	return error_set(err, ERROR_FORMAT, "no version text near Py_GetVersion");
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
	struct error ignored;
	if (symbol_find_beside(symbols, "Py_GetVersion", runtime, &symbol))
		version.has_micro =
			find_micro(memory, &symbol, version.minor, &version.micro, &ignored);
	*ret = version;
	return true;
}
