/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_CAPTURE_SCHEMA_H
#define PROFILE_CAPTURE_SCHEMA_H

/**
 * @file
 * What a capture file holds: its tables, for the writer, the reader and people with the sqlite3
 * command.
 */

#include <stddef.h>

/** Marks the file: "fltr" as a number (PRAGMA application_id). */
enum { CAPTURE_APPLICATION_ID = 0x666c7472 };

/** Counts up with every change of a table (PRAGMA user_version). */
enum { CAPTURE_VERSION = 1 };

struct capture_table {
	const char *name;
	const char *sql;
};

/** The tables, in the order in which they are made. The reader insists on these very statements, so
 *  that nothing else can hide under their names. */
extern const struct capture_table capture_tables[];
extern const size_t capture_table_count;

/** The statements that make the views. */
extern const char capture_views[];

/** How one field of struct snapshot stands in the table meta. */
enum capture_field_type {
	FIELD_INT,
	FIELD_BOOL,
	FIELD_UINT64,
	FIELD_DOUBLE,
	FIELD_TEXT,
};

struct capture_field {
	const char *key;
	enum capture_field_type type;
	size_t offset; /* in struct snapshot */
};

extern const struct capture_field capture_fields[];
extern const size_t capture_field_count;

#endif
