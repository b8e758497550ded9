/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_REPORT_JSON_OUTPUT_H
#define TESTS_UNIT_REPORT_JSON_OUTPUT_H

/**
 * @file
 * What a report writes, read as JSON.
 */

#include <jansson.h>

#include "tests/unit/report/output.h"

static inline json_t *parse(const struct output *output)
{
	json_error_t error;
	json_t *document = json_loadb(output->text, output->len, JSON_REJECT_DUPLICATES, &error);
	if (!document)
		fail_msg("line %d: %s", error.line, error.text);
	return document;
}

static inline void document_cleanup(json_t **document)
{
	json_decref(*document);
}

#define OWNED_JSON OWNED(document_cleanup)

#endif
