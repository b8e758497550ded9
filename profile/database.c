/* SPDX-License-Identifier: MIT */
#include "profile/database.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"

struct database {
	sqlite3 *handle;
	char *path;
	uint64_t steps_left; /* in thousands of virtual machine instructions */
};

struct statement {
	struct database *database;
	sqlite3_stmt *handle;
};

enum {
	BUSY_TIMEOUT_MS = 5000,
	UNTRUSTED_TEXT_BYTES_MAX = 1 << 20,
	/* Two thousand million instructions: far more than a week's capture takes. */
	UNTRUSTED_STEPS_MAX = 2 * 1000 * 1000,
};

static bool fail_with_errno(const char *doing, const char *path, struct error *err)
{
	error_set(err, ERROR_FILE, "cannot %s %s: %s", doing, path, strerror(errno));
	err->os_errno = errno;
	return false;
}

/* Report what SQLite has just said. */
static bool database_fail(struct database *database, struct error *err)
{
	int code = sqlite3_errcode(database->handle) & 0xff;
	switch (code) {
	case SQLITE_NOMEM:
		return error_set(err, ERROR_NO_MEMORY, "no memory for %s", database->path);
	case SQLITE_NOTADB:
		return database_foreign(database, "is not a capture of filtrace", err);
	case SQLITE_CORRUPT:
	case SQLITE_TOOBIG:
	case SQLITE_INTERRUPT:
		return database_damaged(database, sqlite3_errmsg(database->handle), err);
	default:
		return error_set(err, ERROR_FILE, "%s: %s", database->path,
				 sqlite3_errmsg(database->handle));
	}
}

bool database_damaged(struct database *database, const char *what, struct error *err)
{
	return error_set(err, ERROR_FILE, "%s is damaged: %s", database->path, what);
}

bool database_foreign(struct database *database, const char *what, struct error *err)
{
	return error_set(err, ERROR_FILE, "%s %s", database->path, what);
}

/* A path that SQLite cannot take for a URI or for ":memory:". */
static char *plain_path(const char *path)
{
	char *ret;
	return asprintf(&ret, "%s%s", path[0] == '/' ? "" : "./", path) < 0 ? NULL : ret;
}

static bool database_connect(const char *path, int flags, struct database **ret, struct error *err)
{
	OWNED(database_cleanup) struct database *database = calloc(1, sizeof(*database));
	OWNED_FREE char *plain = plain_path(path);
	if (!database || !plain || !(database->path = strdup(path)))
		return error_set(err, ERROR_NO_MEMORY, "no memory to open %s", path);
	if (sqlite3_open_v2(plain, &database->handle, flags, NULL) != SQLITE_OK) {
		if (!database->handle)
			return error_set(err, ERROR_NO_MEMORY, "no memory to open %s", path);
		return database_fail(database, err);
	}
	sqlite3_busy_timeout(database->handle, BUSY_TIMEOUT_MS);
	*ret = MOVE_PTR(database);
	return true;
}

void database_close(struct database *database)
{
	if (!database)
		return;
	sqlite3_close_v2(database->handle);
	free(database->path);
	free(database);
}

/* Remove an older file and what SQLite may have left beside it. */
static bool file_remove(const char *path, struct error *err)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
	struct stat info;
	if (lstat(path, &info) == 0 && !S_ISREG(info.st_mode))
		return error_set(err, ERROR_FILE, "%s is not a regular file", path);

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		OWNED_FREE char *name = NULL;
		if (asprintf(&name, "%s%s", path, suffixes[i]) < 0)
			return error_set(err, ERROR_NO_MEMORY, "no memory to replace %s", path);
		if (unlink(name) < 0 && errno != ENOENT)
			return fail_with_errno("replace", name, err);
	}
	return true;
}

bool database_create(const char *path, bool force, struct database **ret, struct error *err)
{
	if (force && !file_remove(path, err))
		return false;
	OWNED_FD int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return error_set(err, ERROR_FILE, "%s exists already (--force replaces it)", path);
	if (fd < 0)
		return fail_with_errno("create", path, err);

	OWNED(database_cleanup) struct database *database = NULL;
	if (!database_connect(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, &database, err) ||
	    !database_run(database, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL", err))
		return false;
	*ret = MOVE_PTR(database);
	return true;
}

static int count_steps(void *context)
{
	struct database *database = context;
	return database->steps_left-- == 0;
}

bool database_open(const char *path, struct database **ret, struct error *err)
{
	struct stat info;
	if (stat(path, &info) < 0)
		return fail_with_errno("read", path, err);
	if (!S_ISREG(info.st_mode))
		return error_set(err, ERROR_FILE, "%s is not a regular file", path);

	OWNED(database_cleanup) struct database *database = NULL;
	if (!database_connect(path, SQLITE_OPEN_READONLY, &database, err))
		return false;
	sqlite3_db_config(database->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(database->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_limit(database->handle, SQLITE_LIMIT_LENGTH, UNTRUSTED_TEXT_BYTES_MAX);
	database->steps_left = UNTRUSTED_STEPS_MAX;
	sqlite3_progress_handler(database->handle, 1000, count_steps, database);
	if (!database_run(database, "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0", err))
		return false;
	*ret = MOVE_PTR(database);
	return true;
}

bool database_run(struct database *database, const char *sql, struct error *err)
{
	return sqlite3_exec(database->handle, sql, NULL, NULL, NULL) == SQLITE_OK ||
	       database_fail(database, err);
}

bool database_settle(struct database *database, struct error *err)
{
	sqlite3_busy_timeout(database->handle, 0);
	int code = sqlite3_exec(database->handle, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
	return code == SQLITE_OK || code == SQLITE_BUSY || database_fail(database, err);
}

bool statement_create(struct database *database, const char *sql, struct statement **ret,
		      struct error *err)
{
	OWNED_STATEMENT struct statement *statement = calloc(1, sizeof(*statement));
	if (!statement)
		return error_set(err, ERROR_NO_MEMORY, "no memory for a statement");
	statement->database = database;
	if (sqlite3_prepare_v3(database->handle, sql, -1, SQLITE_PREPARE_PERSISTENT,
			       &statement->handle, NULL) != SQLITE_OK)
		return database_fail(database, err);
	*ret = MOVE_PTR(statement);
	return true;
}

void statement_destroy(struct statement *statement)
{
	if (!statement)
		return;
	sqlite3_finalize(statement->handle);
	free(statement);
}

/* Text of a database is UTF-8 for whoever reads it; what comes from a target need not be. */
static int bind_text(sqlite3_stmt *handle, int parameter, const char *text)
{
	if (!text)
		return sqlite3_bind_null(handle, parameter);
	size_t size = 3 * strlen(text) + 1; /* each byte becomes three at worst */
	char *valid = malloc(size);
	if (!valid)
		return SQLITE_NOMEM;
	size_t len = text_utf8(text, valid, size);
	return sqlite3_bind_text64(handle, parameter, valid, len, free, SQLITE_UTF8);
}

bool statement_bind(struct statement *statement, struct error *err, const char *types, ...)
{
	sqlite3_stmt *handle = statement->handle;
	sqlite3_reset(handle);
	va_list args;
	va_start(args, types);
	int code = SQLITE_OK;
	for (int i = 0; types[i] && code == SQLITE_OK; i++) {
		if (types[i] == 'i')
			code = sqlite3_bind_int64(handle, i + 1, va_arg(args, int64_t));
		else if (types[i] == 'd')
			code = sqlite3_bind_double(handle, i + 1, va_arg(args, double));
		else
			code = bind_text(handle, i + 1, va_arg(args, const char *));
	}
	va_end(args);
	return code == SQLITE_OK || database_fail(statement->database, err);
}

bool statement_run(struct statement *statement, struct error *err)
{
	int code = sqlite3_step(statement->handle);
	bool is_done = code == SQLITE_DONE || database_fail(statement->database, err);
	sqlite3_reset(statement->handle);
	return is_done;
}

bool statement_next(struct statement *statement, bool *ret, struct error *err)
{
	int code = sqlite3_step(statement->handle);
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		return database_fail(statement->database, err);
	*ret = code == SQLITE_ROW;
	return true;
}

/* Report a value that should not be where it is. */
static bool column_damaged(struct statement *statement, int column, struct error *err)
{
	char what[64];
	snprintf(what, sizeof(what), "bad value in column %s",
		 sqlite3_column_name(statement->handle, column));
	return database_damaged(statement->database, what, err);
}

bool statement_integer(struct statement *statement, int column, int64_t min, int64_t max,
		       int64_t *ret, struct error *err)
{
	int64_t value = sqlite3_column_int64(statement->handle, column);
	if (sqlite3_column_type(statement->handle, column) != SQLITE_INTEGER || value < min ||
	    value > max)
		return column_damaged(statement, column, err);
	*ret = value;
	return true;
}

bool statement_real(struct statement *statement, int column, double *ret, struct error *err)
{
	int type = sqlite3_column_type(statement->handle, column);
	double value = sqlite3_column_double(statement->handle, column);
	if ((type != SQLITE_FLOAT && type != SQLITE_INTEGER) || !isfinite(value))
		return column_damaged(statement, column, err);
	*ret = value;
	return true;
}

bool statement_text(struct statement *statement, int column, const char **ret, struct error *err)
{
	sqlite3_stmt *handle = statement->handle;
	if (sqlite3_column_type(handle, column) != SQLITE_TEXT)
		return column_damaged(statement, column, err);
	const char *text = (const char *)sqlite3_column_text(handle, column);
	if (!text)
		return database_fail(statement->database, err);
	if (strlen(text) != (size_t)sqlite3_column_bytes(handle, column))
		return column_damaged(statement, column, err);
	*ret = text;
	return true;
}
