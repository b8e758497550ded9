/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_DATABASE_H
#define PROFILE_DATABASE_H

/**
 * @file
 * A file of SQLite. The one door to that library. Errors of everything here, unless said otherwise:
 * ERROR_FILE with the path and the cause, ERROR_NO_MEMORY.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct database;
struct statement;

/** Make a new file, mode 0600, never through a symlink. An existing regular file is replaced if
 *  `force`, else refused. Readers may look in while it is written (write-ahead log). */
MUST_CHECK bool database_create(const char *path, bool force, struct database **ret,
				struct error *err);

/** Open a file to read what may come from anybody: texts are bounded, and so is the time that
 *  reading takes. */
MUST_CHECK bool database_open(const char *path, struct database **ret, struct error *err);

/** How many bytes a file that was opened so can say at most, what lies in its log included. */
uint64_t database_bytes(const struct database *database);

/** Close a file. Its statements must be gone. Takes NULL. */
void database_close(struct database *database);
/** Close a file that was just made, and remove it. Its statements must be gone. Takes NULL. */
void database_discard(struct database *database);
static inline void database_cleanup(struct database **database)
{
	database_close(*database);
}

/** Run statements that give nothing back. */
MUST_CHECK bool database_run(struct database *database, const char *sql, struct error *err);

/** Put all that stands in the write-ahead log into the file as well; `ret` tells whether that could
 *  be done: not if somebody reads an older state all the time. */
MUST_CHECK bool database_fold(struct database *database, bool *ret, struct error *err);

/** Fold, and do without the log from now on, so that the file stands alone. If somebody has the
 * file open just now, the log stays until he is done, which is no error. */
MUST_CHECK bool database_settle(struct database *database, struct error *err);

/** Report that the content is not what it should be. Always returns false. */
bool database_damaged(struct database *database, const char *what, struct error *err);

/** Report that the file as a whole cannot be used: it "is not ours". Always returns false. */
bool database_foreign(struct database *database, const char *what, struct error *err);

/** Prepare a statement. `sql` is not copied. */
MUST_CHECK bool statement_create(struct database *database, const char *sql, struct statement **ret,
				 struct error *err);
void statement_destroy(struct statement *statement);
static inline void statement_cleanup(struct statement **statement)
{
	statement_destroy(*statement);
}

#define OWNED_STATEMENT OWNED(statement_cleanup)

/** Set the parameters from the first on, one per letter of `types`: i int64_t, d double, s const
 *  char *. Forgets the rows of an earlier run. */
MUST_CHECK bool statement_bind(struct statement *statement, struct error *err, const char *types,
			       ...);

/** Run a statement that gives no rows. */
MUST_CHECK bool statement_run(struct statement *statement, struct error *err);

/** Go to the next row; `ret` tells whether there is one. */
MUST_CHECK bool statement_next(struct statement *statement, bool *ret, struct error *err);

/* Columns of the row. A value of another type, or outside the range, is ERROR_FILE: damaged. */
MUST_CHECK bool statement_integer(struct statement *statement, int column, int64_t min, int64_t max,
				  int64_t *ret, struct error *err);
/** A finite number. */
MUST_CHECK bool statement_real(struct statement *statement, int column, double *ret,
			       struct error *err);
/** A text without zero bytes. Valid until the next row. */
MUST_CHECK bool statement_text(struct statement *statement, int column, const char **ret,
			       struct error *err);

#endif
