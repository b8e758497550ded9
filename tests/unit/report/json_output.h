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

/* Validate a document with Python's jsonschema; skips where that is not installed. */
static inline void validate(const struct output *output, const char *schema)
{
	if (system("/usr/bin/python3 -c 'import jsonschema' 2>/dev/null") != 0) {
		print_message("python3-jsonschema is not installed\n");
		skip();
	}
	char command[256];
	snprintf(command, sizeof(command),
		 "/usr/bin/python3 -c 'import json, jsonschema, sys;"
		 " s = json.load(open(sys.argv[1]));"
		 " jsonschema.Draft202012Validator.check_schema(s);"
		 " jsonschema.Draft202012Validator(s).validate(json.load(sys.stdin))' %s",
		 schema);
	FILE *pipe = popen(command, "w");
	assert_non_null(pipe);
	assert_int_equal(fwrite(output->text, 1, output->len, pipe), output->len);
	assert_int_equal(pclose(pipe), 0);
}

#endif
