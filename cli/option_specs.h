/* SPDX-License-Identifier: MIT */
#ifndef CLI_OPTION_SPECS_H
#define CLI_OPTION_SPECS_H

/**
 * @file
 * The options that there are, in one table: what parses them, and what prints the help page, both
 * go by it.
 */

#include "cli/options.h"

/** Sets of verbs. */
enum {
	TOP = 1 << VERB_TOP,
	RECORD = 1 << VERB_RECORD,
	CHECK = 1 << VERB_CHECK,
	REPORT = 1 << VERB_REPORT,
	DIFF = 1 << VERB_DIFF,
	VIEW = 1 << VERB_VIEW,
	PS = 1 << VERB_PS,
	DOCTOR = 1 << VERB_DOCTOR,
	UNSTICK = 1 << VERB_UNSTICK,
	LIVE = TOP | RECORD | CHECK,
	TARGETED = LIVE | DOCTOR | UNSTICK,
	READING = REPORT | DIFF,
	SHOWING = LIVE | READING,
	PRINTING = SHOWING | PS | DOCTOR,
	ANY = PRINTING | UNSTICK | VIEW,
};

/** One option: one with an argument is set by `set`, one without is the bool at offset `flag`. */
struct option_spec {
	const char *name;
	char letter; /* 0: none */
	const char *argument;
	unsigned verbs;
	const char *help;
	bool (*set)(struct options *options, const char *argument, struct error *err);
	size_t flag;
};

enum { OPTION_SPECS_MAX = 64 };

extern const struct option_spec option_specs[];
extern const size_t option_spec_count; /* at most OPTION_SPECS_MAX */

#endif
