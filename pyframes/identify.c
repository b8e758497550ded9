/* SPDX-License-Identifier: MIT */
#include "pyframes/identify.h"

#include <string.h>

#include "pyframes/version.h"

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

/* "2.7.18" or "3.6.15+ (default, ...": the first word, if it reads as a version. Before 3.7 there
 * is nothing else to tell it. */
static bool take_text(const char text[VERSION_TEXT_BYTES], void *context)
{
	char *ret = context;
	unsigned major, minor, micro;
	int len = 0;
	char word[VERSION_TEXT_BYTES + 1] = { 0 };
	memcpy(word, text, VERSION_TEXT_BYTES);
	word[strcspn(word, " ")] = '\0';
	if (sscanf(word, "%1u.%2u.%2u%n", &major, &minor, &micro, &len) != 3 || major < 2)
		return false;
	if (strlen(word) == VERSION_TEXT_BYTES ||
	    word[len + strspn(word + len, "abcr+0123456789")] != '\0')
		return false;
	strcpy(ret, word);
	return true;
}

bool identify_python(struct memory *memory, struct symbols *symbols, char ret[IDENTITY_BYTES])
{
	struct symbol get_version;
	if (!symbols_find_first(symbols, "Py_GetVersion", &get_version))
		return false;
	if (!from_constant(memory, symbols, ret) && !from_runtime(memory, symbols, ret) &&
	    !version_find_text(memory, &get_version, take_text, ret))
		*ret = '\0';
	return true;
}
