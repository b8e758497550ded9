/* SPDX-License-Identifier: MIT */
#ifndef TUI_FIGURES_H
#define TUI_FIGURES_H

/**
 * @file
 * Arithmetic on figures: sums over stacks, and the part of them that is old.
 */

#include "profile/snapshot.h"

/** Add figures of the same snapshot that err independently. */
void figures_add(struct figures *sum, const struct figures *figures);

/** The live bytes of an age class and older ones; of class 0, all. */
double figures_old_bytes(const struct figures *figures, size_t min_age_class);

/** Leave of live bytes and blocks only those of an age class and older ones. Growth stays that of
 *  all blocks. */
void figures_keep_old(struct figures *figures, size_t min_age_class);

/** The age that about half of the live bytes exceed. 0 if ages are not known. */
double figures_median_seconds(const struct figures *figures);

#endif
