/* SPDX-License-Identifier: MIT */
/* Any bytes as foreign text that is to be shown: {u8 size, u8 columns, i32 line,
 * function, 0, file}. */
#include "base/text.h"

#include <locale.h>
#include <string.h>

#include "base/elide.h"
#include "base/glyphs.h"
#include "tests/fuzz/fuzz.h"

/* Nothing that moves a terminal: no C0, DEL, C1 (c2 80 to c2 9f), line separators and bidirectional
 * marks (e2 80 a8 to ae, e2 81 a6 to a9). */
static bool is_harmless(const char *text)
{
	const uint8_t *at = (const uint8_t *)text;
	for (; *at; at++) {
		if (*at < 0x20 || *at == 0x7f || (at[0] == 0xc2 && at[1] < 0xa0))
			return false;
		if (at[0] == 0xe2 && at[1] == 0x80 && at[2] >= 0xa8 && at[2] <= 0xae)
			return false;
		if (at[0] == 0xe2 && at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9)
			return false;
	}
	return true;
}

static char *copy_text(struct fuzz_input *input)
{
	const uint8_t *end = input->len > 0 ? memchr(input->bytes, '\0', input->len) : NULL;
	size_t len = end ? (size_t)(end - input->bytes) : input->len;
	char *text = calloc(1, len + 1);
	FUZZ_CHECK(text);
	memcpy(text, input->bytes, len);
	fuzz_take_bytes(input, len + 1, &len);
	return text;
}

static void check_printable(const char *text, size_t size)
{
	OWNED_FREE char *shown = malloc(size);
	FUZZ_CHECK(shown);
	size_t len = text_printable(text, shown, size);
	FUZZ_CHECK(len < size && strlen(shown) == len);
	FUZZ_CHECK(fuzz_is_utf8(shown, len) && is_harmless(shown));
}

static void check_cut(const char *text, int columns, size_t size)
{
	OWNED_FREE char *cut = malloc(size);
	FUZZ_CHECK(cut);
	int used = glyphs_cut(text, columns, cut, size);
	FUZZ_CHECK(memchr(cut, '\0', size));
	FUZZ_CHECK(used >= 0 && used <= columns && glyphs_columns(cut) == used);
}

static void check_elide(const struct frame *frame, int columns, size_t size)
{
	OWNED_FREE char *shown = malloc(size);
	FUZZ_CHECK(shown);
	elide_frame(frame, columns, shown, size);
	FUZZ_CHECK(memchr(shown, '\0', size));
	FUZZ_CHECK(fuzz_is_utf8(shown, strlen(shown)) && is_harmless(shown));
	FUZZ_CHECK(glyphs_columns(shown) <= columns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool has_locale;
	if (!has_locale)
		has_locale = setlocale(LC_CTYPE, "C.UTF-8");

	struct fuzz_input input = { data, size };
	size_t room = 1 + fuzz_take(&input, 1);
	int columns = (int)fuzz_take(&input, 1);
	int line = (int)(uint32_t)fuzz_take(&input, 4);
	OWNED_FREE char *function = copy_text(&input);
	OWNED_FREE char *file = copy_text(&input);

	check_printable(function, room);
	check_printable(file, 1 + strlen(file) * 3);
	check_cut(function, columns, room);
	check_elide(&(struct frame){ .function = function, .file = file, .line = line }, columns,
		    room);
	return 0;
}
