/* SPDX-License-Identifier: MIT */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

/**
 * @file
 * The verbs. Each does all that its name says, from attaching to the last line it prints. `ret` is
 * EXIT_DONE before and is changed only to tell a result; failures are errors.
 */

#include "cli/job.h"

MUST_CHECK bool top_run(struct job *job, enum exit_code *ret, struct error *err);
MUST_CHECK bool record_run(struct job *job, enum exit_code *ret, struct error *err);
MUST_CHECK bool check_run(struct job *job, enum exit_code *ret, struct error *err);

/* These trace nobody and need no job. */

MUST_CHECK bool report_run(const struct options *options, struct error *err);
MUST_CHECK bool diff_run(const struct options *options, struct error *err);
MUST_CHECK bool view_run(const struct options *options, struct error *err);
MUST_CHECK bool ps_run(const struct options *options, struct error *err);
MUST_CHECK bool unstick_run(const struct options *options, struct error *err);
MUST_CHECK bool doctor_run(const struct options *options, enum exit_code *ret, struct error *err);

#endif
