/* SPDX-License-Identifier: MIT */
#include "pyframes/identify.h"

#include <string.h>

#include "pyframes/version.h"

enum {
	CODE_BYTES_MAX = 192, /* of Py_GetVersion that are looked at */
	TEXT_BYTES = 16,
};

/* PY_VERSION_HEX with what version_from_hex() refuses as well (Include/patchlevel.h). */
static bool write_hex(uint64_t hex, char ret[IDENTITY_BYTES])
{
	static const char *const levels[16] = {
		[0xa] = "a", [0xb] = "b", [0xc] = "rc", [0xf] = ""
	};
	const char *level = levels[(hex >> 4) & 0xf];
	unsigned serial = hex & 0xf;
	if (hex >> 24 != 3 || !level)
		return false;

	int len = snprintf(ret, IDENTITY_BYTES, "3.%u.%u%s", (unsigned)(hex >> 16) & 0xff,
			   (unsigned)(hex >> 8) & 0xff, level);
	if (*level)
		snprintf(ret + len, IDENTITY_BYTES - (size_t)len, "%u", serial);
	return true;
}

static bool from_constant(struct memory *memory, struct symbols *symbols, char ret[IDENTITY_BYTES])
{
	struct symbol symbol;
	struct error unused;
	uint64_t hex;
	return symbols_find_first(symbols, "Py_Version", &symbol) &&
	       memory_read(memory, symbol.address, &hex, sizeof(hex), &unused) &&
	       write_hex(hex, ret);
}

static bool from_runtime(struct memory *memory, struct symbols *symbols, char ret[IDENTITY_BYTES])
{
	struct symbol runtime;
	struct version version;
	struct error unused;
	if (!symbols_find_first(symbols, "_PyRuntime", &runtime) ||
	    !version_detect(memory, symbols, &runtime, &version, &unused))
		return false;
	version_format(&version, ret, IDENTITY_BYTES);
	return true;
}

/* "2.7.18" or "3.6.15+ (default, ...": the first word, if it reads as a version. */
static bool is_version_text(const char text[TEXT_BYTES], char ret[IDENTITY_BYTES])
{
	unsigned major, minor, micro;
	int len = 0;
	char word[TEXT_BYTES + 1] = { 0 };
	memcpy(word, text, TEXT_BYTES);
	word[strcspn(word, " ")] = '\0';
	if (sscanf(word, "%1u.%2u.%2u%n", &major, &minor, &micro, &len) != 3 || major < 2)
		return false;
	if (strlen(word) == TEXT_BYTES || word[len + strspn(word + len, "abcr+0123456789")] != '\0')
		return false;
	strcpy(ret, word);
	return true;
}

/* Py_GetVersion() prints PY_VERSION, so in its code stands the distance to that text or its
 * address: try every four bytes as both. This is for those before 3.7, which have no _PyRuntime. */
static bool from_code(struct memory *memory, const struct symbol *get_version,
		      char ret[IDENTITY_BYTES])
{
	uint8_t code[CODE_BYTES_MAX];
	struct error unused;
	size_t code_len = get_version->size;
	if (code_len == 0 || code_len > sizeof(code))
		code_len = sizeof(code);
	if (!memory_read(memory, get_version->address, code, code_len, &unused))
		return false;

	for (size_t i = 0; i + sizeof(int32_t) <= code_len; i++) {
		int32_t word;
		memcpy(&word, code + i, sizeof(word));
		raddr next = get_version->address + i + sizeof(word);
		raddr targets[] = { next + (raddr)(int64_t)word, (uint32_t)word };
		for (size_t k = 0; k < ARRAY_LEN(targets); k++) {
			char text[TEXT_BYTES];
			if (memory_read(memory, targets[k], text, sizeof(text), &unused) &&
			    is_version_text(text, ret))
				return true;
		}
	}
	return false;
}

bool identify_python(struct memory *memory, struct symbols *symbols, char ret[IDENTITY_BYTES])
{
	struct symbol get_version;
	if (!symbols_find_first(symbols, "Py_GetVersion", &get_version))
		return false;
	if (!from_constant(memory, symbols, ret) && !from_runtime(memory, symbols, ret) &&
	    !from_code(memory, &get_version, ret))
		*ret = '\0';
	return true;
}
