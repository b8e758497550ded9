/* SPDX-License-Identifier: MIT */
#ifndef REPORT_LINES_H
#define REPORT_LINES_H

/**
 * @file
 * What lines of text for people are made of.
 */

#include <stdio.h>

#include "profile/snapshot.h"

enum { LINES_START_BYTES = 32 };

/** Put text right-aligned into a column; printf would count the bytes of ±. */
void lines_column(FILE *out, const char *text, int width);

/** Write the arguments, one after the other, as far as there is room. Returns `ret`. */
char *lines_command(char **command, char *ret, size_t size);

/** Write "2026-11-22 12:00:00 UTC", or "?". Returns `ret`. */
char *lines_start(const struct snapshot_capture *capture, char ret[LINES_START_BYTES]);

/** A capture from anybody may hold any number; this much fits its place. */
double lines_bounded(double number);

#endif
