/* SPDX-License-Identifier: MIT */
#ifndef REPORT_HTML_PAGE_H
#define REPORT_HTML_PAGE_H

/**
 * @file
 * What all pages have in common: a fixed beginning, one JSON object of data, and the scripts that
 * draw it (report/html). What is made here of JSON is NULL without memory.
 */

#include <jansson.h>
#include <stdio.h>

#include "profile/snapshot.h"
#include "report/paths.h"
#include "report/string_table.h"

/** What is drawn. */
enum html_kind { HTML_REPORT, HTML_DIFF };

/** Write all that comes before the data. The brace that opens it is the caller's. */
void html_page_begin(FILE *out);

/** Close the data, and write all that comes after it. Errors: ERROR_FILE. */
MUST_CHECK bool html_page_end(enum html_kind kind, FILE *out, struct error *err);

/** A name of the target's, bounded and printable. */
json_t *html_page_name(const char *text);

json_t *html_page_target(const struct snapshot_target *target);
json_t *html_page_capture(const struct snapshot_capture *capture);

/** Names of the kinds of memory, and of the threads that rows have numbers of. */
json_t *html_page_kinds(void);
json_t *html_page_threads(const struct string_table *threads);

/** Write the member "frames", whose places are the numbers in paths. Errors: ERROR_NO_MEMORY. */
MUST_CHECK bool html_page_frames(const struct paths *paths, FILE *out, struct error *err);

/** Append to a row, which may be NULL, the path of the stack in this place of the order: how many
 *  outer frames are those of the row before, and the numbers of the other frames. */
void html_page_add_path(const struct paths *paths, size_t place, json_t *row);

#endif
