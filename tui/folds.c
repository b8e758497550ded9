/* SPDX-License-Identifier: MIT */
#include "tui/folds.h"

#include <stdlib.h>

void folds_deinit(struct folds *folds)
{
	free(folds->fold);
	*folds = (struct folds){ 0 };
}

static int fold_compare(const void *left, const void *right)
{
	const struct fold *a = left;
	const struct fold *b = right;
	return (a->identity > b->identity) - (a->identity < b->identity);
}

static struct fold *find_fold(const struct folds *folds, uint64_t identity)
{
	struct fold wanted = { .identity = identity };
	if (!folds->count)
		return NULL;
	return bsearch(&wanted, folds->fold, folds->count, sizeof(wanted), fold_compare);
}

bool folds_is_open(const struct folds *folds, uint64_t identity, bool otherwise)
{
	const struct fold *fold = find_fold(folds, identity);
	return fold ? fold->is_open : otherwise;
}

void folds_set(struct folds *folds, uint64_t identity, bool is_open)
{
	struct fold *known = find_fold(folds, identity);
	if (known) {
		known->is_open = is_open;
		return;
	}
	struct fold *grown = reallocarray(folds->fold, folds->count + 1, sizeof(*grown));
	if (!grown)
		return;
	grown[folds->count] = (struct fold){ .identity = identity, .is_open = is_open };
	folds->fold = grown;
	folds->count++;
	qsort(grown, folds->count, sizeof(*grown), fold_compare);
}
