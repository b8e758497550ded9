/* SPDX-License-Identifier: MIT */
#ifndef REPORT_FIGURE_TEXT_H
#define REPORT_FIGURE_TEXT_H

/**
 * @file
 * Figures as people read them: with no more digits than their errors allow.
 */

#include <stddef.h>

enum { FIGURE_TEXT_BYTES = 32 };

/** The last decimal place that means something beside an error: that of the error's first digit, or
 *  its second if the first is a 1. Negative before the point. */
int figure_decimals(double error, int decimals_max);

/** Round to so many decimals. Never -0. */
double figure_round(double number, int decimals);

/** Write bytes with their error, both in one unit: "188 ±3 MiB". `sign` goes before what is not
 *  negative. Returns `ret`. */
char *figure_text(double value, double error, const char *sign, char *ret, size_t size);

/** The same with decimals of bytes, where one byte is much: "1.25 ±0.11 B". */
char *figure_text_fine(double value, double error, const char *sign, char *ret, size_t size);

/** The value alone, with the digits that its error allows: "188 MiB". */
char *figure_text_alone(double value, double error, const char *sign, char *ret, size_t size);

#endif
