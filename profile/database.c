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
	bool is_foreign;     /* may come from anybody */
	uint64_t bytes;	     /* of a foreign file, its log included */
	uint64_t steps_left; /* in thousands of virtual machine instructions */
};

struct statement {
	struct database *database;
	sqlite3_stmt *handle;
};

/* A journal beside the file, once its writer was killed, would keep those from reading who may not
 * write. Here it is needed for two moments only, in which one page is written. */
#define NO_JOURNAL "PRAGMA journal_mode = MEMORY"

enum {
	BUSY_TIMEOUT_MS = 5000,
	FOLD_TIMEOUT_MS = 500,
	UNTRUSTED_TEXT_BYTES_MAX = 1 << 20,
	/* Instructions of SQLite's machine: some thirty times what a capture takes. */
	UNTRUSTED_STEPS_MIN = 50 * 1000 * 1000,
	UNTRUSTED_STEPS_PER_BYTE = 20,
	/* Some file systems compress as much, or count late. */
	HOLES_FACTOR = 16,
	HOLES_MIN = 16 << 20,
};

static bool fail_with_errno(const char *doing, const char *path, struct error *err)
{
	error_set(err, ERROR_FILE, "cannot %s %s: %s", doing, path, strerror(errno));
	err->os_errno = errno;
	return false;
}

enum { MESSAGE_BYTES = 160 };

/* What SQLite says, which may quote the file: one printable line. */
static const char *message(struct database *database, char *ret)
{
	text_printable(sqlite3_errmsg(database->handle), ret, MESSAGE_BYTES);
	return ret;
}

/* Report what SQLite says of the file, and what the system said to SQLite. */
static bool file_fail(struct database *database, struct error *err)
{
	int os_errno = sqlite3_system_errno(database->handle);
	char what[MESSAGE_BYTES];
	message(database, what);
	if (os_errno == 0)
		return error_set(err, ERROR_FILE, "%s: %s", database->path, what);
	error_set(err, ERROR_FILE, "%s: %s (%s)", database->path, what, strerror(os_errno));
	err->os_errno = os_errno;
	return false;
}

/* Report what SQLite has just said. */
static bool database_fail(struct database *database, struct error *err)
{
	int code = sqlite3_errcode(database->handle) & 0xff;
	char what[MESSAGE_BYTES];
	switch (code) {
	case SQLITE_NOMEM:
		/* SQLite also says so of some damaged schemas. */
		if (database->is_foreign)
			return database_foreign(database,
						"is damaged, or there is no memory to read it",
						err);
		return error_set(err, ERROR_NO_MEMORY, "no memory for %s", database->path);
	case SQLITE_NOTADB:
		return database_foreign(database, "is not a capture of filtrace", err);
	case SQLITE_CORRUPT:
	case SQLITE_TOOBIG:
	case SQLITE_INTERRUPT:
		return database_damaged(database, message(database, what), err);
	case SQLITE_FULL:
		return error_set(err, ERROR_FILE, "cannot write %s: the disk is full",
				 database->path);
	default:
		return file_fail(database, err);
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

static bool name_remove(const char *path, const char *suffix, struct error *err)
{
	OWNED_FREE char *name = NULL;
	if (asprintf(&name, "%s%s", path, suffix) < 0)
		return error_set(err, ERROR_NO_MEMORY, "no memory to replace %s", path);
	return unlink(name) == 0 || errno == ENOENT || fail_with_errno("replace", name, err);
}

/* What SQLite may have beside a file. */
static bool neighbours_remove(const char *path, struct error *err)
{
	return name_remove(path, "-wal", err) && name_remove(path, "-shm", err) &&
	       name_remove(path, "-journal", err);
}

static bool file_remove(const char *path, struct error *err)
{
	struct stat info;
	if (lstat(path, &info) == 0 && !S_ISREG(info.st_mode))
		return error_set(err, ERROR_FILE, "%s is not a regular file", path);
	return name_remove(path, "", err);
}

static bool file_make(const char *path, struct error *err)
{
	OWNED_FD int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return error_set(err, ERROR_FILE, "%s exists already (--force replaces it)", path);
	return fd >= 0 || fail_with_errno("create", path, err);
}

/* Begin with a file that is there, and empty. */
static bool database_begin(const char *path, struct database **ret, struct error *err)
{
	OWNED(database_cleanup) struct database *database = NULL;
	if (!database_connect(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, &database, err) ||
	    !database_run(database, NO_JOURNAL "; PRAGMA journal_mode = WAL", err) ||
	    !database_run(database, "PRAGMA synchronous = NORMAL", err))
		return false;
	*ret = MOVE_PTR(database);
	return true;
}

static void files_remove(const char *path)
{
	struct error ignored;
	(void)name_remove(path, "", &ignored);
	(void)neighbours_remove(path, &ignored);
}

bool database_create(const char *path, bool force, struct database **ret, struct error *err)
{
	/* The descriptor must be closed again before SQLite has locks: closing any descriptor of a
	 * file gives back all of a process's locks (fcntl(2)). */
	if ((force && !file_remove(path, err)) || !file_make(path, err))
		return false;
	/* What lies beside it belongs to an older file of this name. */
	if (neighbours_remove(path, err) && database_begin(path, ret, err))
		return true;
	files_remove(path);
	return false;
}

void database_discard(struct database *database)
{
	if (database)
		files_remove(database->path);
	database_close(database);
}

/* How much a file can say: of one with holes, not much more than what there is of it. */
static uint64_t bytes_of(const struct stat *info)
{
	uint64_t size = (uint64_t)info->st_size;
	uint64_t most = (uint64_t)info->st_blocks * 512 * HOLES_FACTOR + HOLES_MIN;
	return size < most ? size : most;
}

static int count_steps(void *context)
{
	struct database *database = context;
	return database->steps_left-- == 0;
}

bool database_open(const char *path, struct database **ret, struct error *err)
{
	struct stat info;
	struct stat log = { 0 };
	OWNED_FREE char *log_path = NULL;
	if (asprintf(&log_path, "%s-wal", path) < 0)
		return error_set(err, ERROR_NO_MEMORY, "no memory to open %s", path);
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
	database->is_foreign = true;
	(void)stat(log_path, &log);
	database->bytes = bytes_of(&info) + bytes_of(&log);
	database->steps_left =
		(UNTRUSTED_STEPS_MIN + UNTRUSTED_STEPS_PER_BYTE * database->bytes) / 1000;
	sqlite3_progress_handler(database->handle, 1000, count_steps, database);
	if (!database_run(database, "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0", err))
		return false;
	*ret = MOVE_PTR(database);
	return true;
}

uint64_t database_bytes(const struct database *database)
{
	return database->bytes;
}

bool database_run(struct database *database, const char *sql, struct error *err)
{
	return sqlite3_exec(database->handle, sql, NULL, NULL, NULL) == SQLITE_OK ||
	       database_fail(database, err);
}

bool database_fold(struct database *database, bool *ret, struct error *err)
{
	sqlite3_busy_timeout(database->handle, FOLD_TIMEOUT_MS);
	int code = sqlite3_wal_checkpoint_v2(database->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE,
					     NULL, NULL);
	sqlite3_busy_timeout(database->handle, BUSY_TIMEOUT_MS);
	if (code != SQLITE_OK && code != SQLITE_BUSY)
		return database_fail(database, err);
	*ret = code == SQLITE_OK;
	return true;
}

bool database_settle(struct database *database, struct error *err)
{
	bool is_folded;
	if (!database_fold(database, &is_folded, err))
		return false;
	sqlite3_busy_timeout(database->handle, 0);
	int code = sqlite3_exec(database->handle, NO_JOURNAL, NULL, NULL, NULL);
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
