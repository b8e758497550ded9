/* SPDX-License-Identifier: MIT */
#ifndef TUI_FOLDS_H
#define TUI_FOLDS_H

/**
 * @file
 * What a person said about rows: unfolded or folded, by the row's identity.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fold {
	uint64_t identity;
	bool is_open;
};

/** All zero: nothing was said. */
struct folds {
	struct fold *fold; /* sorted by identity */
	size_t count;
};

void folds_deinit(struct folds *folds);

/** What was said about a row; `otherwise` if nothing was. */
bool folds_is_open(const struct folds *folds, uint64_t identity, bool otherwise);

/** Remember it. Without memory it is as if nothing was said. */
void folds_set(struct folds *folds, uint64_t identity, bool is_open);

#endif
