/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_REPORT_JSON_OUTPUT_H
#define TESTS_UNIT_REPORT_JSON_OUTPUT_H

/**
 * @file
 * What a report writes, read as JSON.
 */

#include <jansson.h>

#include "tests/unit/report/output.h"

static inline json_t *parse_bytes(const char *text, size_t len)
{
	json_error_t error;
	json_t *document = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!document)
		fail_msg("line %d: %s", error.line, error.text);
	return document;
}

static inline json_t *parse(const struct output *output)
{
	return parse_bytes(output->text, output->len);
}

/* The data of a page, which must hold no markup. */
static inline json_t *page_data(const struct output *output)
{
	static const char begin[] = "<script type=\"application/json\" id=\"data\">\n";
	const char *text = strstr(output->text, begin);
	assert_non_null(text);
	text += strlen(begin);
	const char *end = strstr(text, "\n</script>\n<script>\n");
	assert_non_null(end);
	size_t len = (size_t)(end - text);
	assert_in_range(strcspn(text, "<>&"), len, output->len);
	return parse_bytes(text, len);
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
