/* SPDX-License-Identifier: MIT */
#ifndef TUI_COLUMNS_H
#define TUI_COLUMNS_H

/**
 * @file
 * The columns of figures: the one table that the tree sorts by, the live view draws and the help
 * page explains.
 */

#include "profile/snapshot.h"

struct tree_row;

enum column_id {
	COLUMN_LIVE,
	COLUMN_GROWTH,
	COLUMN_BLOCKS,
	COLUMN_AGE,
	COLUMN_MEDIAN,
	COLUMN_CHANGE,
	COLUMN_SHARE,
	COLUMN_TREND,
	COLUMN_COUNT,
};

/** Room for any figure or error. */
enum { COLUMN_TEXT_SIZE = 32 };

struct column {
	const char *title;
	const char *help;
	int columns;	      /* room for the figure */
	int min_screen;	      /* shown on screens of at least so many columns */
	int error_min_screen; /* the same for its relative error */
	bool needs_baseline;  /* shown only if there is one */
	bool needs_ages;      /* shown only where ages of blocks are known */
	bool makes_way;	      /* with a baseline, shown on screens with room for it only */
	/** What rows are sorted by: largest first. Never NaN. */
	double (*value)(const struct tree_row *row);
	void (*print)(const struct tree_row *row, char ret[COLUMN_TEXT_SIZE]);
	/** Its estimate; NULL if it has none, and then no error. */
	const struct estimate *(*estimate)(const struct tree_row *row);
};

extern const struct column columns[COLUMN_COUNT];

/** Room for what columns_print_error() writes. */
enum { COLUMN_ERROR_COLUMNS = 6 };

/** Write the relative error as "±4%"; what is over 999% as "±>999%"; nothing if there is none. */
void columns_print_error(const struct estimate *estimate, char ret[COLUMN_TEXT_SIZE]);

/** Write bytes with their sign: "+2.9 MiB". */
void columns_print_signed(double bytes, char ret[COLUMN_TEXT_SIZE]);

/** Write bytes per second as "+2.9 MiB", per minute. */
void columns_print_growth(double bytes_per_second, char ret[COLUMN_TEXT_SIZE]);

/** Tell whether even the lower end of the interval is a growth. */
bool columns_is_sure_growth(const struct estimate *growth);

#endif
