/* SPDX-License-Identifier: MIT */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

/**
 * @file
 * The command line: one table of options from which parsing, validation and the help page come.
 * Touches no file and no process.
 */

#include <stdio.h>

#include "base/error.h"

enum verb {
	VERB_TOP,
	VERB_RECORD,
	VERB_CHECK,
	VERB_REPORT,
	VERB_DIFF,
	VERB_VIEW,
	VERB_PS,
	VERB_DOCTOR,
	VERB_UNSTICK,
	VERB_COUNT,
};

enum format {
	FORMAT_DEFAULT, /* nothing was asked for */
	FORMAT_TEXT,
	FORMAT_JSON,
	FORMAT_CSV,
	FORMAT_COLLAPSED,
	FORMAT_SPEEDSCOPE,
	FORMAT_PPROF,
	FORMAT_HTML,
	FORMAT_COUNT,
};

enum color {
	COLOR_AUTO,
	COLOR_ALWAYS,
	COLOR_NEVER,
};

/** A limit of `check`; not given: is_set is false. */
struct limit_option {
	bool is_set;
	double value;
};

/** Arguments of an option that may be given several times. */
enum { TEXT_LIST_MAX = 32 };

struct text_list {
	const char *items[TEXT_LIST_MAX];
	size_t count;
};

/** Strings and `command` point into the argv that was parsed. */
struct options {
	enum verb verb;
	bool wants_help;
	bool wants_version;

	int pid;		   /* 0 with a command, or where none is given */
	char **command;		   /* of `-- CMD`, NULL-terminated; NULL without */
	const char *capture;	   /* report, view: the file to read; diff: OLD */
	const char *newer_capture; /* diff: NEW */
	const char *output; /* record: pattern of the capture's name; report, diff: file or NULL */
	uint64_t duration_ns; /* 0: not given */
	enum format format;
	enum color color;
	bool is_json; /* -j: format is FORMAT_JSON then */
	bool is_quiet;
	bool is_verbose;
	bool is_forced;
	bool is_rotated;	 /* record: SIGHUP begins a new file */
	uint64_t max_size_bytes; /* record: of the capture; 0: not given */

	uint64_t sample_bytes;	  /* 0: adapt to the budget */
	double budget;		  /* share of time */
	int max_stops_per_second; /* 0: not given */
	bool stops_at_traps;	  /* --stop=trap */
	int top;		  /* sites to show; 0: not given */

	double operations[2]; /* diff: that OLD and NEW handled; 0: not given */

	/* What of a report is to be shown. */
	uint64_t min_age_ns;
	struct text_list only;
	struct text_list exclude;
	const char *suppressions; /* a file, or NULL */
	const char *thread;	  /* regular expression, or NULL */
	bool is_redacted;
	bool has_source; /* report: a page is to show lines of source */

	struct limit_option max_growth;	     /* bytes per second */
	struct limit_option max_site_growth; /* bytes per second */
	struct limit_option max_delta;	     /* bytes */
	uint64_t warmup_ns;
	double confidence;
	bool is_inconclusive_pass;
};

/** Parse main()'s arguments. Errors: ERROR_USAGE, naming the argument that is wrong; `ret` then
 * holds what was understood before it. */
MUST_CHECK bool options_parse(int argc, char **argv, struct options *ret, struct error *err);

/** Write the help page. */
void options_print_help(FILE *out);

#endif
