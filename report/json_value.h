/* SPDX-License-Identifier: MIT */
#ifndef REPORT_JSON_VALUE_H
#define REPORT_JSON_VALUE_H

/**
 * @file
 * What all JSON documents have in common. They are written element by element: a snapshot may have
 * 100,000 stacks.
 */

#include <jansson.h>
#include <stdio.h>

#include "base/error.h"

/** A foreign text, made valid and printable; NULL without memory. */
json_t *json_foreign(const char *text);

/** A figure without a fraction, in the range in which every reader is exact. */
json_t *json_whole(double number);

/** Write a value behind a piece of the document's own text, and give it back. False if it could not
 *  be made (NULL); whether the writing went well is asked at the end. Errors: ERROR_NO_MEMORY. */
MUST_CHECK bool json_write_value(FILE *out, const char *before, json_t *value, struct error *err);

/** The same where the document stands in a page: whatever a text holds, it has none of <, > and &.
 */
MUST_CHECK bool json_write_markup(FILE *out, const char *before, json_t *value, struct error *err);

#endif
