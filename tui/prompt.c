/* SPDX-License-Identifier: MIT */
#include "tui/prompt.h"

#include <string.h>

#include "tui/keys.h"

enum { CTRL_H = 8, CTRL_U = 21, DELETE = 127 };

/* Encode a character as UTF-8. Returns its bytes, 0 if it is none that can be typed. */
static size_t encode(int code, char ret[4])
{
	unsigned character = (unsigned)code;
	if (code < 0x20 || code == DELETE || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	if (code < 0x80) {
		ret[0] = (char)code;
		return 1;
	}
	size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	for (size_t i = len - 1; i > 0; i--, character >>= 6)
		ret[i] = (char)(0x80 | (character & 0x3f));
	ret[0] = (char)((0xf00u >> len & 0xf0u) | character);
	return len;
}

static size_t text_size(const struct prompt *prompt)
{
	return prompt->purpose == PROMPT_EXPORT ? sizeof(prompt->text) : TREE_TEXT_SIZE;
}

static enum prompt_result add(struct prompt *prompt, int code)
{
	char encoded[4];
	size_t added = encode(code, encoded);
	size_t len = strlen(prompt->text);
	if (added == 0 || len + added >= text_size(prompt))
		return PROMPT_IGNORED;
	memcpy(prompt->text + len, encoded, added);
	prompt->text[len + added] = '\0';
	return PROMPT_CHANGED;
}

static enum prompt_result take_away(struct prompt *prompt)
{
	size_t len = strlen(prompt->text);
	if (len == 0)
		return PROMPT_CANCELLED;
	do
		len--;
	while (len > 0 && ((unsigned char)prompt->text[len] & 0xc0) == 0x80);
	prompt->text[len] = '\0';
	return PROMPT_CHANGED;
}

enum prompt_result prompt_press(struct prompt *prompt, int code)
{
	switch (code) {
	case KEY_CODE_ENTER:
		return PROMPT_ACCEPTED;
	case KEY_CODE_ESCAPE:
	case KEY_CODE_CTRL_C:
		return PROMPT_CANCELLED;
	case KEY_CODE_BACKSPACE:
	case CTRL_H:
	case DELETE:
		return take_away(prompt);
	case CTRL_U:
		prompt->text[0] = '\0';
		return PROMPT_CHANGED;
	default:
		return add(prompt, code);
	}
}
