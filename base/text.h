/* SPDX-License-Identifier: MIT */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

/**
 * @file
 * Text for people: sizes with units, and foreign bytes made harmless.
 */

#include <stddef.h>
#include <stdint.h>

/** Write bytes as "512 B", "1.5 KiB", "188.3 MiB", "1.42 GiB" (negative ones with a minus). A
 *  power of two, which somebody has chosen, goes without decimals: "64 KiB". Returns `ret`, which
 * 16 bytes always suffice for. */
char *text_bytes(double bytes, char *ret, size_t size);

/** Write a count as "987", "1,234", "1.2 M". Returns `ret`; 16 bytes suffice. */
char *text_count(double count, char *ret, size_t size);

/** Write a duration as "9s", "4m", "2h", "6d". Returns `ret`; 8 bytes suffice. */
char *text_duration(double seconds, char *ret, size_t size);

/** Copy foreign text so that it is valid UTF-8 and moves no terminal: control characters (C0, C1,
 *  DEL), bidirectional overrides and invalid bytes become U+FFFD. Cut at a character's border to
 *  fit `size` bytes with the terminating zero. Returns the length written. */
size_t text_printable(const char *text, char *ret, size_t size);

/** Copy text of unknown origin, with U+FFFD for every byte that is not UTF-8, and nothing else
 *  changed: it is not printable. At most 3 times as long. Returns the bytes written, without the
 *  terminator. */
size_t text_utf8(const char *text, char *ret, size_t size);

#endif
